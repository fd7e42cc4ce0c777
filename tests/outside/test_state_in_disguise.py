"""State that rules about single statements lose, from recording to answer; and what was run for an answer.

Each program keeps its training state where a block changes it under another name. Values are asked after the block that is
skipped, for all epochs and for one alone, and compared with those of a run from scratch.
"""

import json
import sys

import pytest
from test_diff_logs import FLORC, run

HEAD = "import random\n\nrandom.seed(1)\n"
PROGRAMS = {
    "a function that gives a loss and changes the rest": """\
class Net:
    def __init__(self):
        self.weight = [0.5, -0.5]

class Optimizer:
    def __init__(self, net):
        self.net, self.momentum = net, [0.0, 0.0]

    def step(self, gradient):
        for i, g in enumerate(gradient):
            self.momentum[i] = 0.9 * self.momentum[i] + g
            self.net.weight[i] -= 0.1 * self.momentum[i]

def train_step(net, opt, x):
    error = sum(w * v for w, v in zip(net.weight, x)) - 1
    opt.step([error * v for v in x])
    return error * error

net = Net()
opt = Optimizer(net)
for epoch in range(6):
    for _ in range(3):
        loss = train_step(net, opt, [random.random(), random.random()])
    print("epoch", epoch, loss)
    print("probe", epoch, repr(loss), net.weight, opt.momentum)
""",
    "another name for a list": """\
buffer = [0.0]
for epoch in range(6):
    for _ in range(3):
        b = buffer
        b.append(b[-1] + random.random())
    print("epoch", epoch)
    print("probe", epoch, len(buffer), buffer[-1])
""",
    "a helper that changes a dictionary": """\
def count(seen, key, amount):
    seen[key] = seen.get(key, 0.0) + amount

seen = {}
for epoch in range(6):
    for step in range(3):
        count(seen, step, random.random())
    print("epoch", epoch)
    print("probe", epoch, seen)
""",
    "a bound method and a closure": """\
def meter():
    total = 0.0

    def add(value):
        nonlocal total
        total += value
        return total

    return add

history = []
push, add = history.append, meter()
for epoch in range(6):
    for _ in range(3):
        push(add(random.random()))
    print("epoch", epoch)
    print("probe", epoch, history[-1], len(history))
""",
    "a counter of the class and a default value of a function": """\
class Meter:
    calls = 0

    def add(self, value):
        Meter.calls += 1
        return remember(value)

def remember(value, kept=[]):
    kept.append(value)
    return sum(kept)

meter = Meter()
for epoch in range(6):
    for _ in range(3):
        meter.add(random.random())
    print("epoch", epoch)
    print("probe", epoch, Meter.calls, remember.__defaults__[0][-1])
""",
    "members of an enumeration": """\
import enum

class Phase(enum.Enum):
    WARM = {"n": 0}
    HOT = 1

    def count(self, amount):
        self.seen = getattr(self, "seen", 0.0) + amount

for epoch in range(6):
    for step in range(3):
        Phase.WARM.value["n"] += step
        Phase(1).count(random.random())
    print("epoch", epoch)
    print("probe", epoch, Phase.WARM.value, Phase.HOT.seen)
""",
    "files in memory": """\
import io

text, data = io.StringIO(), io.BytesIO(b"0")
for epoch in range(6):
    for step in range(3):
        text.write(str(step * epoch))
        data.seek(0, 2)
        data.write(bytes([step, epoch]))
    print("epoch", epoch)
    print("probe", epoch, text.getvalue(), data.getvalue())
""",
}
ROWS = """\
import random
random.seed(1)
print("start")
print("probe before", random.getstate()[1][0])
value = 0.4
for epoch in range(6):
    print("probe head", epoch, value)
    for step in range(3):
        value += 0.1 * random.random()
    print("epoch", epoch, value)
print("probe after", value)
"""


