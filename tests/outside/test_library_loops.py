"""A training loop in an installed library, with a stand-in for transformers: what is told, and what is refused."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FLORC = Path(sys.executable).with_name("florc")

LIBRARY = '''\
import random
import time


class Callbacks(list):
    def call(self, name, *args):
        for each in self:
            getattr(each, name, lambda *_: None)(*args)


class Trainer:
    def __init__(self, weights, epochs, callbacks=()):
        self.weights, self.epochs, self.callbacks = weights, epochs, Callbacks(callbacks)
        self.seconds = 0.0

    def train(self):
        return self._inner_training_loop(self.epochs)

    def batches(self):
        kept = 0
        for _ in range(20):
            kept += 1
            yield random.random() * kept

    def _inner_training_loop(self, epochs):
        for epoch in range(epochs):
            self._run_epoch(epoch)
            self.callbacks.call("on_epoch_end", self, epoch)
        return self.weights

    def _run_epoch(self, epoch):
        started = time.time()
        iterator = self.batches()
        for step in range(18):
            value = next(iterator)
            if self.weights is None:
                raise ValueError("no weights")
            self.weights["w"] += self.training_step(value)
            time.sleep(0.002)
        self.seconds += time.time() - started

    def training_step(self, value):
        return value
'''

# As transformers had it up to version 4: the steps are in the function of the loop.
OLD = LIBRARY.replace(
    "            self._run_epoch(epoch)\n",
    "            iterator = self.batches()\n"
    "            for step in range(18):\n"
    "                self.weights['w'] += self.training_step(next(iterator))\n",
)

SCRIPT = """\
import random
from transformers import Trainer

random.seed(4)


class Mine(Trainer):
    def training_step(self, value):
        step = 0.5 * value
        return step + random.random()


class Told:
    def on_epoch_end(self, trainer, epoch):
        now = trainer.weights["w"]
        print("epoch", epoch, now)


