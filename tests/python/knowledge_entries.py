"""All entries of the knowledge files, with the Python object that each is about.

    for entry in entries("numpy.json"): entry.name, entry.rule, entry.owner      # "numpy.add", {...}, None

Reads JSON and imports libraries; calls nothing.
"""
import dataclasses
import functools
import importlib
import json
import pathlib

FOLDER = pathlib.Path(__file__).parents[2] / "crates" / "florc_effects" / "knowledge"
SINGLE = ("call", "iterate", "operators", "subscript")


@dataclasses.dataclass
class Entry:
    """`owner` is the type that a method belongs to; `kind` is `function`, `method`, `attribute` or one of `SINGLE`."""

    file: str
    name: str
    kind: str
    rule: dict
    owner: str | None = None

    def __str__(self):
        return f"{self.owner}:{self.kind}:{self.name}" if self.owner else self.name


def files():
    return sorted(path.name for path in FOLDER.glob("*.json"))


def entries(file):
    data = json.loads((FOLDER / file).read_text())
    for rule in data.get("functions", []):
        yield from (Entry(file, name, "function", rule) for name in rule["names"].split())
    for owner, of in data.get("types", {}).items():
        made = {"returns": [f"new:{owner}"], "keeps": ["args"]}
        yield from (Entry(file, name, "function", made) for name in of.get("made_by", "").split())
        for kind in ("methods", "attributes"):
            for rule in of.get(kind, []):
                yield from (Entry(file, name, kind[:-1], rule, owner) for name in rule["names"].split())
        yield from (Entry(file, kind, kind, of[kind], owner) for kind in SINGLE if kind in of)


def installed(name):
    """Whether the package of a full name can be imported."""
    try:
        importlib.import_module(name.split(".")[0])
    except ImportError:
        return False
    return True


@functools.cache
def resolve(name):
    """The object of a full name; `None` where this version has none."""
    first, *parts = name.split(".")
    try:
        found = importlib.import_module(first)
    except ImportError:
        return None
    for part in parts:
        first += "." + part
        if hasattr(found, part):
            found = getattr(found, part)
            continue
        try:
            found = importlib.import_module(first)  # a module that nobody has imported, or whose name was taken away
        except ImportError:
            return None
    return found
