"""Randomness that a script did not seed: the hash seed and the start of `random`.

Both are arbitrary in a plain run. In a recorded run they are arbitrary too, but known, so that a
replay can begin with the same ones. NumPy's and torch's generators are captured with the state.
"""

import os
import sys

_MARK = "FLORC_HASH_SEED"


def fixed(seed=None):
    """The hash seed in force; starts the interpreter again when it is not known, or not `seed`.

    The environment that the script and its children see stays the user's.
    """
    if sys.flags.ignore_environment:
        return None
    given = os.environ.get("PYTHONHASHSEED")
    mark = os.environ.pop(_MARK, None)
    if mark is not None:
        os.environ.pop("PYTHONHASHSEED", None)
        if mark != "unset":
            os.environ["PYTHONHASHSEED"] = mark.partition("=")[2]
        return given
    if seed is None and given and given != "random":
        return given
    if seed is not None and given == seed:
        return given
    chosen = seed or str(int.from_bytes(os.urandom(4), "big") or 1)
    known = "unset" if given is None else f"={given}"
    environment = os.environ | {"PYTHONHASHSEED": chosen, _MARK: known}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def seed_random(run):
    """Begins `random` at a state that follows from the run's id."""
    import random

    random.seed(f"florc {run}")
