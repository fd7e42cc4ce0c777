"""Acts on a module once it has been imported; nothing of that is seen afterwards.

    when_imported("numpy.random", seed)      # seed(module), after the module has run

Finds the module as the other finders do. Knows nothing of what is done to it.
"""

import sys


def when_imported(name, act):
    """Calls `act` with the module `name` when it has been imported, at once where it is already."""
    if name in sys.modules:
        act(sys.modules[name])
        return
    for finder in sys.meta_path:
        if isinstance(finder, _Once) and finder.name == name:
            finder.acts.append(act)
            return
    sys.meta_path.insert(0, _Once(name, act))


class _Once:
    """A finder for one module, and its loader while it is imported."""

    def __init__(self, name, act):
        self.name = name
        self.acts = [act]
        self._loader = None

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    self._loader, spec.loader = spec.loader, self
                return spec
        return None

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        for act in self.acts:
            act(module)
