"""NumPy: data types, arrays over memory, generators."""

import ast
import sys

import numpy

from .standard import Immutable


class Scalar(Immutable):
    """`numpy.float32(1)`, `numpy.datetime64("2020")`."""

    name = "numpy.scalar"

    def save(self, value):
        return (data_type(value.dtype)[0], value.tobytes())

    def load(self, cls, data):
        return numpy.frombuffer(data[1], dtype=_dtype(data[0]))[0]

    def fits(self, value, data):
        return data_type(value.dtype)[0] == data[0] and value.tobytes() == data[1]


class DataType(Immutable):
    name = "numpy.dtype"

    def save(self, value):
        return data_type(value)[0]

    def load(self, cls, data):
        return _dtype(data)

    def fits(self, value, data):
        return value == _dtype(data)


class BitGenerator:
    name = "numpy.BitGenerator"

    def save(self, value):
        return (value.state, getattr(value, "seed_seq", None))

    def load(self, cls, data):
        value = cls(data[1]) if data[1] is not None else cls()
        value.state = data[0]
        return value

    def fits(self, value, data):
        return getattr(value, "seed_seq", None) is data[1]

    def patch(self, value, data):
        value.state = data[0]


class SeedSequence:
    name = "numpy.SeedSequence"

    def save(self, value):
        return dict(value.state)

    def load(self, cls, data):
        return cls(**data)

    def fits(self, value, data):
        behind = data["n_children_spawned"] - value.n_children_spawned
        return behind >= 0 and {**value.state, "n_children_spawned": 0} == {
            **data,
            "n_children_spawned": 0,
        }

    def patch(self, value, data):
        behind = data["n_children_spawned"] - value.n_children_spawned
        if behind:
            value.spawn(behind)


class Generator(Immutable):
    name = "numpy.Generator"

    def save(self, value):
        return (value.bit_generator,)

    def load(self, cls, data):
        return cls(data[0])

    def fits(self, value, data):
        return value.bit_generator is data[0]


class RandomState:
    name = "numpy.RandomState"

    def save(self, value):
        return (_legacy(value), type(value._bit_generator))

    def load(self, cls, data):
        value = cls(data[1]())
        self.patch(value, data)
        return value

    def fits(self, value, data):
        return type(value._bit_generator) is data[1]

    def patch(self, value, data):
        value.set_state(data[0])


class Subclass(Immutable):
    """`numpy.matrix`, `numpy.recarray`, subclasses of the user: a plain view and attributes."""

    name = "numpy.subclass"

    def save(self, value):
        return (value.view(numpy.ndarray), dict(getattr(value, "__dict__", {})))

    def load(self, cls, data):
        value = data[0].view(cls)
        if data[1]:
            vars(value).update(data[1])
        return value

    def fits(self, value, data):
        return False


ADAPTERS = {
    adapter.name: adapter
    for adapter in (
        Scalar(),
        DataType(),
        BitGenerator(),
        SeedSequence(),
        Generator(),
        RandomState(),
        Subclass(),
    )
}


def find(cls):
    """As `florc.adapters.find`, for NumPy's types."""
    if cls is numpy.ndarray:
        return "array"
    if issubclass(cls, numpy.generic):
        return ADAPTERS["numpy.scalar"] if not issubclass(cls, numpy.object_) else "opaque"
    if issubclass(cls, numpy.memmap):
        return "opaque"
    if issubclass(cls, numpy.ndarray):
        return ADAPTERS["numpy.subclass"]
    if issubclass(cls, numpy.dtype):
        return ADAPTERS["numpy.dtype"]
    if issubclass(cls, numpy.ufunc):
        return "singleton"
    if issubclass(cls, numpy.nditer) or issubclass(cls, numpy.flatiter):
        return "iterator"
    if "numpy.random" not in sys.modules:
        return None
    if issubclass(cls, numpy.random.Generator):
        return ADAPTERS["numpy.Generator"]
    if issubclass(cls, numpy.random.RandomState):
        return ADAPTERS["numpy.RandomState"]
    if issubclass(cls, numpy.random.BitGenerator):
        return ADAPTERS["numpy.BitGenerator"]
    if issubclass(cls, numpy.random.SeedSequence):
        return ADAPTERS["numpy.SeedSequence"]
    return None


def _legacy(state):
    found = dict(state.get_state(legacy=False))
    found["state"] = dict(found["state"])
    return found


def read_hidden():
    """The legacy global generator, and how errors and arrays are shown."""
    found = {"numpy.errstate": numpy.geterr(), "numpy.printoptions": numpy.get_printoptions()}
    if "numpy.random" in sys.modules:
        found["numpy.random"] = _legacy(numpy.random.mtrand._rand)
    return found


def _show(wanted):
    now = numpy.get_printoptions()
    if wanted == now:
        return
    if wanted.keys() != now.keys() or wanted.pop("legacy") != now["legacy"]:
        raise ValueError("options of another numpy")
    numpy.set_printoptions(**wanted)


def write_hidden(name, value):
    if name == "numpy.random":
        numpy.random.set_state(value)
    elif name == "numpy.errstate":
        numpy.seterr(**value)
    elif name == "numpy.printoptions":
        _show(dict(value))
    else:
        return False
    return True


def data_type(dtype):
    """Name, element size, and whether elements are objects."""
    if not isinstance(dtype, numpy.dtype):
        return None
    if dtype.names is None and dtype.subdtype is None:
        return (dtype.str, dtype.itemsize, dtype.hasobject)
    fields = {
        "names": list(dtype.names),
        "formats": [data_type(dtype.fields[name][0])[0] for name in dtype.names],
        "offsets": [dtype.fields[name][1] for name in dtype.names],
        "shapes": [dtype.fields[name][0].shape for name in dtype.names],
        "itemsize": dtype.itemsize,
        "aligned": dtype.isalignedstruct,
    } if dtype.names is not None else None
    if fields is None:
        base, shape = dtype.subdtype
        return (data_type(base)[0], dtype.itemsize, dtype.hasobject)
    return (repr(fields), dtype.itemsize, dtype.hasobject)


def _dtype(text):
    if not text.startswith("{"):
        return numpy.dtype(text)
    fields = ast.literal_eval(text)
    shapes = fields.pop("shapes")
    aligned = fields.pop("aligned")
    fields["formats"] = [
        (_dtype(format), shape) if shape else _dtype(format)
        for format, shape in zip(fields["formats"], shapes)
    ]
    return numpy.dtype(fields, align=aligned)


def array_over(buffer, dtype, shape, strides, offset, writeable):
    """An array over the bytes of a `bytearray` or of a byte tensor's memory."""
    if not isinstance(buffer, bytearray):
        buffer = buffer.numpy()
    value = numpy.ndarray(
        tuple(shape), _dtype(dtype), buffer=buffer, offset=offset, strides=tuple(strides)
    )
    if not writeable:
        value.flags.writeable = False
    return value


def array_extent(array):
    """Address and bytes of the memory in which an array lies."""
    return numpy.lib.array_utils.byte_bounds(array) if hasattr(
        numpy.lib, "array_utils"
    ) else numpy.byte_bounds(array)


def object_array(shape, items):
    value = numpy.empty(tuple(shape), dtype=object)
    fill_object_array(value, items)
    return value


def fill_object_array(live, items):
    for place, item in zip(numpy.ndindex(live.shape), items):
        live[place] = item
