"""Files that the script imports and that were analysed with it: instrumented when imported.

    from engine.trainer import Trainer     # engine/trainer.py runs instrumented, as the script does

The loader stays Python's own: for one import its `get_code` is another one, and the cache in
`__pycache__` is read and written as in a plain run. Each file must be the one that was analysed,
imported once and under the name that it was analysed by; else the run says so and cannot be
replayed. Other modules are not touched.
"""

import functools
import os
import sys
import warnings
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location

from . import _florc
from ._program import placed
from .adapters import functions

_finder = None


def install(module, files, replays):
    """Begins; `files` are (absolute path, name, source), the script itself first."""
    global _finder
    _finder = _Finder(module, files, replays)
    if _finder.files:
        sys.meta_path.insert(0, _finder)


def check():
    """A main loop begins, or the script ended: what is loaded must be what was analysed."""
    if _finder is not None:
        _finder.check()


class _File:
    def __init__(self, index, path, source):
        self.index, self.path, self.source = index, path, source
        self.loader = None


class _Finder:
    """Finds modules as the other finders do."""

    def __init__(self, module, files, replays):
        self.module = module
        self.replays = replays
        self.files = {
            name: _File(index, os.path.realpath(path), source)
            for index, (path, name, source) in enumerate(files)
            if index
        }
        self.failed = set()

    def find_spec(self, name, path=None, target=None):
        file = self.files.get(name)
        if file is None:
            return None
        for finder in [each for each in sys.meta_path if each is not self]:
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                break
        else:
            if not self.replays:
                return None
            spec = self._gone(name, file)
        origin = spec.origin if isinstance(spec.origin, str) else ""
        if type(spec.loader) is not SourceFileLoader or os.path.realpath(origin) != file.path:
            self.fail(name, f"module `{name}` is not `{file.path}`, as it seemed before the run")
        else:
            spec.loader.get_code = functools.partial(_florc.linked_code, spec.loader, self)
        return spec

    def _gone(self, name, file):
        """A recorded file that is not on the disk any more, at the place where it was."""
        folders = [os.path.dirname(file.path)] if os.path.basename(file.path) == "__init__.py" else None
        loader = SourceFileLoader(name, file.path)
        return spec_from_file_location(name, file.path, loader=loader, submodule_search_locations=folders)

    def code(self, loader, name):
        """Instrumented code of a module, or `None` for the plain one. Raises nothing."""
        file = self.files[name]
        try:
            if not self.replays and loader.get_data(loader.path) != file.source:
                self.fail(name, f"`{file.path}` was changed while the run was starting")
                return None
            if file.loader is not None:
                self.fail(name, f"module `{name}` was imported more than once")
            file.loader = loader
            if not self.module.changed(file.index) and not self.replays:
                return None
            return quietly(placed, self.module, file.index, loader.path)
        except Exception as error:
            text = f"`{file.path}` could not be instrumented: {error}"
            if self.replays:
                self.fail(name, text)
            else:
                _florc.note("not-instrumented", text)
            return None

    def know(self, name, code):
        """What a module runs: its functions are told apart by their place in it, with and without probes."""
        functions.know_file(code, name)

    def check(self):
        names = {file.path: name for name, file in self.files.items()}
        ends = {os.path.basename(path) for path in names}
        for name, module in list(sys.modules.items()):
            path = vars(module).get("__file__") if type(module) is type(sys) else None
            if not isinstance(path, str) or os.path.basename(path) not in ends:
                continue
            own = names.get(os.path.realpath(path))
            if own not in (None, name) and sys.modules.get(own) is not module:
                self.fail(own, f"module `{own}` was imported as `{name}`, too")
        for name, file in self.files.items():
            module = sys.modules.get(name)
            if module is None:
                continue
            loader = getattr(module, "__loader__", None) if type(module) is type(sys) else None
            if loader is None or loader is not file.loader:
                text = f"module `{name}` is not the one that was analysed"
                self.fail(name, f"{text}: it was replaced, or not imported from `{file.path}`")

    def fail(self, name, text):
        """The analysis took something for granted that is not so."""
        if name in self.failed:
            return
        self.failed.add(name)
        _florc.fail(text)
        if self.replays:
            _florc.finish_replay()


def quietly(function, *arguments):
    """Calls without warnings of the compiler: those of the plain source were given already. The
    warnings that the script has seen stay seen, as they would not with `catch_warnings`."""
    given = warnings.filters
    unwanted = [("ignore", None, kind, None, 0) for kind in (SyntaxWarning, DeprecationWarning)]
    warnings.filters = [*unwanted, *given]
    try:
        return function(*arguments)
    finally:
        warnings.filters = given
