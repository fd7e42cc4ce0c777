"""Whether anybody but one variable holds a generator.

    batches = iter(loader)               # a generator, and where it stands cannot be told
    for step in range(100):
        train(next(batches))
    # nobody reads `batches` any more: what it was does not matter, unless another object kept it
"""

import gc
import inspect
import sys
import types

from . import running

# References to a generator that nobody else held, by the place in the program and the variable.
_own = {}


def is_let_go(value, name, arguments):
    """Whether `value` is a generator that cannot be captured and that only the caller's variable `name` holds."""
    if type(value) is not types.GeneratorType or running.save(value) is not None:
        return False
    frame = sys._getframe(1)
    place = (frame.f_code, frame.f_lasti, name)
    count = sys.getrefcount(value)
    # the search takes a while: where nothing was found before, as many references are the same ones
    if _own.get(place) == count:
        return True
    if _is_in_frames(value, name, frame) or _is_in_objects(value, arguments):
        return False
    _own[place] = count
    return True


def _is_in_frames(value, name, own):
    """Whether a variable of any frame that runs holds it, but for the one that is asked about."""
    found = False
    for frame in _frames():
        variables = frame.f_locals
        # no comprehension: up to Python 3.11 it would close over `value`, and its cell be one more holder
        for key, each in list(variables.items()):
            found = found or each is value and (frame is not own or key != name)
        _forget(frame, variables)
    return found


def _is_in_objects(value, arguments):
    """Whether any object holds it, but for frames, what these show of themselves, and arguments on their way here."""
    shown = []
    for frame in _frames():
        shown.append((frame, frame.f_locals))
    looked_at = {id(arguments), *(id(variables) for _, variables in shown)}
    found = False
    for each in gc.get_referrers(value):
        is_call = type(each) is tuple and len(each) == 3 and each[2] is arguments
        found = found or not (id(each) in looked_at or is_call or isinstance(each, types.FrameType))
    while shown:
        _forget(*shown.pop())
    return found


def _frames():
    """All frames that run, but for those of this file."""
    for frame in sys._current_frames().values():
        while frame is not None:
            if frame.f_code.co_filename != __file__:
                yield frame
            frame = frame.f_back


def _forget(frame, variables):
    """Up to Python 3.12 a function's frame keeps what it showed of itself, and all objects in it: it is emptied,
    unless the program holds it."""
    if frame.f_code.co_flags & inspect.CO_OPTIMIZED and type(variables) is dict:
        if sys.getrefcount(variables) <= _SHOWN_ONLY:
            variables.clear()


def _references_of_one():
    variables = {}
    holder = [variables]
    return (lambda kept, shown: sys.getrefcount(shown))(holder, variables)


_SHOWN_ONLY = _references_of_one()