def without_probes(text, instead):
    lines = text.splitlines(keepends=True)
    kept = (line if "probe" not in line else instead and line[: len(line) - len(line.lstrip())] + instead + "\n" for line in lines)
    return "".join(kept)


def recorded(folder, text, instead=""):
    """What a run from scratch prints of the probes; the folder has a record without them (`instead` stands at their places)."""
    (folder / "train.py").write_text(text)
    plain = run(folder, sys.executable, "train.py")
    assert plain.returncode == 0, plain.stderr
    (folder / "train.py").write_text(without_probes(text, instead))
    assert run(folder, FLORC, "run", "--checkpoints", "all", "train.py").returncode == 0
    (folder / "train.py").write_text(text)
    return [line for line in plain.stdout.splitlines() if line.startswith("probe")]


def answer(folder, *options):
    done = run(folder, FLORC, "replay", *options)
    assert done.returncode == 0 and "verified" in done.stderr, done.stderr
    return done.stdout.splitlines()


def plan(folder, *options):
    done = run(folder, FLORC, "replay", "--dry-run", "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_is_found_again(tmp_path, program):
    expected = recorded(tmp_path, HEAD + PROGRAMS[program])
    assert len(set(expected)) == 6
    planned = plan(tmp_path)
    assert planned["executed_blocks"] == [] and len(planned["skipped_blocks"]) == 1, "an answer without the block"
    assert answer(tmp_path, "--workers", "1") == answer(tmp_path, "--workers", "3") == expected
    for epoch in (0, 3, 5):
        assert answer(tmp_path, "--where", f"epoch == {epoch}") == [expected[epoch]]


def test_rows_before_and_after_the_loop_are_there_once(tmp_path):
    """Each worker runs what stands before the loop; its rows are those of one run."""
    expected = recorded(tmp_path, ROWS)
    assert answer(tmp_path, "--workers", "3") == expected and len(expected) == 8
    rows = json.loads(run(tmp_path, FLORC, "logs", "--format", "json").stdout)
    texts = {row["id"]: row["text"] for row in rows}
    assert sorted(texts.values()).count("start\n") == 1
    asked = [text for text in texts.values() if text.startswith("probe")]
    assert asked == [f"{line}\n" for line in expected]


@pytest.mark.parametrize("epoch", [0, 4, 5])
def test_what_is_not_asked_for_is_not_run(tmp_path, epoch):
    """One epoch is asked for: no other is run, none runs twice, and the value is that of its beginning."""
    expected = recorded(tmp_path, ROWS)
    only = ("--where", f"epoch == {epoch}")
    planned = plan(tmp_path, *only)
    actions = [each["action"] for each in planned["iterations"]]
    assert [at for at, action in enumerate(actions) if action != "none"] == [epoch]
    assert (planned["loops"][0]["run"], planned["skipped_blocks"], planned["executed_blocks"]) == (1, ["train.py:epoch/step"], [])
    assert answer(tmp_path, *only) == [line for line in expected if f"head {epoch} " in line]
    report = json.loads(run(tmp_path, FLORC, "replay", *only, "--format", "json").stdout)
    assert {row["context"]["epoch"] for row in report["rows"]} == {epoch}


def test_a_probe_in_a_step_runs_the_steps_of_its_epoch_only(tmp_path):
    text = ROWS.replace("    print(\"epoch\"", "        print('probe step', epoch, step, value)\n    print(\"epoch\"")
    expected = recorded(tmp_path, text)
    planned = plan(tmp_path, "--where", "epoch == 3")
    assert [segment["iterations"] for segment in planned["segments"]] == [1]
    assert (planned["skipped_blocks"], planned["executed_blocks"]) == ([], ["train.py:epoch/step"])
    assert answer(tmp_path, "--where", "epoch == 3") == [line for line in expected if " 3 " in line and "step" in line or "head 3" in line]
    assert answer(tmp_path, "--where", "epoch == 3 and step == 1") == [line for line in expected if "step 3 1 " in line]
