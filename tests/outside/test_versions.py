"""Probes asked of runs of other versions: moved code, split files, many runs at once."""

import json
import os

import pytest
from test_diff_logs import FLORC, git, run

ONE = """\
import random
random.seed(7)
rate = 0.5
state = [0.0, 1.0]

def advance(values, batch):
    for index in range(len(values)):
        values[index] += rate * batch * random.random()

for epoch in range(4):
    for batch in range(3):
        advance(state, batch)
    print("epoch", epoch,
          state[0])
"""
# Other names, the loop over batches in a function, another rate.
TWO = """\
import random
from statistics import mean

rate = 0.25
random.seed(7)

def norm(values):
    return sum(abs(each) for each in values)

def advance(weights, batch):
    for index in range(len(weights)):
        weights[index] += rate * batch * random.random()

def train(weights):
    for batch in range(3):
        advance(weights, batch)
        print("probe batch", batch, repr(weights[1]))

weights = [0.0, 1.0]
for epoch in range(4):
    train(weights)
    middle = mean(weights)
    print("probe epoch", epoch, repr(norm(weights)), repr(middle))
    print("epoch", epoch,
          weights[0])
"""
# What carrying the probes of TWO into ONE must mean.
ONE_PROBED = """\
import random
from statistics import mean
random.seed(7)
rate = 0.5
state = [0.0, 1.0]

def norm(values):
    return sum(abs(each) for each in values)

def advance(values, batch):
    for index in range(len(values)):
        values[index] += rate * batch * random.random()

for epoch in range(4):
    for batch in range(3):
        advance(state, batch)
        print("probe batch", batch, repr(state[1]))
    middle = mean(state)
    print("probe epoch", epoch, repr(norm(state)), repr(middle))
"""


def expected(tmp_path, text):
    folder = tmp_path / "scratch"
    folder.mkdir(exist_ok=True)
    (folder / "train.py").write_text(text)
    lines = run(folder, FLORC.with_name("python"), "train.py").stdout.splitlines()
    return [line for line in lines if line.startswith("probe")]


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "train.py").write_text(ONE)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    assert run(folder, FLORC, "run", "--name", "first", "--checkpoints", "all", "train.py").returncode == 0
    return folder


def test_names_functions_and_settings_that_changed_since(project, tmp_path):
    (project / "train.py").write_text(TWO)
    ran = run(project, FLORC, "replay", "--workers", "2")
    assert ran.stdout.splitlines() == expected(tmp_path, ONE_PROBED), ran.stderr
    assert "verified" in ran.stderr and "rate = 0.25" in ran.stderr
    rows = json.loads(run(project, FLORC, "logs", "--format", "json").stdout)
    lines = {row["line"] for row in rows if row["source"] == "replay"}
    assert lines == {n for n, line in enumerate(TWO.splitlines(), 1) if "print(\"probe" in line}, "lines of the working tree"
    assert git(project, "status", "--short") == " M train.py\n", "nothing else was touched"


def test_code_that_moved_to_another_file(project, tmp_path):
    moved = "from helpers import advance\n" + ONE.replace("import random\n", "import random\n", 1)
    start, end = moved.index("def advance"), moved.index("for epoch")
    (project / "helpers.py").write_text(
        "import random\nrate = 0.5\n\n" + moved[start:end].replace("random.random()\n", "random.random()\n        print('probe', index, values[index])\n")
    )
    (project / "train.py").write_text(moved[:start] + moved[end:])
    ran = run(project, FLORC, "replay")
    text = ONE.replace("random.random()\n", "random.random()\n        print('probe', index, values[index])\n")
    assert ran.stdout.splitlines() == expected(tmp_path, text), ran.stderr
    assert "verified" in ran.stderr


