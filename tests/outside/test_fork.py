"""What if: a run that begins with the state of another one, in an edited script."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
from oracle import FLORC, run  # noqa: E402
from test_negative import small  # noqa: E402

SCRIPT = """\
import random
random.seed(3)
lr = 0.5
best, weights = None, [1.0, 2.0]
for epoch in range(6):
    for step in range(3):
        weights[0] -= lr * random.random() * weights[1]
    if best is None or weights[0] < best:
        best = weights[0]
    print("epoch", epoch, weights[0], best, random.random())
print("end", best)
"""
EDITED = SCRIPT.replace("lr = 0.5", "lr = 0.05").replace("    print(\"epoch\"", "    weights[1] *= 1.01\n    print(\"epoch\"")


@pytest.fixture
def project(tmp_path):
    project = small(tmp_path, SCRIPT)
    assert project.record().code == 0
    return project


def by_hand(folder, at):
    """Epochs before `at` run the old code, the others the new one: in one process, by hand."""
    folder.mkdir()
    text = EDITED.replace("lr = 0.05", "lr = 0.5").replace("    for step", f"    lr = 0.05 if epoch >= {at} else 0.5\n    for step")
    text = text.replace("    weights[1] *=", f"    if epoch >= {at}: weights[1] *=")
    lines = small(folder, text).plain().stdout.splitlines()
    return lines[at:]


def runs(project):
    return json.loads(run([FLORC, "runs", "--format", "json"], project.root).stdout)


def test_a_fork_goes_on_with_the_recorded_state_and_the_new_code(tmp_path, project):
    project.script.write_text(EDITED)
    ran = run([FLORC, "replay", "--fork", "epoch=2", "--name", "slow"], project.root)
    assert ran.code == 0, ran.stderr
    assert "edits before the main loop change nothing that the state at epoch=2 holds" in ran.stderr and "train.py:3: `lr = 0.05`" in ran.stderr
    assert ran.stdout.splitlines() == by_hand(tmp_path / "scratch", 2)
    old, new = runs(project)
    assert new["name"] == "slow" and new["outcome"] == "finished" and new["iterations"] == 4
    assert (new["parent"]["run"], new["parent"]["position"], old["parent"]) == (old["run"], 2, None)
    shown = run([FLORC, "show", "slow"], project.root).stdout
    assert f"from {old['run']} at epoch=2" in shown
    assert f"from {old['run']} at epoch=2" in run([FLORC, "runs"], project.root).stdout
    rows = json.loads(run([FLORC, "logs", old["run"], "slow", "--format", "json"], project.root).stdout)
    first = {(row["run"], row["context"]["epoch"]) for row in rows if row["name"] == "epoch"}
    assert {epoch for id, epoch in first if id == new["run"]} == {2, 3, 4, 5}
    assert {epoch for id, epoch in first if id == old["run"]} == set(range(6))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_fork_is_asked_in_hindsight_like_any_run(tmp_path, project, workers):
    project.script.write_text(EDITED)
    assert run([FLORC, "replay", "--fork", "epoch=2"], project.root).code == 0
    probe = "    print('probe', epoch, weights)\n    print(\"epoch\""
    project.script.write_text(EDITED.replace("    print(\"epoch\"", probe))
    ran = run([FLORC, "replay", "--workers", workers], project.root)
    assert ran.code == 0 and "verified" in ran.stderr, ran.stderr
    text = EDITED.replace("    print(\"epoch\"", probe)
    (tmp_path / "scratch").mkdir()
    text = text.replace("lr = 0.05", "lr = 0.5").replace("    for step", "    lr = 0.05 if epoch >= 2 else 0.5\n    for step")
    text = text.replace("    weights[1] *=", "    if epoch >= 2: weights[1] *=")
    assert ran.stdout.splitlines() == small(tmp_path / "scratch", text).plain().probes()[2:]


@pytest.mark.parametrize(("at", "edit", "words"), [
    ("epoch=9", ("", ""), "has no iteration"),
    ("epoch", ("", ""), "names no iteration"),
    ("epoch=3", ("weights[1] *= 1.01", "velocity = velocity + 1 if epoch else 0"), "`velocity`"),
    ("epoch=3", ("for epoch in range(6)", "for epoch in iter(input, '')"), "put back"),
])
def test_a_fork_that_no_checkpoint_allows_is_refused(project, at, edit, words):
    project.script.write_text(EDITED.replace(*edit))
    ran = run([FLORC, "replay", "--fork", at], project.root)
    assert (ran.code, ran.stdout) == (2, ""), ran.stderr
    assert words in ran.stderr
    assert len(runs(project)) == 1, "nothing was begun"


def test_where_there_is_no_checkpoint_others_are_named(tmp_path):
    project = small(tmp_path, SCRIPT)
    assert project.record(checkpoints="every=2").code == 0
    project.script.write_text(EDITED)
    ran = run([FLORC, "replay", "--fork", "epoch=3"], project.root)
    assert ran.code == 2 and "epoch=2, epoch=4" in ran.stderr, ran.stderr
