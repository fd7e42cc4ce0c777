"""The shapes of eight published workloads of training, scaled to this machine.

A shape is what a checkpoint of every epoch costs as a share of an epoch, and the number of epochs: published in
"Hindsight Logging for Model Training" (PVLDB 14(4), 2021, figure 11) as overheads before and after adaptive checkpointing.
Here the state is AdamW's of a perceptron, and an epoch has as many steps as make `torch.save` cost that share.
"""

import functools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

# name, share of an epoch that a checkpoint took, published overhead in percent, epochs
SHAPES = [
    ("RTE", 0.91, 0.77, 200),
    ("CoLA", 0.28, 6.26, 80),
    ("Cifr", 0.0231, 2.31, 40),
    ("RsNt", 0.0239, 2.39, 40),
    ("Wiki", 0.0011, 0.11, 12),
    ("Jasp", 0.0024, 0.24, 10),
    ("ImgN", 0.0187, 1.87, 10),
    ("RnnT", 0.0003, 0.03, 10),
]

FLORC = Path(sys.executable).with_name("florc")
ROUNDS = 3

# widths of the perceptron, the largest first
WIDTHS = (1024, 768, 512, 384, 256, 192, 128, 64, 32)

PREAMBLE = """
import json, os, time
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(0)
width = {width}
model = nn.Sequential(*[nn.Linear(width, width) for _ in range(4)])
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
data = torch.randn(64, width)
"""

CALIBRATION = """
def train(steps):
    for _ in range(steps):
        optimizer.zero_grad()
        (model(data) - data).square().mean().backward()
        optimizer.step()

def seconds(function, *given):
    begun = time.process_time()
    function(*given)
    return time.process_time() - begun

def save():
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, "each.pt")

train(5)
steps = max(5, round(0.3 / seconds(train, 1)))
print(json.dumps([seconds(train, steps) / steps, min(seconds(save) for _ in range(5))]))
"""


@functools.cache
def costs(width):
    """Processor seconds of a step and of a `torch.save`."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "calibrate.py").write_text(PREAMBLE.format(width=width) + CALIBRATION)
        done = subprocess.run([sys.executable, "calibrate.py"], cwd=folder, check=True, capture_output=True)
    return json.loads(done.stdout)


def scaled(share, epochs, seconds):
    """Width, steps of an epoch, epochs and seconds of an epoch, for a run of about that many seconds.

    Of the published number of epochs less where they are too short for any state; at least ten.
    """
    for width in WIDTHS:
        step, save = costs(width)
        if max(save / share, step) <= seconds / epochs:
            break
    steps = max(1, round(save / share / step))
    epochs = max(10, min(epochs, round(seconds / (steps * step))))
    return width, steps, epochs, steps * step


def megabytes(width):
    """Of weights and both moments."""
    return 12 * 4 * width * (width + 1) / 1e6
