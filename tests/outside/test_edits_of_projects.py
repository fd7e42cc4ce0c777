"""Edits of the modules of a project: what they mean, and log statements that need something of another module."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
from oracle import FLORC, run  # noqa: E402

FILES = {
    "train.py": """\
import random

from engine import train_one_epoch
from model import Net

random.seed(1)
net = Net()
rate = 0.5
for epoch in range(4):
    loss = train_one_epoch(net, rate)
    print("epoch", epoch, loss)
""",
    "engine.py": """\
import random

from utils import Meter


def train_one_epoch(net, rate):
    meter = Meter()
    for step in range(3):
        net.clear()
        x = random.random()
        net.backward(x)
        net.step(rate)
        meter.add(net.weight)
    net.scale *= 0.9
    return meter.mean()
""",
    "model.py": """\
class Net:
    def __init__(self):
        self.weight, self.gradient, self.scale = 1.0, 0.0, 1.0

    def clear(self):
        self.gradient = 0.0

    def backward(self, x):
        self.gradient += x * self.weight

    def step(self, rate):
        self.weight -= rate * self.scale * self.gradient
""",
    "utils.py": """\
import math


class Meter:
    def __init__(self):
        self.values = []

    def add(self, value):
        self.values.append(value)

    def mean(self):
        return sum(self.values) / len(self.values)
