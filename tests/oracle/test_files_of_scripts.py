"""What scripts write, start and load again: a replay leaves the user's files as they are, starts no programs, and sees its own writes."""

import sys

import pytest
from oracle import FLORC, run

SCRIPT = """\
import json, os, shutil
import numpy as np
import torch

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.2), torch.nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
os.makedirs("out/all", exist_ok=True)
history = []
for epoch in range(8):
    for _ in range(3):
        optimizer.zero_grad()
        loss = model(torch.randn(8, 4)).square().mean()
        loss.backward()
        optimizer.step()
    history.append(loss.item())
    torch.save({"epoch": epoch, "optimizer": optimizer.state_dict()}, "out/last.tmp")
    os.replace("out/last.tmp", "out/last.pt")
    np.save(f"out/all/{epoch}.npy", model[0].weight.detach().numpy())
    if epoch == 5:
        torch.save(model.state_dict(), "best.pt")
        shutil.copy("best.pt", "out/best-copy.pt")
    with open("history.json", "w") as file:
        json.dump(history, file)
    with open("log.txt", "a") as file:
        file.write(f"{epoch}\\n")
    print("epoch", epoch, loss.item())
model.load_state_dict(torch.load("best.pt"))
model.eval()
shutil.move("out/all", "out/moved")
print("loaded")
"""
EPOCH = "print('probe', epoch, float(model[0].weight.norm()))"
STEP = "print('probe', epoch, float(model[2].weight.grad.norm()))"
AFTER = (
    "print('probe end', [float(p.norm()) for p in model.parameters()])",
    "print('probe end', float(model(torch.ones(2, 4)).sum()), model.training, history)",
)
PROBES = {
    "in steps": SCRIPT.replace("        optimizer.step()", f"        {STEP}\n        optimizer.step()"),
    "in epochs": SCRIPT.replace("    print(", f"    {EPOCH}\n    print("),
    "after": SCRIPT + "\n".join(AFTER) + "\n",
}
CHILD = """\
import subprocess
x = 1.0
for epoch in range(3):
    x *= 1.5
    GUARD
    print("epoch", epoch)
"""
START = "subprocess.run(['touch', 'started.txt'], check=True)"
GUARDED = f"try:\n        {START}\n    except OSError:\n        pass"


def files(folder):
    """Everything that is the user's: bytes, times of the last change, and folders."""
    every = [path for path in folder.rglob("*") if ".florc" not in path.parts and "__pycache__" not in path.parts]
    return {str(path): path.is_file() and (path.read_bytes(), path.stat().st_mtime_ns) for path in every}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "train.py").write_text(SCRIPT)
    done = run([FLORC, "run", "--checkpoints", "all", "train.py"], folder)
    assert done.code == 0, done.stderr
    assert (folder / "out" / "moved" / "7.npy").exists() and not (folder / "out" / "all").exists()
    return folder


def expected(folder, text):
    (folder / "train.py").write_text(text)
    done = run([sys.executable, "train.py"], folder)
    assert done.code == 0 and done.probes(), done.stderr
    return done.probes()


@pytest.mark.parametrize("where", PROBES)
@pytest.mark.parametrize("workers", [1, 3])
def test_values_are_right_and_files_stay(tmp_path, recorded, where, workers):
    (recorded / "train.py").write_text(PROBES[where])
    before = files(recorded)
    done = run([FLORC, "replay", "--workers", workers], recorded)
    assert done.code == 0 and "verified" in done.stderr, done.stderr
    assert done.stdout.splitlines() == expected(tmp_path, PROBES[where])
    assert files(recorded) == before


def test_a_best_model_that_is_gone_is_made_again(tmp_path, recorded):
    """By running the script from its beginning: a replay of what is after the loop does not find it."""
    (recorded / "train.py").write_text(PROBES["after"])
    kept = (recorded / "best.pt").read_bytes()
    (recorded / "best.pt").unlink()
    try:
        done = run([FLORC, "replay"], recorded)
        assert done.code == 0 and "from its beginning" in done.stderr, done.stderr
        assert done.stdout.splitlines() == expected(tmp_path, PROBES["after"])
        assert not (recorded / "best.pt").exists()
    finally:
        (recorded / "best.pt").write_bytes(kept)


@pytest.mark.parametrize("start", [START, GUARDED])
def test_programs_are_not_started_and_the_user_is_told(tmp_path, start):
    text = CHILD.replace("GUARD", start)
    (tmp_path / "train.py").write_text(text)
    done = run([FLORC, "run", "--checkpoints", "all", "train.py"], tmp_path)
    assert done.code == 0 and (tmp_path / "started.txt").exists(), "while recording it is started"
    (tmp_path / "started.txt").unlink()
    (tmp_path / "train.py").write_text(text + "    print('probe', x)\n")
    before = files(tmp_path)
    done = run([FLORC, "replay"], tmp_path)
    assert (done.code, done.stdout) == (1, ""), done.stderr
    assert "program" in done.stderr and "replay" in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert files(tmp_path) == before


def test_values_of_a_script_that_goes_on_without_its_program_are_marked(tmp_path):
    text = CHILD.replace("GUARD", GUARDED)
    (tmp_path / "train.py").write_text(text)
    assert run([FLORC, "run", "--checkpoints", "all", "train.py"], tmp_path).code == 0
    (tmp_path / "train.py").write_text(text + "    print('probe', x)\n")
    done = run([FLORC, "replay", "--approximate"], tmp_path)
    assert done.code == 1 and "starts a program" in done.stderr, done.stderr
    assert done.stdout.splitlines() == [f"[approximate] probe {1.5**k}" for k in (1, 2, 3)]
