"""What others read of a store: exported tensors, with the libraries that are to read them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

FLORC = Path(sys.executable).with_name("florc")
pytestmark = pytest.mark.xdist_group("exports")  # they share one recording

SCRIPT = """\
import numpy as np
import torch

torch.manual_seed(0)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(40, 40), torch.nn.BatchNorm1d(40))
        self.head = torch.nn.Linear(40, 40)
        self.head.weight = self.body[0].weight
        self.register_buffer("scratch", torch.zeros(3), persistent=False)

    def forward(self, x):
        return self.head(self.body(x))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
extra = {
    "view": torch.arange(12.0).reshape(3, 4).t(),
    "bf16": torch.linspace(0, 1, 5).to(torch.bfloat16),
    "f8": torch.linspace(0, 1, 5).to(torch.float8_e4m3fn),
    "complex": torch.tensor([1 + 2j]),
    "double": torch.tensor([1 + 2j], dtype=torch.complex128),
    "flag": torch.tensor([True, False]),
    "u16": torch.tensor([1, 65535], dtype=torch.uint16),
    "empty": torch.zeros(0, 3),
    "scalar": torch.tensor(7),
    "array": np.arange(6, dtype=np.int32).reshape(2, 3)[:, ::-1],
    "words": np.array(["a", "bc"]),
}
for epoch in range(3):
    for step in range(4):
        optimizer.zero_grad()
        loss = (model(torch.randn(8, 40)) ** 2).mean()
        loss.backward()
        optimizer.step()
    extra["scalar"] += 1
    torch.save([model.state_dict(), optimizer.state_dict(), extra], f"plain-{epoch}.pt")
    print("epoch", epoch, "loss", loss.item())
"""


def florc(folder, *args, code=0):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FLORC_")}
    done = subprocess.run(
        [str(FLORC), *args], cwd=folder, env=clean | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
        timeout=300, stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    (folder / "train.py").write_text(SCRIPT)
    florc(folder, "run", "--checkpoints", "all", "--name", "net", "train.py")
    return folder


def load(folder, name):
    path = folder / name
    return safetensors.load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(
        a.contiguous().reshape(-1).view(torch.uint8), b.contiguous().reshape(-1).view(torch.uint8))


@pytest.mark.parametrize("kind", ["safetensors", "pt"])
@pytest.mark.parametrize(("at", "epoch"), [("epoch=2", 1), ("end", 2), ("head of iteration 1", 0)])
def test_a_module_is_its_state_dict(run, kind, at, epoch):
    florc(run, "export", "net", "--at", at, "--root", "model", "-o", f"model.{kind}")
    found = load(run, f"model.{kind}")
    expected = torch.load(run / f"plain-{epoch}.pt", weights_only=False)[0]
    assert set(found) == set(expected), "names are those of state_dict"
    assert all(same(found[name], expected[name]) for name in expected)


def test_a_torch_file_shares_memory_again(run):
    florc(run, "export", "net", "--root", "model", "-o", "model.pt")
    found = load(run, "model.pt")
    assert found["head.weight"].data_ptr() == found["body.0.weight"].data_ptr()


@pytest.mark.parametrize("kind", ["safetensors", "pt"])
def test_everything_is_there_under_a_path(run, kind):
    said = florc(run, "export", "net", "-o", f"all.{kind}").stderr
    found = load(run, f"all.{kind}")
    _, optimizer, extra = torch.load(run / "plain-2.pt", weights_only=False)
    for name, value in extra.items():
        if name == "words" or (name == "double" and kind == "safetensors"):
            assert f"`extra.{name}` is left out" in said
            continue
        expected = value if torch.is_tensor(value) else torch.from_numpy(value.copy())
        assert same(found[f"extra.{name}"], expected), name
    for at, state in optimizer["state"].items():
        for name, value in state.items():
            assert same(found[f"optimizer.state.{at}.{name}"], value)
    assert "model.body.0.weight" in found and not any("param_groups" in name for name in found)


def test_what_is_not_there_is_said_with_what_is(run):
    said = florc(run, "export", "net", "--root", "modle", "-o", "x.pt", code=2).stderr
    assert "no variable `modle`" in said and "`model`" in said
    said = florc(run, "export", "net", "--at", "epoch=9", "-o", "x.pt", code=2).stderr
    assert "`epoch=9`" in said and "head of iteration 0" in said
    assert not (run / "x.pt").exists()


def test_the_store_is_sound_and_its_size_known(run):
    assert florc(run, "fsck").stdout.endswith("no damage\n")
    (entry,) = json.loads(florc(run, "du", "--format", "json").stdout)["runs"]
    assert entry["name"] == "net" and entry["checkpoints"] >= 7
    assert entry["shared_bytes"] > 0, "a loop head is the end of the block before"
