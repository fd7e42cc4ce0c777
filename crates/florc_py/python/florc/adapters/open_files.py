"""Open files, as far as they say where the program has come to.

    lines = open("data.txt")
    for epoch in range(9):
        x = lines.readline()       # a replay that begins at epoch 6 reads line 6
"""

import io


class Readable:
    """Files on the disk that are read: where the program has come to. One that is only written says nothing of the training."""

    name = "io.readable"

    def save(self, value):
        name = getattr(value, "name", None)
        if value.closed or not isinstance(name, str) or name.startswith("<") or not (value.readable() and value.seekable()):
            return NotImplemented
        try:
            position = value.tell()
        except OSError:
            return ...  # in the middle of an iteration over its lines
        return {"name": name, "mode": str(getattr(value, "mode", None)), "encoding": getattr(value, "encoding", None), "position": position}

    def load(self, cls, data):
        value = open(data["name"], data["mode"], encoding=data["encoding"])
        if type(value) is not cls:
            raise TypeError(f"a {cls.__qualname__} that was opened since cannot be opened again")
        value.seek(data["position"])
        return value

    def fits(self, value, data):
        return not value.closed and value.name == data["name"]

    def patch(self, value, data):
        value.seek(data["position"])


ADAPTERS = {Readable.name: Readable()}


def find(cls):
    """As `florc.adapters.find`. Files in memory are those of `standard`."""
    if issubclass(cls, io.IOBase) and not issubclass(cls, (io.StringIO, io.BytesIO)):
        return ADAPTERS[Readable.name]
    return None
