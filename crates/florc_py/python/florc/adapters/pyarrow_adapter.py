"""Tables of Arrow, which data sets of Hugging Face hold: they are known by a hash of their content.

    data = datasets.load_dataset("csv", data_files="train.csv")["train"]     # data.data: a table

A checkpoint holds the hash alone: a replay has made the table itself, or cannot go on. Tables too large to be
looked at are not captured.
"""

import hashlib
import weakref

import pyarrow

# bytes that are read within a second
_AT_MOST = 1 << 29
# what was found before of tables over files, by address: weak reference and hash
_known = {}


class Described:
    """Types, fields and schemas, by what a file would say of them."""

    name = "pyarrow.schema"

    def save(self, value):
        if isinstance(value, pyarrow.DataType):
            value = pyarrow.field("", value)
        if isinstance(value, pyarrow.Field):
            value = pyarrow.schema([value])
        return value.serialize().to_pybytes()

    def load(self, cls, data):
        schema = pyarrow.ipc.read_schema(pyarrow.BufferReader(data))
        if issubclass(cls, pyarrow.Schema):
            return schema
        return schema.field(0) if issubclass(cls, pyarrow.Field) else schema.field(0).type

    def fits(self, value, data):
        return self.save(value) == data

    def patch(self, value, data):
        pass


class Content:
    """Tables, batches and columns."""

    name = "pyarrow.content"

    def save(self, value):
        known = _known.get(id(value))
        if known is not None and known[0]() is value:
            return known[1]
        found = _hash(value)
        if _never_changes(value):
            _known[id(value)] = (weakref.ref(value, lambda _gone, key=id(value): _known.pop(key, None)), found)
        return found

    def load(self, cls, data):
        raise LookupError("a table is known by its hash, and the program has none with this one at this place")

    def fits(self, value, data):
        return self.save(value) == data

    def patch(self, value, data):
        pass


def _never_changes(value):
    """Whether all memory is read-only, as that of files is: an array of NumPy may be below others."""
    if isinstance(value, pyarrow.Array):
        columns = [value]
    else:
        columns = [value] if isinstance(value, pyarrow.ChunkedArray) else value.columns
    arrays = [part for column in columns for part in getattr(column, "chunks", [column])]
    buffers = [buffer for array in arrays for buffer in array.buffers() if buffer is not None]
    return not any(pyarrow.types.is_dictionary(array.type) for array in arrays) and not any(buffer.is_mutable for buffer in buffers)


def _hash(value):
    if value.nbytes > _AT_MOST:
        raise TypeError(f"{type(value).__name__} of {value.nbytes} bytes")
    if not isinstance(value, (pyarrow.Table, pyarrow.RecordBatch)):
        value = pyarrow.table([value], names=[""])
    found = hashlib.blake2b(value.schema.serialize(), digest_size=16)
    for batch in value.to_batches() if isinstance(value, pyarrow.Table) else [value]:
        found.update(batch.serialize())
    return found.digest()


ADAPTERS = {adapter.name: adapter for adapter in (Described(), Content())}


def find(cls):
    """As `florc.adapters.find`, for Arrow's own types."""
    if cls.__module__ != "pyarrow.lib":
        return None
    if issubclass(cls, (pyarrow.DataType, pyarrow.Field, pyarrow.Schema)):
        return ADAPTERS[Described.name]
    contents = (pyarrow.Table, pyarrow.RecordBatch, pyarrow.ChunkedArray, pyarrow.Array)
    return ADAPTERS[Content.name] if issubclass(cls, contents) else None
