"""Whether anybody but one variable holds a generator.

    batches = iter(loader)               # a generator, and where it stands cannot be told
    for step in range(100):
        train(next(batches))
    # nobody reads `batches` any more: what it was does not matter, unless another object kept it
"""

import gc
import sys
import types

from . import running

# The variable, the arguments of the hook on the stack and as a tuple, what the native half and this file hold.
_OWN = 8


def is_let_go(value, name, arguments):
    """Whether `value` is a generator that cannot be captured and that only the caller's variable `name` holds."""
    if type(value) is not types.GeneratorType or running.save(value) is not None:
        return False
    if sys.getrefcount(value) > _OWN:
        return False
    own, here = sys._getframe(1), sys._getframe()
    looked_at = {id(arguments)}
    # no comprehension below closes over `value`: its cell would be one more holder
    for frame in sys._current_frames().values():
        while frame is not None:
            if frame is not here:
                variables = frame.f_locals
                looked_at.add(id(variables))
                for key, each in variables.items():
                    if each is value and (frame is not own or key != name):
                        return False
            frame = frame.f_back
    for each in gc.get_referrers(value):
        is_call = type(each) is tuple and len(each) == 3 and each[2] is arguments
        if not (id(each) in looked_at or is_call or isinstance(each, types.FrameType)):
            return False
    return True
