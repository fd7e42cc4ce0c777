"""Arrays of JAX: made again as they were, and left alone where they are so already. Skipped where there is no JAX."""

import os

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
jax = pytest.importorskip("jax")
np = jax.numpy

from florc._florc import _capture_bytes, _describe_bytes, _restore_bytes  # noqa: E402

MAKE = {
    "numbers": lambda x: np.arange(6.0).reshape(2, 3) * x,
    "halves": lambda x: np.full((3,), x, dtype=np.bfloat16),
    "a weak number": lambda x: np.asarray(1.5 * x),
    "a number": lambda x: np.zeros(()) + x,
    "nothing": lambda x: np.zeros((0, x)),
    "a key": lambda x: jax.random.PRNGKey(x),
    "a typed key": lambda x: jax.random.key(x),
    "an array that stays on its device": lambda x: jax.device_put(np.ones(3) * x, jax.devices()[0]),
    "a tree": lambda x: {"w": [np.ones(2) * x], "b": (np.arange(x),)},
}


@pytest.mark.parametrize("name", MAKE)
def test_it_is_as_it_was(name):
    saved = _capture_bytes({"value": MAKE[name](3)})
    text, _, missing = _describe_bytes(saved)[:3]
    assert missing == []
    for live in (MAKE[name](2), MAKE[name](3), None):
        made = _restore_bytes(saved, {"value": live})["value"]
        assert _describe_bytes(_capture_bytes({"value": made}))[0] == text
        assert str(jax.tree_util.tree_map(_facts, made)) == str(jax.tree_util.tree_map(_facts, MAKE[name](3)))


def _facts(array):
    if jax.dtypes.issubdtype(array.dtype, jax.dtypes.prng_key):
        return str(jax.random.key_data(array)), str(array.dtype)
    return array.tolist(), str(array.dtype), array.shape, array.weak_type, array.committed


def test_donated_buffers_are_said_to_be_missing():
    value = np.ones(3)
    value.delete()
    assert len(_describe_bytes(_capture_bytes({"value": value}))[2]) == 1
