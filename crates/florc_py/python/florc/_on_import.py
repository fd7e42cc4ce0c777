"""Acts on modules once they have been imported; on the modules nothing of that is seen afterwards.

    when_imported("numpy.random", seed)      # seed(module), after the module has run

One finder stands before the others for as long as a module is awaited. It finds modules as the others do, and knows nothing
of what is done to them.
"""

import sys


def when_imported(name, act):
    """Calls `act` with the module `name` when it has been imported, at once where it is already."""
    if name in sys.modules:
        act(sys.modules[name])
        return
    _finder.awaited.setdefault(name, []).append(act)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


class _Finder:
    def __init__(self):
        self.awaited = {}  # what to do, by name

    def find_spec(self, name, path=None, target=None):
        if name not in self.awaited:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                # `importlib.util.find_spec` only asks: what is to be done waits for the import
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, name)
                return spec
        return None

    def imported(self, module, name):
        acts = self.awaited.pop(name, ())
        if not self.awaited and self in sys.meta_path:
            sys.meta_path.remove(self)
        for act in acts:
            act(module)


class _Loader:
    """Loads a module as its own loader does, and acts."""

    def __init__(self, loader, name):
        self.loader, self.name = loader, name

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        _finder.imported(module, self.name)


_finder = _Finder()
