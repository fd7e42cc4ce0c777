"""Memory: NumPy arrays and generators, torch tensors, and what they share."""

import re
import warnings

import numpy as np
import pytest
import torch
from florc._florc import _capture_bytes, _describe_bytes, _restore_bytes


def again(value, live=None):
    """The value as a program gets it back whose variable was `live`."""
    saved = _capture_bytes({"value": value})
    assert _describe_bytes(saved)[2] == []
    return _restore_bytes(saved, {} if live is None else {"value": live})["value"]


def same_array(made, value):
    assert type(made) is type(value) and made.dtype == value.dtype
    assert made.shape == value.shape and made.strides == value.strides
    assert made.tobytes() == value.tobytes()
    assert made.flags.writeable == value.flags.writeable


def locked(value):
    value.flags.writeable = False
    return value


ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6).reshape(2, 3)),
    np.arange(10)[::-2],
    np.arange(24).reshape(2, 3, 4)[:, 1:, ::2],
    np.zeros((0, 3)),
    np.array(3.5),
    np.array([True, False]),
    np.array([1 + 2j], dtype=np.complex64),
    np.array(["a", "bcd"]),
    np.array([b"x"]),
    np.array(["2020-01-01"], dtype="datetime64[D]"),
    np.array([(1, 2.5, "a")], dtype=[("x", "<i4"), ("y", ">f8"), ("z", "U3")]),
    np.zeros(2, dtype=np.dtype([("v", "f4", (2, 2)), ("w", [("q", "i1")])], align=True)),
    np.arange(4, dtype=">i2"),
    np.float16([1.5, np.nan]),
    np.broadcast_to(np.arange(3), (4, 3)),
    locked(np.arange(3)),
    np.matrix([[1, 2]]),
]


@pytest.mark.parametrize("value", ARRAYS, ids=lambda value: f"{value.dtype.str}{value.shape}")
def test_arrays_come_back(value):
    same_array(again(value), value)


@pytest.mark.parametrize("value", [array for array in ARRAYS if type(array) is np.ndarray and array.flags.writeable and array.size], ids=lambda value: f"{value.dtype.str}{value.shape}")
def test_arrays_are_patched_in_place(value):
    live = value.copy(order="K")
    if live.strides == value.strides:
        live[...] = np.zeros_like(live)
        made = again(value, live)
        assert made is live
        same_array(made, value)


def test_views_share_memory():
    base = np.arange(12.0).reshape(3, 4)
    made = again([base[1:], base, base.T, base[:, ::2], base.reshape(-1)])
    made[1][2, 2] = 99
    assert made[0][1, 2] == made[2][2, 2] == made[3][2, 1] == made[4][10] == 99


def test_views_of_live_memory_stay_views():
    live = np.zeros((3, 4))
    names = [live, live[1]]
    value = np.arange(12.0).reshape(3, 4)
    made = again([value, value[1]], names)
    assert made[0] is live and np.shares_memory(made[1], live) and made[1][0] == 4


def test_only_what_is_visible_is_kept():
    saved = _capture_bytes({"value": np.zeros(1_000_000)[:10]})
    assert len(saved) < 3_000_000
    hidden = len(_capture_bytes({}))
    assert len(saved) - hidden < 1000


def test_another_shape_gets_new_memory():
    live = [np.zeros(3), np.zeros(2)]
    first = live[0]
    made = again([np.arange(4), np.arange(2.0)], live)
    assert made is live and made[0] is not first and list(made[0]) == [0, 1, 2, 3]
    assert list(first) == [0, 0, 0]


def test_object_arrays():
    shared = [1]
    value = np.array([[shared, None], ["a", shared]], dtype=object)
    made = again(value)
    assert made.dtype == object and made.shape == (2, 2) and made[0, 0] is made[1, 1] == [1]
    live = np.empty((2, 2), dtype=object)
    assert again(value, live) is live and live[1, 0] == "a"


@pytest.mark.parametrize("value", [np.float32(1.5), np.int64(3), np.bool_(True), np.datetime64("2020-01-01"), np.str_("ab"), np.bytes_(b"ab"), np.float64(0.1), np.complex128(1j), np.dtype("f4"), np.array([(1, 2.0)], dtype="i4,f8")[0]], ids=lambda value: type(value).__name__)
def test_scalars(value):
    made = again(value)
    assert type(made) is type(value) and made == value


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_generators(kind):
    value, live = np.random.Generator(kind(1)), np.random.Generator(kind(1))
    value.normal(size=3)
    value.integers(10, dtype=np.int32)
    bits = live.bit_generator
    made = again([value, value.bit_generator], [live, bits])
    assert made[0] is live and made[1] is live.bit_generator is bits
    fresh = again(value)
    draws = value.normal(size=5)
    assert (live.normal(size=5) == draws).all() and (fresh.normal(size=5) == draws).all()


