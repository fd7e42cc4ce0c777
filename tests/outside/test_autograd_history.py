"""What came about in a block that a replay could skip: a state holds values, and not how they were computed."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
from test_negative import rerun, small  # noqa: E402

BEGIN = """\
import torch
from torch import nn
torch.manual_seed(0)
torch.set_num_threads(1)
X = torch.randn(24, 3)
Y = X.sum(1, keepdim=True)
"""
PLAIN = BEGIN + """\
net = nn.Linear(3, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
"""
TOTAL = PLAIN + """\
for epoch in range(4):
    total = 0.0
    for part in range(4):
        total = total + (net(X[part::4]) - Y[part::4]).pow(2).mean() / 4
    opt.zero_grad()
    total.backward()
    opt.step()
    print(epoch, total.item())
"""
COLLECTED = PLAIN + """\
def finish(losses):
    opt.zero_grad()
    torch.stack(losses).sum().backward()
    opt.step()


for epoch in range(4):
    losses = []
    for part in range(4):
        losses.append((net(X[part::4]) - Y[part::4]).pow(2).mean())
    finish(losses)
    print(epoch, losses[0].item())
"""
LAYERS = BEGIN + """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(3))
        self.head = nn.Linear(3, 1)

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
            x = x + 0.1
        return self.head(x)


net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(4):
    opt.zero_grad()
    loss = (net(X) - Y).pow(2).mean()
    loss.backward()
    opt.step()
    print(epoch, loss.item())
"""
GRADIENTS = PLAIN + """\
for epoch in range(4):
    inner = 0.0
    for part in range(3):
        inner = inner + (net(X[part::3]) - Y[part::3]).abs().mean()
    grads = torch.autograd.grad(inner, list(net.parameters()))
    with torch.no_grad():
        for weight, grad in zip(net.parameters(), grads):
            weight -= 0.1 * grad
    print(epoch, inner.item())
"""
# As most do it: the block may be skipped, though `loss` is a result of autograd.
INSIDE = PLAIN + """\
for epoch in range(4):
    for part in range(4):
        out = net(X[part::4])
        out.retain_grad()
        loss = (out - Y[part::4]).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
"""


def check(tmp_path, script, probe, *options):
    edited = script.replace("    print(epoch", f"    {probe}\n    print(epoch")
    expected = rerun(tmp_path, edited)
    assert len(expected) == 4
    project = small(tmp_path, script)
    assert project.record().code == 0
    project.script.write_text(edited)
    ran = project.replay(*options)
    assert (ran.code, ran.stdout.splitlines()) == (0, expected), ran.stderr
    return project


@pytest.mark.parametrize("script", [TOTAL, COLLECTED, LAYERS, GRADIENTS], ids=["total", "list", "layers", "grad"])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_block_before_a_backward_pass_is_run(tmp_path, script, workers):
    what = "list(net.parameters())[0].tolist()"
    check(tmp_path, script, f"print('probe', epoch, {what})", "--workers", workers)


def test_a_block_that_runs_backward_itself_is_skipped(tmp_path):
    project = check(tmp_path, INSIDE, "print('probe', epoch, net.weight.tolist(), loss.item())")
    told = json.loads(project.replay("--dry-run", "--format", "json").stdout)
    assert told["skipped_blocks"] and not told["executed_blocks"]


@pytest.mark.parametrize(
    "what", ["out.grad.tolist()", "out.retains_grad", "loss.grad_fn.next_functions[0][0].name()", "X._version", "out.grad_fn.name()"]
)
def test_what_a_probe_asks_of_the_graph(tmp_path, what):
    check(tmp_path, INSIDE, f"print('probe', epoch, {what})")


def test_how_often_a_cache_was_hit(tmp_path):
    script = """\
import functools
import random


@functools.lru_cache(None)
def square(value):
    return value * value


random.seed(1)
total = 0
for epoch in range(4):
    for part in range(5):
        total += square(random.randrange(4))
    print(epoch, total)
"""
    check(tmp_path, script, "print('probe', square.cache_info())")
