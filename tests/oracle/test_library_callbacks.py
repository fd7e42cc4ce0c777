"""The user's own code that PyTorch calls from inside of a block: its rows, and what it counts, are those of a run from scratch."""

import sys

import pytest
from oracle import FLORC, run

SCRIPT = """\
import torch
from torch import nn

torch.manual_seed(1)
calls = [0]


def called():
    calls[0] += 1
    print("probe called", calls[0])


model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
{made}
for epoch in range(4):
    for step in range(2):
        optimizer.zero_grad()
        out = model(torch.randn(5, 3))
        {change}
        loss = out.square().mean()
        loss.backward()
        optimizer.step()
    print("epoch", epoch, loss.item())
    print("probe", epoch, calls, float(model[0].weight.detach().sum()))
"""
FOUND = {
    "a function of autograd": (
        """\
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value):
        return value * 2

    @staticmethod
    def backward(ctx, gradient):
        called()
        return gradient * 2
""",
        "out = Double.apply(out)",
    ),
    "an optimizer": (
        """\
class Own(torch.optim.Optimizer):
    def __init__(self, parameters):
        super().__init__(parameters, {"lr": 0.1})

    @torch.no_grad()
    def step(self):
        called()
        for parameter in self.param_groups[0]["params"]:
            parameter.add_(parameter.grad, alpha=-0.1)

optimizer = Own(model.parameters())
""",
        "pass",
    ),
    "hooks": (
        "optimizer.register_step_post_hook(lambda *_: called())\nmodel[2].register_full_backward_hook(lambda *_: called())\n",
        "pass",
    ),
    "a learning rate by a function": (
        """\
def rate(at):
    called()
    return 0.9**at

scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
""",
        "epoch and scheduler.step()",
    ),
}
OVERRIDDEN = {
    "a scheduler of its own": (
        """\
class Slower(torch.optim.lr_scheduler.LRScheduler):
    def get_lr(self):
        called()
        return [0.1 / (1 + calls[0])]

scheduler = Slower(optimizer)
""",
        "epoch and scheduler.step()",
    ),
    "a part of the model with its own `train`": (
        """\
class Frozen(nn.Tanh):
    def train(self, mode=True):
        called()
        return super().train(mode)

model[1] = Frozen()
""",
        "model.train()",
    ),
    "an iterable that a function of PyTorch takes": (
        """\
class Flat:
    def __iter__(self):
        for parameter in model.parameters():
            called()
            yield parameter

flat = Flat()
""",
        "out = out + 0 * nn.utils.parameters_to_vector(flat).sum()",
    ),
}


def check(folder, made, change):
    text = SCRIPT.replace("{made}", made).replace("{change}", change)
    (folder / "train.py").write_text("".join(line for line in text.splitlines(keepends=True) if '"probe' not in line))
    done = run([FLORC, "run", "--checkpoints", "all", "train.py"], folder)
    assert done.code == 0, done.stderr
    (folder / "train.py").write_text(text)
    plain = run([sys.executable, "train.py"], folder)
    assert len([line for line in plain.probes() if "called" in line]) >= 6
    done = run([FLORC, "replay", "--workers", "2"], folder)
    assert done.code == 0 and "verified" in done.stderr, done.stderr
    assert done.stdout.splitlines() == plain.probes()


@pytest.mark.parametrize("what", FOUND)
def test_its_rows_are_all_there(tmp_path, what):
    check(tmp_path, *FOUND[what])


@pytest.mark.parametrize("what", OVERRIDDEN)
def test_its_rows_are_all_there_too(tmp_path, what):
    check(tmp_path, *OVERRIDDEN[what])
