"""Replays over running the edited script again, on eight published shapes of training (`shapes.py`), and on the fifth of
them as one loop over steps that logs as often as there were epochs.

    speedup.py [--seconds N] [--only NAME]     each plain run takes about N seconds (default 30)

Each workload is recorded once. Then four log statements are asked for, each by itself: after the inner loop, or beside
what is logged now and then (outer), in the steps of one epoch and of all epochs (inner), and after the training (after). The times are those from the main loop
on: starting Python, imports, data and building the model take as long in a rerun, and are given by themselves.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
from shapes import FLORC, PREAMBLE, ROUNDS, SHAPES, megabytes, scaled  # noqa: E402

LOOP = """
for epoch in range({epochs}):
    total = 0.0
    for step in range({steps}):
        optimizer.zero_grad()
        loss = (model(data) - data).square().mean()
        loss.backward()
{inner}        optimizer.step()
        total += loss.item()
{outer}    print("epoch", epoch, "loss", total / {steps})
{after}"""

STEPS = """
for step in range({epochs} * {steps}):
    optimizer.zero_grad()
    loss = (model(data) - data).square().mean()
    loss.backward()
{inner}    optimizer.step()
    if step % {steps} == 0:
{outer}        print("step", step, "loss", loss.item())
{after}"""

# What is asked for.
PROBES = {
    "outer": '    print("norm", model[0].weight.norm().item())\n',
    "inner": '        print("grad", model[0].weight.grad.norm().item())\n',
    "after": 'print("end", model[0].weight.norm().item())\n',
}

# Seconds of the loop, of a script run from the beginning.
TIMED = ("import time\nbegun = time.perf_counter()\n", "print(time.perf_counter() - begun)\n")


class Workload:
    """A script in a folder of its own, recorded."""

    def __init__(self, folder, width, steps, epochs, by_steps):
        self.folder, self.width, self.steps, self.epochs, self.by_steps = folder, width, steps, epochs, by_steps
        self.write()
        self.run([FLORC, "run", "train.py"])

    def write(self, name="train.py", timed=False, **probes):
        empty = dict.fromkeys(PROBES, "")
        given = {**empty, **probes}
        if self.by_steps:  # less deep, but for what is beside the log statement
            outdented = {"inner": given["inner"][4:], "outer": "    " * bool(given["outer"]) + given["outer"]}
            loop = STEPS.format(epochs=self.epochs, steps=self.steps, **given | outdented)
        else:
            loop = LOOP.format(epochs=self.epochs, steps=self.steps, **given)
        before, after = TIMED if timed else ("", "")
        (self.folder / name).write_text(PREAMBLE.format(width=self.width) + before + loop + after)

    def one_epoch(self):
        """Asks for the rows of one in the middle."""
        begin = self.epochs // 2
        if self.by_steps:
            return f"{begin * self.steps} <= step < {(begin + 1) * self.steps}"
        return f"epoch == {begin}"

    def run(self, command):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def rerun(self, **probes):
        """Seconds of the loop of the edited script, and of all that is before and after it."""
        self.write("again.py", timed=True, **probes)
        begun = time.perf_counter()
        loop = float(self.run([sys.executable, "again.py"]).splitlines()[-1])
        return loop, time.perf_counter() - begun - loop

    def replay(self, *options, workers=1, **probes):
        """Seconds of the longest chain of segments of a replay, and of all else in it; and the whole over what florc expected."""
        self.write(**probes)
        options = ["--workers", str(workers), "--format", "json", *options]
        expected = json.loads(self.replayed("--dry-run", *options))["seconds"]
        begun = time.perf_counter()
        told = json.loads(self.replayed(*options))
        whole = time.perf_counter() - begun
        assert told["status"] == "verified", told["status"]
        work = longest([each["seconds"] for each in told["segments"]], workers)
        return work, whole - work, whole / expected

    def planned(self, workers, **probes):
        """Seconds from the loop on that florc expects of that many workers, had each its own processors; number of segments."""
        self.write(**probes)
        told = json.loads(self.replayed("--workers", str(workers), "--format", "json", "--dry-run"))
        start = told["start_seconds"]
        seconds = [(each["seconds"] - start) / told["crowded"] for each in told["segments"]]
        return longest(seconds, workers), len(seconds)

    def planning(self, **probes):
        """Seconds of finding what is asked and of planning it."""
        self.write(**probes)
        begun = time.perf_counter()
        self.replayed("--dry-run")
        return time.perf_counter() - begun

    def replayed(self, *options):
        return self.run([FLORC, "replay", "train.py", *options])


def longest(seconds, workers):
    """When the last of so many workers is done, which take the segments in this order."""
    ends = [0.0] * workers
    for each in seconds:
        at = ends.index(min(ends))
        ends[at] += each
    return max(ends)


def middle(function, rounds=ROUNDS):
    """Medians of what a function gives."""
    return [statistics.median(column) for column in zip(*(function() for _ in range(rounds)))]


def measure(name, share, epochs, seconds, by_steps=False):
    width, steps, epochs, epoch = scaled(share, epochs, seconds)
    probes = {which: {which: text} for which, text in PROBES.items()}
    with tempfile.TemporaryDirectory() as folder:
        work = Workload(Path(folder), width, steps, epochs, by_steps)
        shown = json.loads(work.run([FLORC, "show", "--format", "json"]))
        kept = sum(("head" if by_steps else "block") in each["cut"] for each in shown["checkpoint_records"])
        rerun, around = middle(lambda: work.rerun(**probes["inner"]), 1)
        outer, start, as_outer = middle(lambda: work.replay(**probes["outer"]))
        one, _, as_one = middle(lambda: work.replay("--where", work.one_epoch(), **probes["inner"]))
        after, _, as_after = middle(lambda: work.replay(**probes["after"]))
        alone, _, as_alone = middle(lambda: work.replay(**probes["inner"]), 1)
        two, _, as_two = middle(lambda: work.replay(workers=2, **probes["inner"]), 1)
        as_expected = ", ".join(f"{each:.2f}" for each in (as_outer, as_one, as_after, as_alone, as_two))
        planning = statistics.median(work.planning(**probes["inner"]) for _ in range(ROUNDS))
        at_once = efficiency(work, probes["inner"])
    print(
        f"  {name:<5} {epochs:>4} x {epoch:6.2f} s {megabytes(width):7.1f} MB, {'heads of steps' if by_steps else 'ends of epochs'} kept: {kept:>3} | "
        f"rerun {rerun:6.1f} s (+ {around:.1f} around the loop, replays + {start:.1f}) | "
        f"outer {rerun / outer:7.1f} x, after {rerun / after:7.1f} x | "
        f"one inner epoch {one * epochs / rerun:5.2f} epochs | all: 1 worker {alone / rerun:.2f}, 2 {two / alone:.2f} of 1 | "
        f"planning {1000 * planning:.0f} ms | replays over expected {as_expected} | {at_once}",
        flush=True,
    )


def efficiency(work, probes):
    """The best time of so many workers, over the expected one: each has as many of the finest segments as any must have."""
    (whole, _), (finest, pieces) = (work.planned(workers, **probes) for workers in (1, 1000))
    told = []
    for workers in (4, 16, 64, 256):
        best = max(math.ceil(pieces / workers) * whole / pieces, finest)
        told.append(f"{workers}: {best / work.planned(workers, **probes)[0]:.2f}")
    return f"expected, of the best for {pieces} segments: " + ", ".join(told)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--only")
    given = parser.parse_args()
    for name, share, _, epochs in SHAPES:
        if given.only in (None, name):
            measure(name, share, epochs, given.seconds)
    if given.only in (None, "Steps"):
        _, share, _, epochs = SHAPES[4]
        measure("Steps", share, epochs, given.seconds, by_steps=True)
