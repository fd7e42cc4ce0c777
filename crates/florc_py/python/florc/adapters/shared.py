"""Objects that are not their own: those that all have one `__dict__`, and those that stand for another one.

    class State:
        _shared_state = {}                          # the "Borg": every instance has this `__dict__`
        def __init__(self):
            self.__dict__ = self._shared_state

    profiler.module = weakref.proxy(module)         # behaves as `module` does
"""

import weakref


class Borg:
    """The dictionary of the class is the state; a new instance gets it as its own."""

    name = "shared.borg"

    def save(self, value):
        name = shared_name(type(value))
        if vars(value) is not getattr(type(value), name):
            raise TypeError(f"{type(value).__name__} has a `__dict__` of its own")
        return (name, vars(value))

    def load(self, cls, data):
        value = cls.__new__(cls)
        value.__dict__ = getattr(cls, data[0])
        self.patch(value, data)
        return value

    def fits(self, value, data):
        return vars(value) is getattr(type(value), data[0])

    def patch(self, value, data):
        content = dict(data[1])
        vars(value).clear()
        vars(value).update(content)


class Proxy:
    """A weak proxy without a callback: its object, or nothing."""

    name = "shared.proxy"

    def save(self, value):
        try:
            target = value.__reduce_ex__.__self__
        except ReferenceError:
            return (None, False)
        if weakref.proxy(target) is not value:
            raise TypeError("a proxy with a callback, or of an object that hides itself")
        return (target, True)

    def load(self, cls, data):
        target, lives = data
        return weakref.proxy(target if lives else _Gone())

    def fits(self, value, data):
        return data[1] and weakref.proxy(data[0]) is value

    def patch(self, value, data):
        pass


class _Gone:
    """What a proxy stands for whose object is gone."""


def shared_name(cls):
    """The class attribute that is the `__dict__` of all instances, by its customary names."""
    for base in cls.__mro__:
        for name in ("_shared_state", f"_{base.__name__.lstrip('_')}__shared_state"):
            if type(vars(base).get(name)) is dict:
                return name
    return None


def find(cls):
    """As `florc.adapters.find`."""
    if cls in (weakref.ProxyType, weakref.CallableProxyType):
        return ADAPTERS["shared.proxy"]
    if cls.__dictoffset__ and shared_name(cls) is not None:
        return ADAPTERS["shared.borg"]
    return None


ADAPTERS = {adapter.name: adapter for adapter in (Borg(), Proxy())}
