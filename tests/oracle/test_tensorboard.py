"""TensorBoard's own writer: its files while recording, none in a replay, and scalars that are asked for afterwards.

Expected values are read from the event files of a run from scratch; scalars there have 32 bits, so that is what is compared.
"""

import json
import struct
import sys

import pytest
from oracle import FLORC, run
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

SCRIPT = """\
import torch
from torch.utils.tensorboard import SummaryWriter

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.2), torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
writer = SummaryWriter(FOLDER)
step = 0
for epoch in range(4):
    for _ in range(3):
        optimizer.zero_grad()
        loss = model(torch.randn(8, 4)).square().mean()
        loss.backward()
        optimizer.step()
        writer.add_scalar("loss", loss, step)
        step += 1
    writer.add_histogram("weights", model[0].weight, epoch)
    print("epoch", epoch, loss.item())
writer.close()
"""
NORM = 'writer.add_scalar("grad_norm", model[0].weight.grad.norm(), step)'
MEAN = 'writer.add_scalar("mean", model[2].bias.mean().item(), global_step=epoch)'
HISTOGRAM = 'writer.add_histogram("bias", model[0].bias, epoch)'


def text(folder='"board"', probes=False):
    lines = SCRIPT.replace("FOLDER", folder)
    if probes:
        lines = lines.replace("        optimizer.step()", f"        {NORM}\n        optimizer.step()")
        lines = lines.replace("    print(", f"    {MEAN}\n    {HISTOGRAM}\n    print(")
    return lines


def bits(value):
    return struct.pack("<f", value)


def events(folder):
    """All summaries of the one event file below a folder, in order: tag, step and content, but no time."""
    (file,) = folder.rglob("events.out.tfevents.*")
    found = []
    for event in EventFileLoader(str(file)).Load():
        found += [(value.tag, event.step, value.SerializeToString()) for value in event.summary.value]
    return found


def scalars(folder, tag):
    """Step and value of all scalars with that tag."""
    (file,) = folder.rglob("events.out.tfevents.*")
    every = [(event.step, value) for event in EventFileLoader(str(file)).Load() for value in event.summary.value]
    return [(step, bits(value.tensor.float_val[0])) for step, value in every if value.tag == tag]


def files(folder):
    every = [path for path in folder.rglob("*") if ".florc" not in path.parts and "__pycache__" not in path.parts]
    return {str(path): path.read_bytes() if path.is_file() else None for path in every}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """Folders of a plain run, and of one with the probes."""
    folders = []
    for probes in (False, True):
        folders.append(tmp_path_factory.mktemp("scratch"))
        (folders[-1] / "train.py").write_text(text(probes=probes))
        done = run([sys.executable, "train.py"], folders[-1])
        assert done.code == 0, done.stderr
    return folders


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "train.py").write_text(text())
    done = run([FLORC, "run", "--checkpoints", "all", "train.py"], folder)
    assert done.code == 0, done.stderr
    return folder


def test_a_recorded_run_writes_the_events_of_a_plain_one(scratch, recorded):
    written = events(recorded)
    assert written == events(scratch[0])
    assert [tag for tag, _, _ in written].count("loss") == 12 and len(written) == 16


@pytest.mark.parametrize("workers", [1, 3])
def test_scalars_that_nobody_wrote_are_those_of_a_rerun(scratch, recorded, workers):
    (recorded / "train.py").write_text(text(probes=True))
    before = files(recorded)
    done = run([FLORC, "replay", "--workers", workers, "--format", "json"], recorded)
    assert done.code == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["status"] == "verified"
    assert files(recorded) == before, "a replay writes nothing there"
    shown = json.loads(run([FLORC, "logs", "--format", "json"], recorded).stdout)
    latest = [row for row in shown if row["source"] == "replay" and row["id"].split("/")[1] == report["replay"]]
    for rows in (report["rows"], latest):
        for tag, step in (("grad_norm", "step"), ("mean", "step")):
            assert pairs(rows, tag, step) == scalars(scratch[1], tag), tag
        assert {row["status"] for row in rows} == {"verified"}
        assert [row["context"]["epoch"] for row in rows if row["name"] == "bias"] == [0, 1, 2, 3]


def pairs(rows, tag, step):
    """Step and value of the rows of one call each."""
    calls = {}
    for row in rows:
        calls.setdefault(row["id"], {})[row["name"]] = row["value"]
    return [(call[step], bits(call[tag])) for call in calls.values() if tag in call]


def test_recorded_scalars_are_rows_too(scratch, recorded):
    shown = json.loads(run([FLORC, "logs", "--format", "json"], recorded).stdout)
    rows = [row for row in shown if row["source"] == "record"]
    assert pairs(rows, "loss", "step") == scalars(scratch[0], "loss")


def test_no_folder_is_made_by_a_replay(tmp_path):
    """The default folder is named after the clock and the machine."""
    (tmp_path / "train.py").write_text(text(folder=""))
    assert run([FLORC, "run", "--checkpoints", "all", "train.py"], tmp_path).code == 0
    (tmp_path / "train.py").write_text(text(folder="", probes=True))
    before = files(tmp_path)
    done = run([FLORC, "replay", "--workers", "2"], tmp_path)
    assert done.code == 0 and len(done.stdout.splitlines()) == 20, done.stderr
    assert files(tmp_path) == before
