"""What `florc diff-logs` says that an edit means for the training."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
from oracle import FLORC, run  # noqa: E402

SCRIPT = """\
import json
import os
import random

lr = 0.5
data = json.load(open("train.json"))
unused = 1


def norm(values):
    total = sum(value * value for value in values)
    return total ** 0.5


def mean(values):
    return sum(values) / len(values)


def step(state, x):
    if x is None:
        return state
        print("never")
        state = None
    return state + lr * x * mean(data)


state = 0.0
seen = []
for epoch in range(4):
    for x in data:
        state = step(state, x)
        seen.append(state)
    if False:
        state = 1.0
    size = norm(seen)
    print("epoch", epoch, size, mean(seen))
summary = {"state": state}
json.dump(summary, open("end.json", "w"))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("meanings")
    (folder / "train.py").write_text(SCRIPT)
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=f", "-c", "user.email=f@example.org", "commit", "-qm", "one"]):
        assert run(["git", *command], folder).code == 0
    return folder


EDITS = [
    ("lr = 0.5", "lr = 0.25", "state-changing (argument)"),
    ("range(4)", "range(5)", "state-changing (argument)"),
    ('open("train.json")', 'open("other.json")', "state-changing (data)"),
    ("lr * x * mean(data)", "lr * x + mean(data)", "state-changing"),
    ("sum(values) / len(values)", "sum(values) / (len(values) or 1)", "state-changing"),
    ("value * value for", "abs(value) for", "replayable"),
    ("total ** 0.5", "total ** 0.25", "replayable"),
    ("    size = norm(seen)\n", "    size = norm(seen[-9:])\n", "replayable"),
    ("unused = 1", "unused = 2", "replayable"),
    ("        seen.append(state)\n", "", "state-changing"),
    ("        state = None\n", "        state = 0\n", "dead code"),
    ("        state = 1.0\n", "        state = 2.0\n", "dead code"),
    ('{"state": state}', '{"state": state, "lr": lr}', "after the last checkpoint"),
    ('"end.json"', '"final.json"', "after the last checkpoint"),
    ("unused = 1\n", "unused = 1\n\n\ndef spread(values):\n    return max(values) - min(values)\n", "replayable"),
    ("unused = 1\n", "unused = 1\nrandom.seed(1)\n", "state-changing"),
    ("unused = 1\n", "unused = 1\nos.putenv('A', 'b')\n", "state-changing"),
]


@pytest.mark.parametrize(("old", "new", "meaning"), EDITS, ids=range(len(EDITS)))
def test_an_edit_has_its_class(project, old, new, meaning):
    assert SCRIPT.count(old) == 1
    (project / "train.py").write_text(SCRIPT.replace(old, new))
    told = json.loads(run([FLORC, "diff-logs", "--format", "json"], project).stdout)
    (file,) = told["files"]
    (other,) = file["other_changes"]
    assert other["class"] == meaning, other
    is_harmless = meaning in ("replayable", "dead code")
    assert (other["reaches"] is None) == is_harmless
    assert run([FLORC, "diff-logs", "--exit-code"], project).code == (0 if is_harmless else 1)


def test_renamed_variables_are_a_renaming(project):
    (project / "train.py").write_text(SCRIPT.replace("state", "weights").replace('{"weights"', '{"state"'))
    told = json.loads(run([FLORC, "diff-logs", "--format", "json"], project).stdout)
    assert {other["class"] for file in told["files"] for other in file["other_changes"]} == {"renaming"}


def test_comments_and_formatting_are_counted(project):
    (project / "train.py").write_text(SCRIPT.replace("lr = 0.5", "lr = (0.5)  # half"))
    told = run([FLORC, "diff-logs"], project)
    assert "nothing that runs differs" in told.stdout and "comments and formatting only: 1 file" in told.stdout
    assert json.loads(run([FLORC, "diff-logs", "--format", "json"], project).stdout)["format_only"] == ["train.py"]


def test_edits_that_a_replay_leaves_out_have_their_class(project):
    (project / "train.py").write_text(SCRIPT)
    (project / "train.json").write_text("[1.0, 0.5]")
    assert run([FLORC, "run", "train.py"], project).code == 0
    edited = SCRIPT.replace("lr = 0.5", "lr = 0.25").replace("total ** 0.5", "total ** 0.25").replace("state = 1.0", "state = 2.0")
    (project / "train.py").write_text(edited.replace("    size =", "    print('probe', state)\n    size ="))
    ran = run([FLORC, "replay", "--format", "json"], project)
    told = json.loads(ran.stdout)
    assert told["status"] == "verified" and len(told["rows"]) == 4, ran.stderr
    classes = [edit["class"] for edit in told["left_out"]]
    assert classes == ["state-changing (argument)", "replayable", "dead code"], told["left_out"]