def test_spawned_generators():
    value, live = np.random.default_rng(1), np.random.default_rng(1)
    value.spawn(2)
    made = again(value, live)
    assert made.spawn(1)[0].random() == value.spawn(1)[0].random()


def test_legacy_generators():
    value, live = np.random.RandomState(1), np.random.RandomState(2)
    value.normal()
    assert again(value, live) is live
    fresh = again(value)
    assert value.normal(size=3).tolist() == live.normal(size=3).tolist() == fresh.normal(size=3).tolist()


def test_the_global_generators_are_hidden_state():
    np.random.seed(1)
    np.random.normal()
    torch.manual_seed(1)
    saved = _capture_bytes({})
    expected = np.random.normal(), torch.rand(3).tolist()
    np.random.seed(2)
    torch.manual_seed(2)
    _restore_bytes(saved, {})
    assert (np.random.normal(), torch.rand(3).tolist()) == expected


def test_global_switches_are_hidden_state():
    saved = _capture_bytes({})
    try:
        torch.set_grad_enabled(False)
        _restore_bytes(saved, {})
        assert torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)


def same_tensor(made, value):
    assert type(made) is type(value) and made.dtype is value.dtype
    assert made.shape == value.shape and made.stride() == value.stride()
    assert made.requires_grad == value.requires_grad and made.is_leaf == value.is_leaf
    assert made.detach().reshape(-1).contiguous().view(torch.uint8).tolist() == value.detach().reshape(-1).contiguous().view(torch.uint8).tolist()


TENSORS = [
    torch.randn(2, 3),
    torch.randn(4, 5)[1:, ::2].T,
    torch.tensor(1.5),
    torch.zeros(0, 3),
    torch.tensor([True, False]),
    torch.tensor([1.5, float("nan")], dtype=torch.bfloat16),
    torch.tensor([1.5], dtype=torch.float16),
    torch.tensor([1 + 2j]),
    torch.arange(3, dtype=torch.int8),
    torch.arange(3, dtype=torch.uint8),
    torch.randn(3).expand(2, 3),
    torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
    torch.nn.Parameter(torch.randn(2)),
    torch.nn.Parameter(torch.arange(2), requires_grad=False),
    torch.nn.Buffer(torch.randn(2)),
    torch.randn(2, requires_grad=True),
    torch.zeros(2, dtype=torch.float8_e4m3fn),
]


@pytest.mark.parametrize("value", TENSORS, ids=lambda value: f"{value.dtype}{tuple(value.shape)}")
def test_tensors_come_back(value):
    same_tensor(again(value), value)


@pytest.mark.parametrize("value", TENSORS, ids=lambda value: f"{value.dtype}{tuple(value.shape)}")
def test_tensors_are_patched_in_place(value):
    live = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype)
    live = torch.nn.Parameter(live, value.requires_grad) if isinstance(value, torch.nn.Parameter) else live
    live = torch.nn.Buffer(live) if isinstance(value, torch.nn.Buffer) else live
    place = live.data_ptr()
    made = again(value, live)
    assert made is live and made.data_ptr() == place
    same_tensor(made, value)


def test_a_parameter_of_another_shape_keeps_its_identity():
    live = torch.nn.Parameter(torch.zeros(3))
    made = again(torch.nn.Parameter(torch.ones(2, 2)), live)
    assert made is live and made.tolist() == [[1, 1], [1, 1]]


def test_tensor_views_share_memory():
    base = torch.arange(12.0).reshape(3, 4)
    made = again([base[1], base, base.t(), base.view(torch.int32), base.numpy()])
    made[1][1, 2] = 99
    assert made[0][2] == made[2][2, 1] == made[4][1, 2] == 99
    assert made[3][1, 2] == torch.tensor(99.0).view(torch.int32)


def test_tied_weights_and_their_gradients():
    value, live = torch.nn.ModuleList([torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)]), torch.nn.ModuleList([torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)])
    for model in (value, live):
        model[1].weight = model[0].weight
    value[0](torch.ones(2)).sum().backward()
    weight = live[0].weight
    made = again(value, live)
    assert made is live and live[0].weight is live[1].weight is weight
    assert torch.equal(weight, value[0].weight) and torch.equal(weight.grad, value[0].weight.grad)
    saved_without = torch.nn.Parameter(torch.zeros(2))
    live = torch.nn.Parameter(torch.ones(2))
    live.grad = torch.ones(2)
    assert again(saved_without, live).grad is None


