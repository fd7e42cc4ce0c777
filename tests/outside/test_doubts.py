"""Log statements of which nobody knows whether they change the training: what is run for them, and what is refused.

The truth is a run of the script with the statement, from scratch.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FLORC = Path(sys.executable).with_name("florc")

# A package that florc does not know; it is not the project's.
ELSEWHERE = """\
calls = 0


class Thing:
    def __init__(self, weights):
        self.weights = weights
        self.asked = 0

    def total(self):
        return sum(self.weights)

    def bump(self):
        self.weights[0] += 1.0
        return self.weights[0]

    def ask(self):
        self.asked += 1
        return self.asked


def counted():
    global calls
    calls += 1
    return calls
"""

# `eval` and `json.loads` give values of unknown type that run nothing but the project's code.
SCRIPT = """\
import json
import random
import sys

import elsewhere

random.seed(1)
weights = [0.0] * 4
thing = elsewhere.Thing(weights)
kept = json.loads('{"n": 0}')
look = eval("lambda of: sum(of)")
push = eval("lambda of: of.__setitem__(0, of[0] + 1.0)")
count = eval("lambda of: of.__setitem__('n', of['n'] + 1) or of['n']")
# before
for epoch in range(8):
    # head
    for i in range(5):
        weights[i % 4] += random.random()
        sys.stderr.write(f"ran {epoch}\\n")
        # inside
    # end
    last = weights[:]
print("weights", weights)
"""


def run(command, folder):
    env = {k: v for k, v in os.environ.items() if not k.startswith("FLORC_")}
    env["PYTHONPATH"] = str(folder.parent / "lib")
    command = [str(part) for part in command]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)


def record(root, script):
    """Records a script in a project beside the package."""
    folder = root / "project"
    for made in (folder, root / "lib"):
        made.mkdir()
    (root / "lib" / "elsewhere.py").write_text(ELSEWHERE)
    (folder / "train.py").write_text(script)
    done = run([FLORC, "run", "--checkpoints", "all", "train.py"], folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return record(tmp_path_factory.mktemp("doubts"), SCRIPT)


class Asked:
    """A replay of the run with a statement at a mark of the script, and the truth."""

    def __init__(self, folder, mark, added, *options):
        lines = SCRIPT.splitlines(keepends=True)
        at = next(i for i, line in enumerate(lines) if line.strip() == f"# {mark}")
        indent = lines[at][: -len(lines[at].lstrip())]
        lines[at] = "".join(f"{indent}{line}\n" for line in added.splitlines())
        (folder / "train.py").write_text("".join(lines))
        truth = run([sys.executable, "train.py"], folder).stdout.splitlines()
        self.truth = [line for line in truth if line.startswith("probe")]
        self.told = run([FLORC, "replay", *options], folder)
        self.rows = self.told.stdout.splitlines()
        self.ran = self._executed(folder)

    def _executed(self, folder):
        """Epochs of which the block was run, as the workers printed."""
        newest = max((folder / ".florc" / "replays").iterdir(), key=lambda it: it.stat().st_mtime_ns)
        printed = [line for out in newest.glob("*.stderr") for line in out.read_text().splitlines()]
        return sorted({int(line.split()[1]) for line in printed if line.startswith("ran")})

    def is_verified(self):
        return self.told.returncode == 0 and "verified" in self.told.stderr


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_a_statement_that_leaves_all_as_it_was_costs_no_block(recorded, options):
    asked = Asked(recorded, "end", 'print("probe", look(weights))', *options)
    assert asked.is_verified() and asked.rows == asked.truth, asked.told.stderr
    assert "may change the training" in asked.told.stderr
    assert asked.ran == []


def test_only_what_is_asked_for_is_run(recorded):
    asked = Asked(recorded, "inside", 'print("probe", look(weights))', "--where", "epoch >= 6")
    assert asked.is_verified() and asked.rows == asked.truth[-10:], asked.told.stderr
    assert asked.ran == [6, 7]


def test_a_block_after_the_statement_is_run(recorded):
    asked = Asked(recorded, "head", 'print("probe", look(weights))')
    assert asked.is_verified() and asked.rows == asked.truth, asked.told.stderr
    assert asked.ran == list(range(8))


@pytest.mark.parametrize("options", [(), ("--workers", "2"), ("--where", "epoch == 3")])
@pytest.mark.parametrize("added", ['print("probe", push(weights))', 'print("probe", push(weights) if epoch > 2 else 0)'])
def test_a_statement_that_changes_the_training_is_found(recorded, added, options):
    asked = Asked(recorded, "end", added, *options)
    assert asked.told.returncode != 0 and asked.rows == []
    assert "not shown" in asked.told.stderr


@pytest.mark.parametrize("options", [(), ("--where", "epoch == 3")])
def test_before_the_loop_too(recorded, options):
    asked = Asked(recorded, "before", 'print("probe", push(weights))', *options)
    assert asked.told.returncode != 0 and asked.rows == []


@pytest.mark.parametrize(
    "added",
    ["count(kept)", "elsewhere.counted()"],
    ids=["its own dictionary", "a variable of a package"],
)
@pytest.mark.parametrize("options", [(), ("--workers", "2"), ("--where", "epoch >= 6")])
def test_a_statement_that_counts_its_calls_counts_them_all(recorded, added, options):
    asked = Asked(recorded, "end", f'print("probe", {added})', *options)
    assert asked.is_verified(), asked.told.stderr
    assert asked.rows == (asked.truth[-2:] if "--where" in options else asked.truth)


def test_a_count_in_what_the_training_may_use_is_refused(recorded):
    asked = Asked(recorded, "end", 'print("probe", thing.ask())')
    assert asked.told.returncode != 0 and asked.rows == []
    assert "thing.asked: recorded 0, found 1" in asked.told.stderr


def test_a_count_of_the_probes_own_runs_through_what_is_not_asked_for(recorded):
    text = SCRIPT.replace("# before", "seen = 0").replace("# inside", "seen += 1").replace("# end", 'print("probe", seen)')
    (recorded / "train.py").write_text(text)
    told = run([FLORC, "replay", "--where", "epoch >= 6"], recorded)
    assert (told.stdout, told.returncode) == ("probe 35\nprobe 40\n", 0), told.stderr


# As nanoGPT does it: settings by name before the loop, and an endless loop that counts for itself.
BY_NAME = """\
import random

