"""JAX: arrays and keys, which never change.

    params = train_step(params, batch)      # new arrays: their elements are the state

An array is taken as NumPy's, with its type, its device and whether JAX may promote it (a weak type). Not taken: arrays
over several devices, deleted ones (their buffers were donated), and weak ones that are more than a number.
"""

import numpy

import jax
import jax.numpy

from .standard import Immutable


class Array(Immutable):
    name = "jax.Array"

    def save(self, value):
        if value.is_deleted():
            raise TypeError("the buffer of an array was donated")
        if len(value.devices()) != 1 or not value.is_fully_addressable:
            raise TypeError("an array lies on several devices")
        (device,) = value.devices()
        where = (device.platform, device.id) if _is_committed(value) else None
        if value.weak_type and (value.ndim or where):
            raise TypeError("an array of a weak type")
        content = numpy.asarray(value)
        return (str(value.dtype), value.shape, value.weak_type, where, _bits(content))

    def load(self, cls, data):
        dtype, shape, weak, where, bits = data
        content = bits.view(jax.numpy.dtype(dtype)).reshape(shape).copy()
        if where is not None:
            found = [device for device in jax.devices(where[0]) if device.id == where[1]]
            value = jax.device_put(content, found[0])
        else:
            value = jax.numpy.array(content.item() if weak else content)
        if (str(value.dtype), value.weak_type) != (dtype, weak):
            raise TypeError(f"an array of type {dtype} cannot be made")
        return value

    def fits(self, value, data):
        if value.is_deleted() or (str(value.dtype), value.shape, value.weak_type) != tuple(data[:3]):
            return False
        return _bits(numpy.asarray(value)).tobytes() == data[4].tobytes()


def _is_committed(value):
    """Whether computations have to stay on its device; what cannot tell has to."""
    return getattr(value, "committed", getattr(value, "_committed", True))


def _bits(content):
    """As bytes: NumPy has no names for some of the types."""
    return numpy.frombuffer(content.tobytes(), numpy.uint8)


class Key(Immutable):
    """`jax.random.key(3)`: an array of numbers, and what makes random numbers from it."""

    name = "jax.Key"

    def save(self, value):
        return (str(jax.random.key_impl(value)), jax.random.key_data(value))

    def load(self, cls, data):
        return jax.random.wrap_key_data(data[1], impl=data[0])

    def fits(self, value, data):
        mine = self.save(value)
        return mine[0] == data[0] and numpy.array_equal(mine[1], data[1])


_ARRAY, _KEY = Array(), Key()
ADAPTERS = {adapter.name: adapter for adapter in (_ARRAY, _KEY)}


def find(cls):
    """How instances of `cls` are captured."""
    is_own = (cls.__module__ or "").partition(".")[0] in ("jax", "jaxlib")
    return {"ArrayImpl": _ARRAY, "PRNGKeyArray": _KEY}.get(cls.__name__) if is_own else None
