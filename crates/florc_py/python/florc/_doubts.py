"""Which code a statement runs of which nobody knows what it changes.

    florc.doubt()
    print(helper.total(batch))     # code of the package `helper`: it may count its calls
    florc.rejoin()

Checkpoints show what the program's own objects hold. A package may keep more in its modules, where
no checkpoint looks: packages that florc does not know are told, by the calls that they are seen to
take part in, and the replay then runs the whole script. Only in replay workers.
"""

import sys
import threading

from . import _florc, _modules

# Where work is handed to threads that run already, or to other programs: what these run is not seen.
_HANDED_ON = ("asyncio", "concurrent", "ctypes", "_ctypes", "socket", "_socket", "subprocess")

_project = None
_known = {}
_seen = set()
_met = set()


def expect(project, settings):
    """Such statements will run."""
    global _project
    _project = project
    names = {*sys.stdlib_module_names, *sys.builtin_module_names, *_florc.known_packages(settings)}
    _known.update(dict.fromkeys({*names, "__main__", "florc"}, True))
    _known.update(dict.fromkeys(_HANDED_ON, False))


def begin():
    """From here on the code that runs is looked at. Gives what ends that."""
    before, of_threads = sys.getprofile(), threading.getprofile()
    threading.setprofile(_look)
    sys.setprofile(_look)

    def end():
        sys.setprofile(before)
        threading.setprofile(of_threads)
        for name in sorted(_met):
            _florc.note("elsewhere", f"it runs code of `{name}`, which may keep what no checkpoint shows")

    return end


def _look(frame, event, called):
    if event == "call":
        code = frame.f_code
        if code in _seen:
            return
        _seen.add(code)
        name = frame.f_globals.get("__name__")
        _meet("a queue" if name == "queue" and code.co_name == "put" else name)
    elif event == "c_call":
        _meet(_module_of(called))


def _module_of(called):
    """Of a function in C; a method is the code of its object's class."""
    name = getattr(called, "__module__", None)
    if name is not None:
        return name
    owner = getattr(called, "__objclass__", None) or getattr(called, "__self__", None)
    if isinstance(owner, type(sys)):
        return owner.__name__
    return (owner if isinstance(owner, type) else type(owner)).__module__


def _meet(name):
    known = _known.get(name)
    if known is None:
        known = _known[name] = _is_known(name)
    if not known:
        _met.add(name)


def _is_known(name):
    if not isinstance(name, str):
        return False
    top = name.partition(".")[0]
    # Named tuples have a namespace of their own.
    return _known.get(top) is True or name.startswith("namedtuple_") or name in _modules.loaded(_project)
