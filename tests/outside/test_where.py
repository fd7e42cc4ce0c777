"""`--where` with values that the run recorded itself."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
from oracle import FLORC, run  # noqa: E402
from test_negative import small  # noqa: E402

SCRIPT = """\
import random
random.seed(4)
weights = [1.0, 1.0]
loss = 0.0
print("start", loss)


def step(at):
    global loss
    weights[at % 2] += random.gauss(0, 1)
    loss = sum(each * each for each in weights)
    print(f"loss {loss}")


for epoch in range(8):
    for batch in range(4):
        step(batch)
    for check in range(2):
        weights[0] *= 0.5
    worst = max(weights)
    print("epoch", epoch, f"{worst:.2f}", {"norm": loss}["norm"])
print("end", loss)
"""
INNER = SCRIPT.replace("        step(batch)\n", "        step(batch)\n        print('probe', epoch, batch, weights[0])\n")
OUTER = SCRIPT.replace("    worst =", "    print('probe', epoch, weights[1])\n    worst =").replace('print("end"', "print('probe', 'end', weights)\nprint(\"end\"")
NORM = '{"norm": loss}["norm"]'


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = small(tmp_path_factory.mktemp("project"), SCRIPT)
    assert project.record().code == 0
    return project


def everything(tmp_path, text):
    """Lines of a run from scratch: those of the added statements, with the values that hold there."""
    losses, lines = {}, []
    ran = small(tmp_path, text).plain()
    assert ran.code == 0, ran.stderr
    epoch, batch = 0, 0
    for line in ran.stdout.splitlines():
        words = line.split()
        if words[0] == "loss":
            losses[epoch, batch] = float(words[1])
            batch += 1
        elif words[0] == "epoch":
            epoch, batch = epoch + 1, 0
        elif words[0] == "probe":
            lines.append(line)
    return losses, lines


def asked(project, text, condition, *options):
    project.script.write_text(text)
    ran = project.replay("--where", condition, *options)
    assert ran.code == 0 and "verified" in ran.stderr, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_recorded_value_chooses_steps(tmp_path, project, workers):
    losses, lines = everything(tmp_path, INNER)
    limit = sorted(losses.values())[-6]
    wanted = [line for line in lines if losses[int(line.split()[1]), int(line.split()[2])] >= limit]
    assert len(wanted) == 6
    assert asked(project, INNER, f"loss >= {limit!r}", "--workers", workers) == wanted
    assert asked(project, INNER, f"epoch < 9 and {limit!r} <= loss and batch >= 0") == wanted


def test_a_row_of_an_epoch_is_asked_for_by_a_value_of_its_steps(tmp_path, project):
    losses, lines = everything(tmp_path, OUTER)
    limit = sorted(losses.values())[-3]
    epochs = {epoch for (epoch, _), loss in losses.items() if loss >= limit}
    wanted = [line for line in lines if line.split()[1] != "end" and int(line.split()[1]) in epochs]
    assert 0 < len(wanted) < 8
    assert asked(project, OUTER, f"loss >= {limit!r}") == wanted


def test_epochs_without_such_a_value_do_not_run(project):
    (best,) = [row["context"]["epoch"] for row in project.logs() if row["name"] == NORM and row["value"] == largest(project)]
    project.script.write_text(OUTER)
    plan = json.loads(project.replay("--where", f"{NORM} == {largest(project)!r}", "--dry-run", "--format", "json").stdout)
    assert [at["head"]["iteration"] for at in plan["iterations"] if at["action"] != "none"] == [best]


def largest(project):
    return max(row["value"] for row in project.logs() if row["name"] == NORM)


def test_values_are_called_as_they_were_logged(tmp_path, project):
    _, lines = everything(tmp_path, OUTER)
    assert asked(project, OUTER, f"worst > -100 and {NORM} >= 0 and epoch == 2") == lines[2:3]


def test_what_was_recorded_in_the_loop_says_nothing_of_what_is_outside(tmp_path, project):
    _, lines = everything(tmp_path, OUTER)
    assert asked(project, OUTER, "worst > -100") == lines[:8]
    assert asked(project, OUTER, "loss >= 0") == lines


def test_a_name_that_nothing_has_is_refused_before_anything_runs(project):
    project.script.write_text(OUTER)
    ran = run([FLORC, "replay", "--where", "epoch > 2 and lr > 0.1"], project.root)
    assert (ran.code, ran.stdout) == (2, "") and "called `lr`" in ran.stderr, ran.stderr
    assert "`worst`" in ran.stderr and "`batch`" in ran.stderr


def test_names_that_are_made_as_they_are_logged_are_told_afterwards(project):
    project.script.write_text(OUTER.replace("print('probe', epoch, weights[1])", "import florc; florc.log('first', weights[1])"))
    ran = run([FLORC, "replay", "--where", "frist > -100"], project.root)
    assert (ran.code, ran.stdout) == (0, "") and "no line of the added log statements has `frist`" in ran.stderr, ran.stderr
    ran = run([FLORC, "replay", "--where", "first > -100"], project.root)
    assert len(ran.stdout.splitlines()) == 8, ran.stderr


RATES = """\
for rate in ITEMS:
    weight = 1.0
    for epoch in range(3):
        for step in range(4):
            weight -= rate * weight
    print("done", rate, weight)
"""


@pytest.mark.parametrize(("items", "conditions"), [
    ("(0.1, 0.01, 0.001)", {"rate == 0.01": "0.01", "rate < 0.05": "0.01 0.001", "rate == 1": "", "rate > 1": ""}),
    ('("a", "b")', {'rate == "b"': "b", "rate == 1": ""}),
    ("[4, 2, 8]", {"rate == 2": "2", "rate > 3": "4 8"}),
])
def test_a_loop_over_values_is_meant_by_these(tmp_path, items, conditions):
    script = RATES.replace("ITEMS", items)
    script = script if "a" not in items else script.replace("rate * weight", "0.1 * weight * len(rate)")
    (tmp_path / "train.py").write_text(script)
    assert run([FLORC, "run", "--checkpoints", "all", "train.py"], tmp_path).code == 0
    (tmp_path / "train.py").write_text(script.replace('    print("done"', '    print("probe", rate, weight)\n    print("done"'))
    for condition, expected in conditions.items():
        shown = run([FLORC, "replay", "--where", condition], tmp_path)
        assert " ".join(line.split()[1] for line in shown.stdout.splitlines()) == expected, (condition, shown)


def test_of_a_loop_that_the_run_did_not_look_at(tmp_path):
    """It logged nothing in it: positions could be taken for values."""
    script = "for epoch in range(3):\n    weight = 1.0\n    for rate in (3, 0.1, 7):\n        weight += rate\n    print('end', weight)\n"
    (tmp_path / "train.py").write_text(script)
    assert run([FLORC, "run", "--checkpoints", "all", "train.py"], tmp_path).code == 0
    (tmp_path / "train.py").write_text(script.replace("weight += rate\n", "weight += rate\n        print('probe', rate)\n"))
    shown = run([FLORC, "replay", "--where", "rate == 0.1 and epoch == 1"], tmp_path)
    assert shown.stdout == "probe 0.1\n", shown.stderr
    (tmp_path / "train.py").write_text(script.replace("weight += rate\n", "weight += rate\n        print('probe', weight)\n"))
    refused = run([FLORC, "replay", "--where", "rate == 0.1"], tmp_path)
    assert refused.code == 2 and "no loop and no logged value is called `rate`" in refused.stderr
