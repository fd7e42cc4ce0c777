"""Tensors that stand for others: their parts come back in place, and what has no parts is said to be missing."""

import pytest
import torch
from florc._florc import _capture_bytes, _describe_bytes, _restore_bytes
from torch import nn

dist = pytest.importorskip("torch.distributed")


@pytest.fixture(scope="module")
def mesh(tmp_path_factory):
    from torch.distributed.device_mesh import init_device_mesh

    store = dist.FileStore(str(tmp_path_factory.mktemp("store") / "store"), 1)
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,))
    dist.destroy_process_group()


def training(mesh, steps):
    from torch.distributed.tensor import DTensor, Replicate, Shard

    torch.manual_seed(0)
    weights = [nn.Parameter(DTensor.from_local(torch.randn(4, 3), mesh, [it])) for it in (Shard(0), Replicate())]
    optimizer = torch.optim.AdamW(weights, lr=0.1)
    state = {"weights": weights, "optimizer": optimizer}
    for _ in range(steps):
        step(state)
    return state


def step(state):
    state["optimizer"].zero_grad()
    sum((weight * weight).sum().to_local() for weight in state["weights"]).backward()
    state["optimizer"].step()


def numbers(state):
    moments = state["optimizer"].state.values()
    tensors = [*state["weights"], *(weight.grad for weight in state["weights"]), *(it["exp_avg"] for it in moments)]
    return [tensor.to_local().tolist() for tensor in tensors]


def test_distributed_tensors_come_back_in_a_process_that_has_not_trained(mesh):
    recorded = training(mesh, 3)
    saved = _capture_bytes(recorded)
    assert _describe_bytes(saved)[2] == []
    live = training(mesh, 0)
    places = [weight.to_local().data_ptr() for weight in live["weights"]]
    state = {**live, **_restore_bytes(saved, live)}
    assert state["weights"][0] is live["weights"][0], "patched, not replaced"
    assert [weight.to_local().data_ptr() for weight in live["weights"]] == places
    assert numbers(state) == numbers(recorded)
    assert _describe_bytes(_capture_bytes(state))[0] == _describe_bytes(saved)[0]
    step(state)
    step(recorded)
    assert numbers(state) == numbers(recorded), "and go on"


class Shell(torch.Tensor):
    """Has a size, and no memory."""

    @staticmethod
    def __new__(cls):
        return torch.Tensor._make_wrapper_subclass(cls, (1000, 1000), dtype=torch.float32)

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        raise NotImplementedError(function)


def test_a_tensor_without_memory_is_missing():
    missing = _describe_bytes(_capture_bytes({"shell": Shell()}))[2]
    assert len(missing) == 1 and "shell" in str(missing)


class Momentum:
    """Steps a weight as soon as its gradient is there."""

    def __init__(self, weight):
        self.mean = torch.zeros_like(weight)
        weight.register_post_accumulate_grad_hook(self.step)

    def step(self, weight):
        self.mean.mul_(0.9).add_(weight.grad)
        weight.data.sub_(self.mean, alpha=0.1)
        weight.grad = None


def test_what_the_hooks_of_a_tensor_reach_is_state():
    def made(steps):
        torch.manual_seed(0)
        weight = nn.Parameter(torch.randn(200, 200))
        Momentum(weight)
        for _ in range(steps):
            weight.square().sum().backward()
        return {"weight": weight}

    recorded, live = made(3), made(0)
    _restore_bytes(_capture_bytes(recorded), live)
    for state in (recorded, live):
        state["weight"].square().sum().backward()
    assert torch.equal(recorded["weight"], live["weight"])


@pytest.mark.parametrize("register", ["register_hook", "register_post_accumulate_grad_hook"])
def test_a_layer_that_took_the_place_of_one_with_hooks_has_none(register):
    recorded, live = nn.Linear(2, 2), nn.Linear(2, 2)

    def spoil(it):
        (it if register == "register_hook" else it.grad).zero_()

    getattr(live.weight, register)(spoil)
    _restore_bytes(_capture_bytes({"layer": recorded}), {"layer": live})
    for layer in (recorded, live):
        layer(torch.ones(1, 2)).sum().backward()
    assert torch.equal(live.weight.grad, recorded.weight.grad) and live.weight.grad.any()
