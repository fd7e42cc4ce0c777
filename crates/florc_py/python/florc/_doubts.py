"""Which code a statement runs of which nobody knows what it changes.

    florc.doubt()
    print(helper.total(batch))     # code of the package `helper`: it may count its calls
    florc.rejoin()

Checkpoints show what the program's own objects hold. A package may keep more in its modules, where
no checkpoint looks: packages that florc does not know are told, by the calls that they are seen to
take part in, and the replay then runs the whole script. Only in replay workers.
"""

import sys

from . import _florc, _modules

_project = None
_known = {}
_seen = set()


def expect(project, settings):
    """Such statements will run."""
    global _project
    _project = project
    names = {*sys.stdlib_module_names, *sys.builtin_module_names, *_florc.known_packages(settings)}
    _known.update(dict.fromkeys({*names, "__main__", "florc"}, True))


def begin():
    """From here on the code that runs is looked at. Gives what ends that."""
    before = sys.getprofile()
    sys.setprofile(_look)
    return lambda: sys.setprofile(before)


def _look(frame, event, called):
    if event == "call":
        code = frame.f_code
        if code in _seen:
            return
        _seen.add(code)
        _meet(frame.f_globals.get("__name__"))
    elif event == "c_call":
        _meet(_module_of(called))


def _module_of(called):
    """Of a function in C; a method is the code of its object's class."""
    name = getattr(called, "__module__", None)
    if name is None:
        owner = getattr(called, "__objclass__", None) or type(getattr(called, "__self__", None))
        name = owner.__module__
    return name


def _meet(name):
    known = _known.get(name)
    if known is None:
        known = _known[name] = _is_known(name)
        if not known:
            _florc.note("elsewhere", f"it runs code of `{name}`, which may keep what no checkpoint shows")


def _is_known(name):
    if not isinstance(name, str):
        return False
    top = name.partition(".")[0]
    # Named tuples have a namespace of their own.
    return _known.get(top) is True or name.startswith("namedtuple_") or name in _modules.loaded(_project)
