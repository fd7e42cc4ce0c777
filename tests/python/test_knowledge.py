"""What the knowledge files say of tensors and arrays, against what the libraries do.

Each name that is said to change nothing is called on small inputs with a few argument lists; the
inputs' bytes must stay as they were. Names that no argument list fits are passed over.
"""
import json
import pathlib
import warnings

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")

KNOWLEDGE = pathlib.Path(__file__).parents[2] / "crates" / "florc_effects" / "knowledge"
SKIPPED = {"tofile", "dump", "share_memory_", "cuda", "mps", "pin_memory", "set_", "storage", "dumps"}


def rules(file, of=None):
    data = json.loads((KNOWLEDGE / file).read_text())
    return data["types"][of]["methods"] if of else data["functions"]


def pure_names(found):
    for rule in found:
        if not rule.get("mutates") or rule["mutates"] == ["kw:out"]:
            yield from rule["names"].split()


def tensor():
    return torch.tensor([[1.0, 2.0], [3.0, 5.0]])


def array():
    return np.array([[1.0, 2.0], [3.0, 5.0]])


def unchanged(call, make, argument_lists):
    """Calls with fresh inputs; gives whether some call went through."""
    ran = False
    for extra in argument_lists:
        values = [make() if value == "same" else value for value in extra]
        inputs = [value for value in values if hasattr(value, "tobytes") or torch.is_tensor(value)]
        before = [np.asarray(value).tobytes() for value in inputs]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                call(*values)
        except Exception:
            continue
        ran = True
        assert [np.asarray(value).tobytes() for value in inputs] == before, (call, extra)
    return ran


ARGUMENTS = [["same"], ["same", "same"], ["same", 0], ["same", 0, 1], ["same", 1.5], ["same", [2, 2]]]


@pytest.mark.parametrize("name", sorted(set(pure_names(rules("torch_tensor.json", "torch.Tensor"))) - SKIPPED))
def test_tensor_methods_that_change_nothing(name):
    method = getattr(torch.Tensor, name, None)
    if method is None:
        pytest.skip("not in this version")
    unchanged(method, tensor, ARGUMENTS)


@pytest.mark.parametrize("name", sorted(set(pure_names(rules("numpy.json", "numpy.ndarray"))) - SKIPPED))
def test_array_methods_that_change_nothing(name):
    method = getattr(np.ndarray, name, None)
    if method is None or not callable(method):
        pytest.skip("not in this version")
    unchanged(method, array, ARGUMENTS)


@pytest.mark.parametrize(
    "name", sorted(n for n in pure_names(rules("numpy.json")) if n.count(".") == 1 and "save" not in n and "load" not in n)
)
def test_functions_of_numpy_that_change_nothing(name):
    function = getattr(np, name.split(".")[1], None)
    if function is None or name in {"numpy.set_printoptions", "numpy.seterr", "numpy.seterrcall"}:
        pytest.skip("not called here")
    unchanged(function, array, ARGUMENTS)


@pytest.mark.parametrize(
    "name",
    [
        n
        for rule in rules("torch.json")
        if rule.get("graph") == ["args"] and rule.get("mutates", ["kw:out"]) == ["kw:out"]
        for n in rule["names"].split()
        if n.count(".") == 1
    ],
)
def test_functions_of_torch_that_change_nothing(name):
    function = getattr(torch, name.split(".")[1], None)
    if function is None:
        pytest.skip("not in this version")
    unchanged(function, tensor, ARGUMENTS)


def test_views_share_memory_and_results_do_not():
    views = next(r for r in rules("torch_tensor.json", "torch.Tensor") if "view " in r["names"] + " ")
    assert {"view", "reshape", "T", "detach"} & set(views["names"].split())
    for name in ("add", "exp", "clone", "matmul"):
        base = tensor()
        result = getattr(base, name)(*([] if name in ("exp", "clone") else [tensor()]))
        result.zero_()
        assert base.sum() == 11.0
    for name in ("detach", "contiguous", "squeeze", "t"):
        base = tensor()
        getattr(base, name)().zero_()
        assert base.sum() == 0.0, name
