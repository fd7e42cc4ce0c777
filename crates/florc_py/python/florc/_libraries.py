"""Training loops in installed libraries: their functions get instrumented code when the library is imported.

    from transformers import Trainer      # Trainer._inner_training_loop now begins a main loop

The library is imported as ever; then the functions that were analysed get the code that was made of them. A
library that is not what was analysed is left alone: a run has no checkpoints then, and a replay ends.
"""

import functools
import os

from . import _florc
from ._linked import quietly
from ._on_import import when_imported
from ._program import compiled_file


def install(module, files, replays):
    """Begins; `files` are (index in the program, file)."""
    for index, file in files:
        when_imported(file.name, functools.partial(_instrument, module, index, file, replays))


def _instrument(module, index, file, replays, library):
    """Raises nothing: it stands between a library and who imports it."""
    try:
        _exchange(module, index, file, library)
    except Exception as error:
        text = f"the training loop in `{file.name}` could not be instrumented: {error}"
        if not replays:
            _florc.note("not-instrumented", text)
            return
        _florc.fail(text)
        _florc.finish_replay()


def _exchange(module, index, file, library):
    path = library.__file__
    with open(path, "rb") as opened:
        if opened.read() != file.source:
            raise RuntimeError(f"`{os.path.basename(path)}` is not the one that was analysed")
    if not module.changed(index):
        return
    code, aliases = quietly(compiled_file, module, index, path)
    pairs = [pair for name in file.excerpt if (pair := _pair(library, code, name))]
    for function, new in pairs:
        if function.__code__.co_freevars != new.co_freevars:
            raise RuntimeError(f"`{function.__qualname__}` is wrapped")
    import florc

    vars(library).update(dict.fromkeys(aliases, florc))
    for function, new in pairs:
        function.__code__ = new


def _pair(library, code, qualname):
    """A function and its new code; `None` for one that this version of the library does not have."""
    owner, names = library, qualname.split(".")
    for name in names:
        code = next((each for each in code.co_consts if getattr(each, "co_name", None) == name), None)
        owner = vars(owner).get(name)
        if code is None or owner is None:
            return None
    owner = getattr(owner, "__func__", owner)
    while hasattr(owner, "__wrapped__"):
        owner = owner.__wrapped__
    return owner, code
