"""Random generators that are objects of a script: found from variables, kept, put back.

    rng = np.random.default_rng(3)
    florc.isolate("__main__:rng")
    print(rng.normal())          # the training goes on with the number that it had next
    florc.rejoin()

All that the variables lead to is looked through, by identity. Where that cannot be done to its end,
the values of the segment are marked. Does nothing about the generators of the process.
"""

import gc
import random
import sys
import types

from . import _florc

# Objects that are looked through for one probe; more is no place for a generator.
_MOST = 200_000
_LEAVES = (int, float, complex, str, bytes, bytearray, type, types.ModuleType, types.CodeType, types.FrameType, type(None))


def keep(names, frame):
    """Functions that put back the generators which variables of a frame lead to."""
    values = [value for name in names for value in _values(name, frame)]
    found, complete = _reached(values)
    if not complete:
        _florc.note("generator", "the random generators that an added log statement draws from were not all found")
    return [restore for generator in found if (restore := _restore(generator)) is not None]


def _values(name, frame):
    """What a variable holds: nothing where it is unbound."""
    module, _, own = name.rpartition(":")
    if module:
        if module == frame.f_globals.get("__name__"):
            names = frame.f_globals
        elif module in sys.modules:
            names = vars(sys.modules[module])
        else:
            _florc.note("generator", f"the module `{module}`, from which an added log statement may draw, is not in sight")
            return []
        return [names[own]] if own in names else []
    names = frame.f_locals
    if own in names:
        return [names[own]]
    code = frame.f_code
    if own not in code.co_varnames + code.co_cellvars + code.co_freevars:
        _florc.note("generator", f"`{own}` of an enclosing function, from which an added log statement may draw, is not in sight")
    return []


def _reached(values):
    """The generators that objects lead to, and whether all of these were looked at."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    kinds, leaves = (random.Random,), _LEAVES
    if numpy is not None:
        kinds += (numpy.random.BitGenerator, numpy.random.RandomState)
    if torch is not None:
        kinds += (torch.Generator,)
    work, seen, found = list(values), {}, []
    while work:
        value = work.pop()
        if isinstance(value, leaves) or id(value) in seen:
            continue
        if len(seen) >= _MOST:
            return found, False
        seen[id(value)] = value
        if isinstance(value, kinds):
            found.append(value)
        elif torch is not None and isinstance(value, torch.Tensor):
            continue
        elif numpy is not None and isinstance(value, numpy.ndarray):
            work += value.ravel().tolist() if value.dtype.hasobject else []
        elif isinstance(value, types.FunctionType):
            work += [value.__closure__, value.__defaults__, value.__kwdefaults__, value.__dict__]
        else:
            work += gc.get_referents(value)
    return found, True


def _restore(generator):
    """Puts the generator back to where it is now; `None`: it has no state (the system's)."""
    if isinstance(generator, random.Random):
        if isinstance(generator, random.SystemRandom):
            return None
        state = generator.getstate()
        return lambda: generator.setstate(state)
    if hasattr(generator, "get_state") and hasattr(generator, "set_state"):
        if hasattr(generator, "initial_seed"):
            state = generator.get_state()  # torch
        else:
            state = generator.get_state(legacy=False)
        return lambda: generator.set_state(state)
    state, children = generator.state, _children(generator)

    def put_back():
        generator.state = state
        if _children(generator) != children:
            _florc.note("generator", "an added log statement spawned random generators: later ones are others")

    return put_back


def _children(generator):
    """How many seeds were spawned: it cannot be put back."""
    seeds = getattr(generator, "seed_seq", None) or getattr(generator, "_seed_seq", None)
    return getattr(seeds, "n_children_spawned", None)