rate = 0.5
settings = [k for k, v in globals().items() if isinstance(v, float)]
exec("rate = 0.25")
random.seed(3)
weights = [0.0] * 4
step = 0
while True:  # florc: main-loop
    for i in range(5):
        weights[i % 4] += rate * random.random()
    # end
    step += 1
    if step >= 8:
        break
print({k: globals()[k] for k in settings}, weights)
"""


def test_variables_by_name_before_the_loop_are_no_obstacle_to_a_start_in_it(tmp_path):
    folder = record(tmp_path, BY_NAME)
    (folder / "train.py").write_text(BY_NAME.replace("# end", "print('probe', sum(weights), step)"))
    truth = run([sys.executable, "train.py"], folder).stdout.splitlines()
    told = run([FLORC, "replay", "--where", "while >= 6"], folder)
    assert told.stdout.splitlines() == truth[6:8] and "verified" in told.stderr, told.stderr
    assert run([FLORC, "replay", "--workers", "2"], folder).stdout.splitlines() == truth[:8]
    plan = run([FLORC, "replay", "--where", "while >= 6", "--dry-run"], folder)
    assert "2 of 8 iterations run" in plan.stdout, plan.stdout + plan.stderr


# Two main loops, and one in a function that does not see what its caller has.
TWO_LOOPS = """\
import json
import random
from concurrent.futures import ThreadPoolExecutor

import elsewhere

random.seed(1)
weights = [0.0] * 4
kept = json.loads('{"n": 0}')
push = eval("lambda of: of.__setitem__(0, of[0] + 1.0)")
count = eval("lambda of: of.__setitem__('n', of['n'] + 1) or of['n']")
pool = ThreadPoolExecutor(1)
for epoch in range(2):  # florc: main-loop
    for i in range(5):
        weights[i % 4] += random.random()
    # first
# between


def main():
    own = {"n": 0}

    def tally():
        own["n"] += 1
        return own["n"]

    def train():
        for late in range(8):  # florc: main-loop
            for i in range(5):
                weights[i % 4] += random.random()
            # second
    tally()
    train()


main()
print("weights", weights)
"""


@pytest.fixture(scope="module")
def two_loops(tmp_path_factory):
    return record(tmp_path_factory.mktemp("loops"), TWO_LOOPS)


def told_and_truth(folder, statements, *options):
    text = TWO_LOOPS
    for mark, added in statements.items():
        text = text.replace(f"# {mark}", added)
    (folder / "train.py").write_text(text)
    told = run([FLORC, "replay", *options], folder)
    truth = run([sys.executable, "train.py"], folder).stdout.splitlines()
    return told, [line for line in truth if line.startswith("probe")]


WAYS = {
    "counts in both loops": {"first": 'print("probe", count(kept))', "second": 'print("probe", kept["n"])'},
    "changes between the loops": {"between": 'print("probe", push(weights))', "second": 'print("probe", weights[0])'},
    "counts in a variable of an outer function": {"second": 'print("probe", tally())'},
    "hands its work to a thread": {"second": 'print("probe", pool.submit(elsewhere.counted).result())'},
}


@pytest.mark.parametrize("options", [(), ("--workers", "2"), ("--where", "late >= 6")])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_shown_is_the_truth_and_what_changes_the_training_is_not_shown(two_loops, way, options):
    told, truth = told_and_truth(two_loops, WAYS[way], *options)
    wanted = truth[-2:] if "--where" in options else truth
    if way == "changes between the loops":
        assert (told.returncode, told.stdout) == (1, ""), told.stderr
    else:
        assert (told.returncode, told.stdout.splitlines()) == (0, wanted), told.stderr


@pytest.mark.parametrize("options", [(), ("--where", "late in (0, 5)")])
def test_a_statement_that_shares_its_line_is_watched_too(two_loops, options):
    added = 'other = 1; print("probe", push(weights) if late == 2 else 0)'
    told, _ = told_and_truth(two_loops, {"second": added}, *options)
    assert (told.returncode, told.stdout) == (1, ""), told.stderr


def test_what_one_segment_did_not_show_is_in_doubt_in_all(two_loops):
    added = {"second": 'print("probe", push(weights) if late < 2 else weights[0])'}
    told, _ = told_and_truth(two_loops, added, "--workers", "2", "--approximate")
    assert told.stdout and all("approximate" in line for line in told.stdout.splitlines()), told.stdout