trainer = Mine({"w": 0.0}, 6, [Told()])
trainer.train()
print("end", trainer.weights, trainer.seconds > 0)
"""


class Place:
    def __init__(self, root):
        self.root, self.site = root / "project", root / "site"
        self.root.mkdir()
        self.package = self.site / "transformers"
        self.package.mkdir(parents=True)
        (self.package / "__init__.py").write_text("from .trainer import Trainer\n")
        self.install(LIBRARY)
        self.write(SCRIPT)

    def install(self, text):
        (self.package / "trainer.py").write_text(text)
        shutil.rmtree(self.package / "__pycache__", ignore_errors=True)

    def write(self, text):
        (self.root / "train.py").write_text(text)

    def probe(self, after, probe):
        line = next(line for line in SCRIPT.splitlines() if line.strip() == after)
        indent = line[: len(line) - len(line.lstrip())]
        self.write(SCRIPT.replace(line, f"{line}\n{indent}{probe}"))

    def run(self, *command):
        env = os.environ | {"PYTHONPATH": str(self.site)}
        return subprocess.run([str(part) for part in command], cwd=self.root, env=env, capture_output=True, text=True, timeout=120)

    def plain(self):
        return self.run(sys.executable, "train.py")

    def record(self, *options):
        return self.run(FLORC, "run", "--checkpoints", "all", *options, "train.py")

    def replay(self, *options):
        return self.run(FLORC, "replay", "train.py", "--workers", "2", *options)

    def same(self, *options):
        """The rows of the probes are those of a run from scratch."""
        expected = [line for line in self.plain().stdout.splitlines() if line.startswith("probe")]
        ran = self.replay(*options)
        assert expected and ran.stdout.splitlines() == expected, ran.stderr
        assert "verified" in ran.stderr


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_probes_in_methods_and_callbacks_are_answered(place):
    plain, ran = place.plain(), place.record()
    assert (ran.stdout, ran.returncode) == (plain.stdout, 0)
    assert len(ran.stderr.splitlines()) == 1, ran.stderr
    shown = place.run(FLORC, "show", "train.py").stdout
    assert shown.count("head of iteration") == 6 and " no:" not in shown, shown
    place.probe("step = 0.5 * value", 'print("probe", repr(step), repr(value))')
    place.same()
    place.probe('now = trainer.weights["w"]', 'print("probe", epoch, repr(now))')
    place.same()
    place.same("--where", "epoch >= 0")
    place.probe("trainer.train()", 'print("probe", trainer.weights)')
    place.same()


def test_steps_in_the_function_of_the_loop_end_in_checkpoints(place):
    """The generator of the batches is not needed after them: it does not keep their end from being restored."""
    place.install(OLD)
    place.record()
    shown = place.run(FLORC, "show", "train.py").stdout
    assert shown.count("end of transformers/trainer.py:") == 6 and " no:" not in shown, shown
    place.probe("step = 0.5 * value", 'print("probe", repr(step), repr(value))')
    place.same()


def test_epochs_that_are_not_asked_for_are_not_run(place):
    place.record()
    place.probe('now = trainer.weights["w"]', 'print("probe", epoch, now)')
    planned = place.replay("--dry-run", "--where", "epoch >= 4").stdout
    assert "2 of 6 iterations run" in planned, planned
    ran = place.replay("--where", "epoch >= 4")
    expected = [line for line in place.plain().stdout.splitlines() if line.startswith(("probe 4", "probe 5"))]
    assert (ran.returncode, ran.stdout.splitlines()) == (0, expected), ran.stderr


def test_a_library_that_was_changed_since_gives_no_values(place):
    place.record()
    place.install(LIBRARY.replace("range(18)", "range(17)"))
    place.probe('now = trainer.weights["w"]', 'print("probe", epoch, repr(now))')
    ran = place.replay()
    assert (ran.returncode, ran.stdout) == (1, ""), ran.stderr
    assert "trainer.py` is not the one that was" in ran.stderr, ran.stderr


def test_a_library_that_has_no_such_loop_is_recorded_without_checkpoints(place):
    place.install(LIBRARY.replace("_inner_training_loop", "_loop"))
    plain, ran = place.plain(), place.record()
    assert (ran.stdout, ran.returncode) == (plain.stdout, 0)
    assert "checkpoints  0" in place.run(FLORC, "show", "train.py").stdout


def test_a_wrapped_loop_is_left_alone_and_said_so(place):
    wrapped = LIBRARY + "\n\ndef wrap(f):\n    return lambda self, epochs: f(self, epochs)\n\n\nTrainer._inner_training_loop = wrap(Trainer._inner_training_loop)\n"
    place.install(wrapped)
    plain, ran = place.plain(), place.record()
    assert (ran.stdout, ran.returncode) == (plain.stdout, 0)
    assert "the training loop in `transformers.trainer` could not be instrumented" in ran.stderr, ran.stderr


def test_tracebacks_are_those_of_the_library(place):
    place.write(SCRIPT.replace('Mine({"w": 0.0}', "Mine(None"))
    plain, ran = place.plain(), place.record()
    assert plain.returncode == ran.returncode == 1
    told = [line for line in ran.stderr.splitlines() if not line.startswith("florc")]
    assert told == plain.stderr.splitlines()


def test_folds_around_the_library_are_the_main_loop_that_counts(place):
    text = SCRIPT.replace("trainer = Mine", "for fold in range(3):\n    trainer = Mine").replace("\ntrainer.train()", "\n    trainer.train()")
    place.write(text)
    place.record()
    place.write(text.replace('    now = trainer.weights["w"]', '    now = trainer.weights["w"]\n        print("probe", epoch, repr(now))'))
    place.same()


def test_a_new_run_begins_at_a_recorded_epoch(place):
    plain = place.plain()
    place.record()
    forked = place.run(FLORC, "replay", "train.py", "--fork", "epoch=3")
    assert forked.returncode == 0, forked.stderr
    assert forked.stdout.splitlines() == plain.stdout.splitlines()[3:], forked.stderr


def test_a_run_that_was_cut_short_goes_on(place):
    cut = SCRIPT.replace("        print(", "        if epoch == 3 and not __import__('os').path.exists('again'): __import__('os')._exit(9)\n        print(")
    place.write(cut)
    assert place.record().returncode == 9
    (place.root / "again").touch()
    plain = place.plain()
    run = place.run(FLORC, "runs").stdout.splitlines()[-1].split()[0]
    resumed = place.run(FLORC, "run", "--resume", run)
    assert resumed.returncode == 0, resumed.stderr
    assert plain.stdout.endswith(resumed.stdout) and resumed.stdout.count("epoch") <= 4, resumed.stdout


def test_a_run_does_not_go_on_with_another_library(place):
    place.write(SCRIPT.replace("        print(", "        __import__('os')._exit(9)\n        print("))
    assert place.record().returncode == 9
    run = place.run(FLORC, "runs").stdout.splitlines()[-1].split()[0]
    place.install(LIBRARY + "\n# another version\n")
    resumed = place.run(FLORC, "run", "--resume", run)
    assert (resumed.returncode, resumed.stdout) == (2, "") and "trainer.py` is not as it was" in resumed.stderr
