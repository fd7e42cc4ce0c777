"""Probes that draw random numbers: the training draws what it drew when it was recorded.

The oracle is a run from scratch in which the state of the generators, and the modes of the modules,
are kept and put back by hand around each probe.
"""

import pytest
from test_negative import small

pytestmark = pytest.mark.xdist_group("isolated")  # they share one recording

SCRIPT = """\
import random
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

random.seed(2); np.random.seed(2); torch.manual_seed(2)
data = TensorDataset(torch.randn(96, 4), torch.randn(96, 1))
model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Dropout(0.3), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
loader = DataLoader(data, batch_size=16, shuffle=True)

def evaluate(net):
    net.eval()
    with torch.no_grad():
        return sum(nn.functional.mse_loss(net(x), y).item() for x, y in loader)

model.train()
for epoch in range(5):
    total = 0.0
    for x, y in loader:
        x = x + 0.01 * float(np.random.randn()) + 0.01 * random.random()
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print("epoch", epoch, total)
"""

BY_HAND = """\
class Kept:
    def __enter__(self):
        self.kept = random.getstate(), np.random.get_state(), torch.get_rng_state(), model.training
    def __exit__(self, *_):
        random.setstate(self.kept[0]); np.random.set_state(self.kept[1]); torch.set_rng_state(self.kept[2])
        model.train(self.kept[3])

"""

PROBES = {
    "noise": ("        total += loss.item()", 8, "print('probe noise', epoch, torch.rand(2).tolist(), random.random(), np.random.rand())"),
    "evaluate": ("    print(\"epoch\", epoch, total)", 4, "print('probe evaluate', epoch, repr(evaluate(model)))"),
    "sample": ("    print(\"epoch\", epoch, total)", 4, "for u, v in DataLoader(data, batch_size=48, shuffle=True): print('probe sample', repr(u.sum().item()))"),
    "passes": ("    print(\"epoch\", epoch, total)", 4, "print('probe dropout', repr(model(torch.randn(3, 4)).sum().item()))"),
}


def probed(which, by_hand):
    text = SCRIPT
    for name in which:
        anchor, depth, probe = PROBES[name]
        indent = " " * depth
        added = f"{indent}with Kept():\n{indent}    {probe}" if by_hand else f"{indent}{probe}"
        text = text.replace(anchor, f"{anchor}\n{added}")
    return text.replace("model.train()\nfor", f"{BY_HAND}model.train()\nfor") if by_hand else text


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = small(tmp_path_factory.mktemp("project"), SCRIPT)
    assert project.record().code == 0
    return project


@pytest.mark.parametrize("which", [["noise"], ["sample"], ["evaluate", "passes", "noise"]], ids="+".join)
def test_what_a_probe_draws_is_its_own(tmp_path, project, which):
    expected = small(tmp_path, probed(which, True)).plain()
    assert expected.code == 0, expected.stderr
    project.script.write_text(probed(which, False))
    ran = project.replay("--workers", "2")
    assert (ran.code, ran.stdout.splitlines()) == (0, expected.probes()), ran.stderr
    assert "verified" in ran.stderr


def test_a_probe_that_changes_more_than_generators_is_not_believed(project):
    probe = "    print('probe', evaluate(model), [p.data.add_(0.001).sum().item() for p in model.parameters()])"
    project.script.write_text(SCRIPT.replace("    print(\"epoch\"", f"{probe}\n    print(\"epoch\""))
    ran = project.replay()
    assert ran.code in (1, 2) and ran.probes() == [], ran.stderr
