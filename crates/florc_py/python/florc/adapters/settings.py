"""Settings of the process that a script may change on its way.

    os.environ["PHASE"] = "train"           # what has changed since it was first looked at, and only that
    logging.disable(logging.ERROR)

A setting is kept from when it has changed for the first time: one that nobody touches is no state, and the environment may
hold secrets.
"""

import os
import sys

_first = {}
_changed = set()


def read_hidden():
    found = {}
    for name, (read, _) in _SETTINGS.items():
        now = read()
        if now is None:
            continue
        if now != _first.setdefault(name, now):
            _changed.add(name)
        if name in _changed:
            found[name] = _difference(_first[name], now) if name == "environ" else now
    return found


def write_hidden(name, value):
    if name not in _SETTINGS:
        return False
    read, write = _SETTINGS[name]
    _first.setdefault(name, read())
    _changed.add(name)
    write(value)
    return True


def _difference(first, now):
    """Name and value of each variable that is another one now; `None`: it is gone."""
    names = sorted(first.keys() | now.keys())
    return [[os.fsdecode(name), _text(now.get(name))] for name in names if first.get(name) != now.get(name)]


def _text(value):
    return None if value is None else os.fsdecode(value)


def _put_environment(difference):
    wanted = {os.fsdecode(name): os.fsdecode(value) for name, value in _first["environ"].items()}
    wanted.update(difference)
    for name in os.environ.keys() | wanted.keys():
        value = wanted.get(name)
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
    "environ": (lambda: dict(os.environ._data), _put_environment),
    "logging.disable": (_silenced, _silence),
    "recursion": (sys.getrecursionlimit, sys.setrecursionlimit),
}


def find(cls):
    """As `florc.adapters.find`: no object stands for a setting."""


ADAPTERS = {}
