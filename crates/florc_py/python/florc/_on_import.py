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
        acts = self.awaited.pop(name, None)
        if acts is None:
            return None
        if not self.awaited:
            sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, acts)
                return spec
        return None


class _Loader:
    """Loads a module as its own loader does, and acts."""

    def __init__(self, loader, acts):
        self.loader, self.acts = loader, acts

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        for act in self.acts:
            act(module)


_finder = _Finder()
