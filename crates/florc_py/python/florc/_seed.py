"""Randomness that a script did not seed: the hash seed, the start of `random`, `numpy.random`, torch.

All are arbitrary in a plain run. In a recorded run they are arbitrary too, but known, so that a
replay can begin with the same ones.
"""

import hashlib
import os
import sys

from . import _ranks
from ._on_import import when_imported

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


def seed_random(run, manifest):
    """Begins `random` and, once they are imported, `numpy.random` and torch at states that follow
    from the run's id; a fork begins as its parent did. Ranks differ, as they do without florc."""
    run = (manifest.get("parent") or {}).get("seed", run)
    if rank := _ranks.number(manifest):
        run = f"{run} rank {rank}"
    if not os.path.exists(os.path.join(sys.path[0], "random.py")):  # the script's own
        import random

        random.seed(f"florc {run}")
    digest = hashlib.blake2b(f"florc {run}".encode(), digest_size=16).digest()
    words = [int.from_bytes(digest[at : at + 4], "little") for at in range(0, 16, 4)]
    begun = {
        "numpy.random": lambda module: module.seed(words),
        "torch": lambda module: module.manual_seed(words[0]),
    }
    for name, seed in begun.items():
        if name not in sys.modules:
            when_imported(name, seed)