def test_a_file_that_is_gone_because_its_code_moved(tmp_path):
    (tmp_path / "helpers.py").write_text("def scale(x):\n    return 2 * x\n")
    text = "from helpers import scale\nx = 1.0\nfor epoch in range(3):\n    x = scale(x)\n    print(epoch, x)\n"
    (tmp_path / "train.py").write_text(text)
    assert run(tmp_path, FLORC, "run", "train.py").returncode == 0
    os.remove(tmp_path / "helpers.py")
    merged = "def scale(x):\n    print('probe', x)\n    return 2 * x\n" + text.split("\n", 1)[1]
    (tmp_path / "train.py").write_text(merged)
    ran = run(tmp_path, FLORC, "replay")
    assert ran.stdout.splitlines() == ["probe 1.0", "probe 2.0", "probe 4.0"], ran.stderr


def test_one_version_is_asked_of_many_runs(project, tmp_path):
    (project / "train.py").write_text(TWO.replace("print(\"probe", "#print(\"probe"))
    git(project, "commit", "-qam", "two")
    assert run(project, FLORC, "run", "--name", "second", "--checkpoints", "all", "train.py").returncode == 0
    (project / "train.py").write_text("print('other')\n")
    assert run(project, FLORC, "run", "--name", "third", "train.py").returncode == 0
    (project / "train.py").write_text(TWO)
    git(project, "commit", "-qam", "three")
    (project / "train.py").write_text(ONE)
    head = git(project, "rev-parse", "HEAD")
    dry = run(project, FLORC, "propagate", "--from", "HEAD", "--to", "first", "--dry-run")
    assert "+        print(\"probe batch\", batch, repr(state[1]))" in dry.stdout, dry.stderr
    assert "-" not in {line[0] for line in dry.stdout.splitlines() if line and not line.startswith("---")}
    ran = run(project, FLORC, "propagate", "--from", "HEAD", "--to", "second", "first")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == expected(tmp_path, ONE_PROBED) + expected(tmp_path, TWO), ran.stderr
    rows = json.loads(run(project, FLORC, "logs", "first", "second", "--format", "json").stdout)
    assert len({row["run"] for row in rows if row["name"] == "repr(middle)"}) == 2, "one table over both runs"
    every = run(project, FLORC, "propagate", "--from", "HEAD", "--to", "all")
    assert every.returncode == 1 and "probe-without-place" in every.stderr, "one cannot be answered, the others are"
    assert every.stdout == ran.stdout
    assert (git(project, "rev-parse", "HEAD"), (project / "train.py").read_text()) == (head, ONE)


SLOW = "import time\nx = 0.0\nfor epoch in range(4):\n    for step in range(2):\n        time.sleep(0.1)\n        x += 0.5\n    print(epoch, x)\n"


def test_runs_share_the_workers_and_the_time(tmp_path):
    (tmp_path / "train.py").write_text(SLOW)
    for _ in range(3):
        assert run(tmp_path, FLORC, "run", "--checkpoints", "all", "train.py").returncode == 0
    (tmp_path / "train.py").write_text(SLOW.replace("        x +=", "        print('probe', epoch, step, x)\n        x +="))
    dry = run(tmp_path, FLORC, "propagate", "--to", "all", "--workers", "2", "--dry-run", "--format", "json")
    plans = [json.loads(each) for each in dry.stdout.replace("}\n{", "}\x00{").split("\x00")]
    assert [(len(plan["segments"]), plan["workers"]) for plan in plans] == [(1, 1)] * 3
    assert "3 runs with 2 workers: expected" in dry.stderr
    part = run(tmp_path, FLORC, "propagate", "--to", "all", "--budget", "1.2s")
    assert part.returncode == 0 and "no time was left" in part.stderr, part.stderr
    rest = run(tmp_path, FLORC, "propagate", "--to", "all", "--continue")
    assert rest.returncode == 0, rest.stderr
    every = [f"probe {epoch} {step} {0.5 * (2 * epoch + step)}" for epoch in range(4) for step in range(2)]
    assert rest.stdout.splitlines() == every * 3
    assert 0 < len(part.stdout.splitlines()) < len(every) * 3


def test_a_changed_order_that_matters_is_refused_with_both_places(project):
    (project / "train.py").write_text(ONE.replace("    for batch in range(3):\n        advance(state, batch)\n", "    print(state)\n"))
    ran = run(project, FLORC, "replay")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "probe-without-place" in ran.stderr and "recorded, line" in ran.stderr
