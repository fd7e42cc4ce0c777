"""Overhead of recording on eight published shapes of training (`shapes.py`).

    workloads.py [--seconds N] [--rounds N]     each plain run takes about N seconds (default 20)

Each workload runs plain, recorded, and with a `torch.save` an epoch, in turn. What is compared is how long the training loop took
by the clock, of each the shortest: other programs of the machine only make it longer. Also, by itself, the processor time of all
threads of the process, its start with it.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
from shapes import FLORC, PREAMBLE, SHAPES, megabytes, scaled  # noqa: E402

LOOP = """
begun = time.perf_counter()
for epoch in range({epochs}):
    total = 0.0
    for step in range({steps}):
        optimizer.zero_grad()
        loss = (model(data) - data).square().mean()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print("epoch", epoch, "loss", total / {steps})
    if os.environ.get("SAVE_EACH_EPOCH"):
        torch.save({{"model": model.state_dict(), "optimizer": optimizer.state_dict()}}, "each.pt")
with open("loop.json", "w") as file:
    json.dump(time.perf_counter() - begun, file)
"""


def seconds(command, folder, **environment):
    """Processor seconds of a process, and seconds of its training loop."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, **environment})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return whole, json.loads((folder / "loop.json").read_text())


def measure(name, share, published, epochs, length, rounds):
    width, steps, epochs, epoch = scaled(share, epochs, length)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        text = PREAMBLE.format(width=width) + LOOP.format(epochs=epochs, steps=steps)
        (folder / "train.py").write_text(text)
        plain, recorded, saved = [], [], []
        for _ in range(rounds):
            plain.append(seconds([sys.executable, "train.py"], folder))
            recorded.append(seconds([FLORC, "run", "train.py"], folder))
            saved.append(seconds([sys.executable, "train.py"], folder, SAVE_EACH_EPOCH="1"))
        shown = subprocess.run([FLORC, "show", "--format", "json"], cwd=folder, check=True, capture_output=True)
        told = json.loads(shown.stdout)
        heads = sum("head" in each["cut"] for each in told["checkpoint_records"])
    (processor, loop), *others = [tuple(map(min, zip(*each))) for each in (plain, recorded, saved)]
    (over, inside), (_, saving) = [(100 * (each[0] / processor - 1), 100 * (each[1] / loop - 1)) for each in others]
    pairs = ", ".join(f"{100 * (with_florc / without - 1):+.1f}" for (_, without), (_, with_florc) in zip(plain, recorded))
    print(
        f"  {name:<5} {epochs:>4} x {epoch:6.2f} s {megabytes(width):7.1f} MB  published {published:5.2f} %  "
        f"loop {inside:+6.2f} % (pairs {pairs})  processor time {over:+6.2f} %  "
        f"torch.save {saving:+6.2f} %  heads {heads:>3}  florc's own count {100 * told['overhead']:5.2f} %",
        flush=True,
    )
    return inside


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    inside = [measure(*shape, given.seconds, given.rounds) for shape in SHAPES]
    print(f"  mean of the loops {statistics.mean(inside):+.2f} % (aim 0.8), worst {max(inside):+.2f} % (aim 2)")