""",
}
STEP = "        net.step(rate)\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=f", "-c", "user.email=f@example.org", "commit", "-qm", "one"]):
        assert run(["git", *command], folder).code == 0
    assert run([FLORC, "run", "--checkpoints", "all", "train.py"], folder).code == 0
    return folder


def edit(project, *edits):
    for name, text in FILES.items():
        for file, old, new in edits:
            if file == name:
                assert text.count(old) == 1, old
                text = text.replace(old, new)
        (project / name).write_text(text)


PROBE = ("train.py", '    print("epoch', '    print("probe", epoch, net.weight)\n    print("epoch')
EDITS = {
    "a seed": ("engine.py", STEP, STEP + "        random.seed(5)\n"),
    "a draw": ("engine.py", STEP, STEP + "        random.random()\n"),
    "an early end": ("engine.py", STEP, STEP + "        if x > 0.5: break\n"),
    "an attribute": ("engine.py", STEP, STEP + "        net.scale = 2.0\n"),
    "a method": ("model.py", "self.weight -= rate", "self.weight -= 2 * rate"),
    "a method whose class others import": ("utils.py", "return sum(self.values)", "return 2 * sum(self.values)"),
    "behind the loop of a function that is called in a loop": ("engine.py", "*= 0.9", "*= 0.8"),
    "another order": ("engine.py", "        net.clear()\n        x = random.random()\n        net.backward(x)\n", "        x = random.random()\n        net.backward(x)\n        net.clear()\n"),
    "out of the loop": ("engine.py", "    for step in range(3):\n        net.clear()\n", "    net.clear()\n    for step in range(3):\n"),
    "into the loop": ("engine.py", "    net.scale *= 0.9\n", "        net.scale *= 0.9\n"),
    "the seed later": ("train.py", "random.seed(1)\nnet = Net()\nrate = 0.5\nfor epoch in range(4):\n", "net = Net()\nrate = 0.5\nfor epoch in range(4):\n    random.seed(1)\n"),
}


@pytest.mark.parametrize("what", EDITS)
def test_what_changes_the_training_is_told(project, what):
    edit(project, EDITS[what], *([] if EDITS[what][0] == "train.py" else [PROBE]))
    told = run([FLORC, "diff-logs", "--exit-code", "--format", "json"], project)
    classes = [other["class"] for file in json.loads(told.stdout)["files"] for other in file["other_changes"]]
    assert told.code == 1 and classes and "replayable" not in classes and "after the last checkpoint" not in classes, classes
    if EDITS[what][0] != "train.py":
        shown = run([FLORC, "replay"], project)
        assert shown.code == 0 and "without 1 other edit" in shown.stderr, shown.stderr
        assert run([FLORC, "replay", "--strict"], project).code == 2


HARMLESS = {
    "definitions in another order": ("model.py", FILES["model.py"][FILES["model.py"].index("    def clear") :],
                                     "    def step(self, rate):\n        self.weight -= rate * self.scale * self.gradient\n\n"
                                     "    def backward(self, x):\n        self.gradient += x * self.weight\n\n    def clear(self):\n        self.gradient = 0.0\n"),
    "statements that have nothing to do with each other": ("train.py", "net = Net()\nrate = 0.5\n", "rate = 0.5\nnet = Net()\n"),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_changes_nothing_is_not(project, what):
    edit(project, HARMLESS[what])
    told = run([FLORC, "diff-logs", "--exit-code"], project)
    assert told.code == 0 and "nothing that runs differs" in told.stdout, told.stdout


HELPER = ("utils.py", "import math\n", "import math\n\n\ndef size(net):\n    return math.sqrt(net.weight ** 2 + net.gradient ** 2)\n")
IMPORTS = {
    "one more name of an import": [("engine.py", "import Meter", "import Meter, size"), HELPER],
    "one more name, under another name": [("engine.py", "import Meter", "import Meter, size as measure"), HELPER],
    "an import of its own": [("engine.py", "import Meter\n", "import Meter\nfrom utils import size\n"), HELPER],
    "one more module": [
        ("engine.py", "import random\n", "import random, statistics\n"), ("engine.py", "import Meter", "import Meter, size"),
        ("utils.py", HELPER[1], HELPER[2].replace("math.sqrt(", "(1 + ")),
    ],
}


@pytest.mark.parametrize("what", IMPORTS)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another edit"])
def test_a_log_statement_that_needs_another_module(project, what, beside):
    name = "measure" if "under" in what else "size"
    value = f"statistics.mean([{name}(net), 1])" if "module" in what else f"{name}(net)"
    edit(project, *IMPORTS[what], ("engine.py", STEP, f"        print('probe', step, {value})\n" + STEP))
    full = [line for line in run([sys.executable, "train.py"], project).stdout.splitlines() if line.startswith("probe")]
    if beside:
        edit(project, *IMPORTS[what], ("engine.py", STEP, f"        print('probe', step, {value})\n" + STEP), ("train.py", "rate = 0.5", "rate = 0.25"))
    shown = run([FLORC, "replay"], project)
    assert shown.stdout.splitlines() == full and len(full) == 12 and "verified" in shown.stderr, shown.stderr
    assert ("without 1 other edit" in shown.stderr) == beside


SHOWN = {
    "the value of a recorded call": [("engine.py", "        net.backward(x)\n", "        found = net.backward(x)\n        print('probe', step, found, net.gradient)\n")],
    "a log statement with its condition": [("engine.py", "        if step == 1:\n            print('step', step)\n", "        if step != 1:\n            print('probe', step, net.gradient)\n")],
    "a condition less": [("engine.py", "        if step == 1:\n            print('step', step)\n", "        print('probe', step, net.gradient)\n")],
    "a member of a module with a decorator": [
        ("engine.py", "import random\n", "import random\n\nimport utils\n"), ("engine.py", STEP, "        print('probe', step, utils.size(net))\n" + STEP), HELPER,
    ],
}


@pytest.mark.parametrize("what", SHOWN)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another edit"])
def test_what_people_write_to_see_a_value(tmp_path, what, beside):
    files = dict(FILES, **{"engine.py": FILES["engine.py"].replace(STEP, "        if step == 1:\n            print('step', step)\n" + STEP)})
    files["utils.py"] += "\n\n@functools.lru_cache\ndef kept():\n    return 1\n"
    files["utils.py"] = "import functools\n" + files["utils.py"]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert run([FLORC, "run", "--checkpoints", "all", "train.py"], tmp_path).code == 0
    for name, old, new in SHOWN[what]:
        assert files[name].count(old) == 1, old
        files[name] = files[name].replace(old, new)
        (tmp_path / name).write_text(files[name])
    full = [line for line in run([sys.executable, "train.py"], tmp_path).stdout.splitlines() if line.startswith("probe")]
    if beside:
        (tmp_path / "train.py").write_text(FILES["train.py"].replace("rate = 0.5", "rate = 0.25"))
    shown = run([FLORC, "replay", "--workers", "2"], tmp_path)
    assert shown.stdout.splitlines() == full and len(full) in (8, 12) and "verified" in shown.stderr, shown.stderr


def test_an_attribute_that_only_the_new_version_has_is_refused_with_its_place(project):
    edit(project, ("model.py", "        self.weight -= rate", "        self.steps = 1\n        self.weight -= rate"), ("train.py", PROBE[1], PROBE[2].replace("net.weight", "net.steps")))
    shown = run([FLORC, "replay"], project)
    assert shown.code == 2 and "no object of the recorded version has `steps`" in shown.stderr and "model.py" in shown.stderr, shown.stderr
