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
    """The script with probes; those of one place are in a row, which is put back as a whole."""
    rows = {}
    for name in which:
        anchor, depth, probe = PROBES[name]
        rows.setdefault((anchor, " " * depth), []).append(probe)
    text = SCRIPT
    for (anchor, indent), probes in rows.items():
        added = [f"{indent}with Kept():", *(f"{indent}    {it}" for it in probes)] if by_hand else [indent + it for it in probes]
        text = text.replace(anchor, "\n".join([anchor, *added]))
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


def with_rows(*rows):
    """The script with statements at places, each before a recorded statement: (anchor, statements)."""
    text = SCRIPT
    for anchor, statements in rows:
        indent = anchor[: len(anchor) - len(anchor.lstrip())]
        text = text.replace(anchor, "".join(f"{indent}{it}\n" for it in statements) + anchor)
    return text


AFTER = '    print("epoch"'
EVAL = ["model.eval()", "print('probe', repr(model(data.tensors[0]).sum().item()))", "model.train()"]


@pytest.mark.parametrize("options", [(), ("--workers", "2"), ("--where", "epoch >= 3")], ids=" ".join)
@pytest.mark.parametrize("extra", [[], ["seen = data.tensors[1].sum().item()", "print('probe', seen)"]], ids=["alone", "more"])
def test_statements_in_a_row_see_the_mode_that_one_of_them_sets(tmp_path, project, extra, options):
    text = with_rows((AFTER, [EVAL[0], *extra, *EVAL[1:]]))
    expected = small(tmp_path, text).plain().probes()
    project.script.write_text(text)
    ran = project.replay(*options)
    expected = expected[-2 * len(expected) // 5 :] if "--where" in options else expected
    assert (ran.code, ran.stdout.splitlines()) == (0, expected), ran.stderr


@pytest.mark.parametrize(("reads", "code"), [(AFTER, 0), ("    total = 0.0", 1)], ids=["in the row", "elsewhere"])
def test_a_harmless_statement_sees_the_mode_too(tmp_path, project, reads, code):
    by_place = {AFTER: ["model.eval()"]}
    by_place.setdefault(reads, []).append("print('probe', model.training)")
    project.script.write_text(with_rows(*by_place.items()))
    ran = project.replay()
    assert (ran.code, ran.probes()) == (code, [] if code else ["probe False"] * 5), ran.stdout + ran.stderr


def test_statements_in_a_row_draw_one_after_the_other(tmp_path, project):
    draws = ["first = torch.rand(1).item()", "other = torch.rand(1).item()", "print('probe', first, other)"]
    kept = ["kept = torch.get_rng_state()", *draws, "torch.set_rng_state(kept)"]
    expected = small(tmp_path, with_rows((AFTER, kept))).plain().probes()
    project.script.write_text(with_rows((AFTER, draws)))
    ran = project.replay()
    assert (ran.code, ran.stdout.splitlines()) == (0, expected), ran.stderr


@pytest.mark.parametrize("anchors", [("    total = 0.0", AFTER, AFTER)])
def test_a_mode_that_is_to_last_beyond_a_row_gives_no_values(project, anchors):
    by_place = {}
    for anchor, statement in zip(anchors, EVAL):
        by_place.setdefault(anchor, []).append(statement)
    project.script.write_text(with_rows(*by_place.items()))
    ran = project.replay()
    assert (ran.code, ran.probes()) == (1, []), ran.stdout + ran.stderr


def test_a_probe_that_changes_more_than_generators_is_not_believed(project):
    probe = "    print('probe', evaluate(model), [p.data.add_(0.001).sum().item() for p in model.parameters()])"
    project.script.write_text(SCRIPT.replace("    print(\"epoch\"", f"{probe}\n    print(\"epoch\""))
    ran = project.replay()
    assert ran.code in (1, 2) and ran.probes() == [], ran.stderr


OBJECTS = """\
import random
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

class Sampler:
    def __init__(self, seed):
        self.parts = {"rng": np.random.RandomState(seed), "py": random.Random(seed)}
    def noise(self):
        return self.parts["rng"].randn() + self.parts["py"].gauss(0.0, 1.0)

def main():
    rng, own = np.random.default_rng(5), torch.Generator().manual_seed(5)
    sampler = Sampler(7)
    def draw():
        return rng.normal(0.0, 0.1)
    loader = DataLoader(TensorDataset(torch.arange(24.0)), batch_size=8, shuffle=True, generator=own)
    weight = 0.0
    for epoch in range(5):
        for (x,) in loader:
            weight += 0.1 * float(x.sum()) * draw() + 0.01 * sampler.noise()
            weight = 0.9 * weight + rng.random()
        print("epoch", epoch, weight)

main()
"""

OBJECTS_BY_HAND = """\
class Kept:
    def __init__(self, rng, own, sampler):
        self.rng, self.own, self.parts = rng, own, sampler.parts
    def __enter__(self):
        self.kept = self.rng.bit_generator.state, self.own.get_state(), self.parts["rng"].get_state(legacy=False), self.parts["py"].getstate()
    def __exit__(self, *_):
        self.rng.bit_generator.state = self.kept[0]; self.own.set_state(self.kept[1])
        self.parts["rng"].set_state(self.kept[2]); self.parts["py"].setstate(self.kept[3])

"""

OF_OBJECTS = {
    "direct": ("            weight = 0.9 * weight + rng.random()", 12, "print('probe direct', rng.normal(), weight)"),
    "attribute": ("            weight = 0.9 * weight + rng.random()", 12, "print('probe attribute', sampler.noise(), weight)"),
    "bound": ("        print(\"epoch\", epoch, weight)", 8, "print('probe bound', draw(), weight)"),
    "loader": ("        print(\"epoch\", epoch, weight)", 8, "print('probe loader', [x.tolist() for (x,) in loader], torch.randperm(4, generator=own).tolist())"),
}


def with_objects(which, by_hand):
    text = OBJECTS
    for name in which:
        anchor, depth, probe = OF_OBJECTS[name]
        indent = " " * depth
        added = f"{indent}with Kept(rng, own, sampler):\n{indent}    {probe}" if by_hand else f"{indent}{probe}"
        text = text.replace(anchor, f"{anchor}\n{added}")
    return text.replace("def main", f"{OBJECTS_BY_HAND}def main") if by_hand else text


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    project = small(tmp_path_factory.mktemp("objects"), OBJECTS)
    assert project.record().code == 0
    return project


@pytest.mark.parametrize("which", [["direct"], ["attribute"], ["bound"], ["loader"], list(OF_OBJECTS)], ids="+".join)
def test_generators_that_are_objects_of_the_script_are_put_back(tmp_path, objects, which):
    expected = small(tmp_path, with_objects(which, True)).plain()
    assert expected.code == 0, expected.stderr
    objects.script.write_text(with_objects(which, False))
    ran = objects.replay("--workers", "2")
    assert (ran.code, ran.stdout.splitlines()) == (0, expected.probes()), ran.stderr
    assert "verified" in ran.stderr
