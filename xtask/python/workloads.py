"""Overhead of recording on eight published shapes of training (`shapes.py`).

    workloads.py [--seconds N]     each plain run takes about N seconds (default 20)

Each workload runs plain, recorded, and with a `torch.save` an epoch. What is compared is how long the training loop took
its thread: processor time and waiting for a processor, not what other programs of the machine took. Also, by itself, the processor
time of all threads of the process.
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
from shapes import FLORC, PREAMBLE, ROUNDS, SHAPES, megabytes, scaled  # noqa: E402

LOOP = """
def seconds_of_thread():
    with open("/proc/self/schedstat") as file:
        worked, waited, _ = file.read().split()
    return (int(worked) + int(waited)) / 1e9

begun = seconds_of_thread()
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
    json.dump(seconds_of_thread() - begun, file)
"""


def processor_seconds(command, folder, **environment):
    """Seconds of all threads of a process, and of its training loop's thread."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, **environment})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return whole, json.loads((folder / "loop.json").read_text())


def measure(name, share, published, epochs, seconds):
    width, steps, epochs, epoch = scaled(share, epochs, seconds)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        text = PREAMBLE.format(width=width) + LOOP.format(epochs=epochs, steps=steps)
        (folder / "train.py").write_text(text)
        over, inside, saves = [], [], []
        for _ in range(ROUNDS):
            plain, plain_loop = processor_seconds([sys.executable, "train.py"], folder)
            whole, loop = processor_seconds([FLORC, "run", "train.py"], folder)
            _, saved = processor_seconds([sys.executable, "train.py"], folder, SAVE_EACH_EPOCH="1")
            over.append(100 * (whole / plain - 1))
            inside.append(100 * (loop / plain_loop - 1))
            saves.append(100 * (saved / plain_loop - 1))
        shown = subprocess.run([FLORC, "show", "--format", "json"], cwd=folder, check=True, capture_output=True)
        taken = json.loads(shown.stdout)["checkpoint_records"]
        spent = sum(each["stall_seconds"] + each["background_seconds"] for each in taken)
        heads = sum("head" in each["cut"] for each in taken)
    print(
        f"  {name:<5} {epochs:>4} x {epoch:6.2f} s {megabytes(width):7.1f} MB  published {published:5.2f} %  "
        f"loop {statistics.median(inside):+6.2f} %  process {statistics.median(over):+6.2f} %  "
        f"torch.save {statistics.median(saves):+6.2f} %  heads {heads:>3}  florc's own count {100 * spent / plain_loop:5.2f} %",
        flush=True,
    )
    return statistics.median(inside)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    inside = [measure(*shape, seconds) for shape in SHAPES]
    print(f"  mean of the loops {statistics.mean(inside):+.2f} % (aim 0.8), worst {max(inside):+.2f} % (aim 2)")
