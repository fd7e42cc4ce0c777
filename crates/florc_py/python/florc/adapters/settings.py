"""Settings of the process that a script may change on its way.

    os.environ["PHASE"] = "train"           # what has changed since the first main loop began, and only that
    logging.disable(logging.ERROR)

A setting is kept from when it has changed for the first time: one that nobody touches is no state, and the environment may
hold secrets. Of the environment only what the program's own files name is kept.
"""

import os
import sys

_first = {}
_changed = set()
_named = {}


def look():
    """What is so when the first main loop begins is made again by a replay: what differs later is state."""
    for name, (read, _) in _SETTINGS.items():
        _first.setdefault(name, _now(read))


def read_hidden():
    look()
    found = {}
    for name, (read, _) in _SETTINGS.items():
        now = _now(read)
        if now is not None and now != _first[name] and (name != "environ" or _difference(now)):
            _changed.add(name)
        if name in _changed and now is not None:
            found[name] = _difference(now) if name == "environ" else now
    return found


def write_hidden(name, value):
    if name not in _SETTINGS:
        return False
    look()
    _changed.add(name)
    _SETTINGS[name][1](value)
    return True


def _now(read):
    try:
        return read()
    except Exception:
        return None  # replaced by something else


def _difference(now):
    """Name and value of each variable that is another one now, and that the program names; `None`: it is gone."""
    first = _first["environ"] or {}
    names = sorted(first.keys() | now.keys())
    return [[name, now.get(name)] for name in names if first.get(name) != now.get(name) and _is_named(name)]


def _is_named(name):
    """Whether a file of the program mentions a variable: those that libraries set are about this process."""
    if name not in _named:
        _named[name] = any(name in text for text in _texts())
    return _named[name]


def _texts():
    from . import is_project

    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path and is_project(getattr(module, "__name__", None)):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    yield file.read()
            except OSError:
                continue


def _put_environment(difference):
    wanted = dict(difference)
    for name in [name for name, _ in _difference(dict(os.environ))]:
        wanted.setdefault(name, (_first["environ"] or {}).get(name))
    for name, value in wanted.items():
        if value is None:
            os.environ.pop(name, None)
        elif os.environ.get(name) != value:
            os.environ[name] = value


def _silenced():
    logging = sys.modules.get("logging")
    return logging and logging.root.manager.disable


def _silence(level):
    import logging

    logging.disable(level)


_SETTINGS = {
    "environ": (lambda: dict(os.environ), _put_environment),
    "logging.disable": (_silenced, _silence),
    "recursion": (sys.getrecursionlimit, sys.setrecursionlimit),
}


def find(cls):
    """As `florc.adapters.find`: no object stands for a setting."""


ADAPTERS = {}