def test_memory_that_was_shared_is_taken_apart():
    live = [torch.zeros(3)] * 2
    made = again([torch.ones(3), torch.full((3,), 2.0)], live)
    assert made[0].tolist() == [1] * 3 and made[1].tolist() == [2] * 3
    base = torch.zeros(4)
    live = [base, base[:2]]
    made = again([torch.ones(4), torch.full((2,), 2.0)], live)
    assert made[0].tolist() == [1] * 4 and made[1].tolist() == [2] * 2


def test_memory_that_was_apart_is_shared():
    base = torch.ones(4)
    live = [torch.zeros(4), torch.zeros(2)]
    objects = list(live)
    made = again([base, base[:2]], live)
    made[0][0] = 5
    assert made[1][0] == 5 and all(a is b for a, b in zip(made, objects))


def test_results_of_a_graph_keep_their_value_and_look():
    weight = torch.tensor([1.0, 2.0], requires_grad=True)
    value = {"loss": (weight * 3).sum(), "weight": weight, "scaled": weight * 2}
    made = again(value)
    assert repr(made["loss"]) == repr(value["loss"]) == "tensor(9., grad_fn=<SumBackward0>)"
    assert repr(made["scaled"]) == repr(value["scaled"])
    assert made["loss"].item() == 9 and made["loss"].requires_grad and not made["loss"].is_leaf
    with pytest.raises(RuntimeError, match="SumBackward0.*restored from a florc checkpoint"):
        made["loss"].backward()
    with torch.no_grad():
        made["scaled"] += 1
    assert made["scaled"].tolist() == [3, 5]


def test_reading_a_non_leaf_warns_nobody():
    value = torch.ones(2, requires_grad=True) * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _capture_bytes({"value": value})


@pytest.mark.parametrize("sparse", [lambda x: x.to_sparse(), lambda x: x.to_sparse_csr()])
def test_sparse_tensors(sparse):
    value = sparse(torch.tensor([[0, 1.5], [2, 0]]))
    made = again(value)
    assert made.layout is value.layout and torch.equal(made.to_dense(), value.to_dense())


@pytest.mark.parametrize("value", [torch.float32, torch.device("cpu"), torch.Size([1, 2]), torch.strided, torch.channels_last, torch.relu, torch.nn.functional.relu, torch.nn.Linear, torch.add], ids=lambda value: re.sub(" at 0x.*", "", str(value)))
def test_things_of_torch(value):
    made = again(value)
    assert made == value and type(made) is type(value)


def test_torch_generators():
    value, live = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
    torch.rand(1, generator=value)
    fresh = again(value)
    assert again(value, live) is live
    draws = torch.rand(3, generator=value).tolist()
    assert torch.rand(3, generator=live).tolist() == torch.rand(3, generator=fresh).tolist() == draws


def test_tensor_attributes():
    value = torch.zeros(2)
    value.note = [value]
    made = again(value)
    assert made.note[0] is made


def test_meta_tensors_are_named():
    saved = _capture_bytes({"value": [torch.zeros(2, device="meta")]})
    assert _describe_bytes(saved)[2] == [("value[0]", "OpaqueState")]


def test_memory_maps_are_named(tmp_path):
    value = np.memmap(tmp_path / "data", dtype="f4", mode="w+", shape=(3,))
    assert _describe_bytes(_capture_bytes({"value": value}))[2] == [("value", "OpaqueState")]


def test_lazy_views_are_named():
    value = torch.tensor([1 + 2j]).conj()
    assert _describe_bytes(_capture_bytes({"value": value}))[2] == [("value", "OpaqueState")]


def test_optional_roots_may_view_live_memory():
    model = torch.nn.Linear(300, 300)
    names = {"model": model, "view": model.state_dict(), "copy": model.weight.detach().clone()}
    saved = _capture_bytes(names, ["view", "copy"])
    assert _describe_bytes(saved)[3] == ["model", "view"]


def test_copies_from_and_to_devices():
    from florc import adapters

    tensor = torch.arange(12, dtype=torch.float32)[4:]
    piece = adapters.device_bytes(tensor, -8, 12)
    assert piece.view(torch.float32).tolist() == [2, 3, 4]
    adapters.device_write(piece, bytearray(np.float32([7, 8, 9]).tobytes()))
    assert tensor[0] == 9


def test_storages_without_memory_are_named():
    tensor = torch.zeros(4)
    tensor.untyped_storage().resize_(0)
    assert _describe_bytes(_capture_bytes({"value": tensor}))[2][0][0] == "value"
