"""Things of the process that a program made and goes on to use: what they hold is written into them.

    done = threading.Event()
    bar = tqdm(total=1000)              # `bar.update(1)` counts

They must be there already: a new one would not be known to those who have the old one.
"""

import gc
import types


class _InPlace:
    def load(self, cls, data):
        raise LookupError(f"a `{cls.__module__}.{cls.__qualname__}` is written in place, and the program has none at this place")

    def fits(self, value, data):
        return True


class Event(_InPlace):
    name = "threading.Event"

    def save(self, value):
        return value.is_set()

    def load(self, cls, data):
        value = cls()
        self.patch(value, data)
        return value

    def patch(self, value, data):
        value.set() if data else value.clear()


class Semaphore(_InPlace):
    """How often it may still be acquired. Where somebody waits for it, it is in use."""

    name = "threading.Semaphore"

    def save(self, value):
        return value._value

    def load(self, cls, data):
        return cls(data)

    def patch(self, value, data):
        with value._cond:
            value._value = data


class ContextVar(_InPlace):
    """Its value in the context of the program."""

    name = "contextvars.ContextVar"

    def save(self, value):
        nothing = object()
        found = value.get(nothing)
        return [] if found is nothing else [found]

    def patch(self, value, data):
        if data:
            value.set(data[0])
        elif self.save(value):
            raise LookupError(f"the context variable `{value.name}` cannot be taken back")


class Bar(_InPlace):
    """A progress bar that the script counts by itself. Of one that counts items, the count is behind by what time has it."""

    name = "tqdm"

    def save(self, value):
        return [value.n, value.total, value.desc, value.postfix] if self._counts(value) else []

    def _counts(self, value):
        return getattr(value, "iterable", 0) is None

    def fits(self, value, data):
        return bool(data) == self._counts(value)

    def patch(self, value, data):
        if data:
            value.n, value.total, value.desc, value.postfix = data


class Cache(_InPlace):
    """A function with a cache. Results that can change cannot be reached through it."""

    name = "functools.cache"

    def save(self, value):
        from . import name_of

        if any(_can_change(each) for each in self._results(value)):
            raise TypeError("a cache that holds results which can change")
        found = name_of(value)
        if found is None:
            raise TypeError("a function with a cache that has no name")
        return found

    def _results(self, value):
        own = vars(value)
        for each in gc.get_referents(value):
            if type(each) is dict and each is not own:
                yield from each.values()
            elif each is not own and each is not value.__wrapped__:
                yield each

    def load(self, cls, data):
        from . import resolve

        return resolve(*data)

    def fits(self, value, data):
        from . import name_of

        return name_of(value) == tuple(data)

    def patch(self, value, data):
        pass


_FIXED = (int, float, complex, str, bytes, type(None), type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)


def _can_change(value):
    if isinstance(value, (tuple, frozenset)):
        return any(map(_can_change, value))
    is_own = type(value).__module__ == "functools"
    return not isinstance(value, _FIXED) and not is_own and type(value) is not object


def find(cls):
    """As `florc.adapters.find`."""
    for base in cls.__mro__:
        adapter = _BY_TYPE.get(f"{base.__module__}.{base.__qualname__}")
        if adapter is not None:
            return adapter
    return None


ADAPTERS = {adapter.name: adapter for adapter in (Event(), Semaphore(), ContextVar(), Bar(), Cache())}

_BY_TYPE = {
    "threading.Event": ADAPTERS["threading.Event"],
    "threading.Semaphore": ADAPTERS["threading.Semaphore"],
    "contextvars.ContextVar": ADAPTERS["contextvars.ContextVar"],
    "_contextvars.ContextVar": ADAPTERS["contextvars.ContextVar"],
    "tqdm.std.tqdm": ADAPTERS["tqdm"],
    "functools._lru_cache_wrapper": ADAPTERS["functools.cache"],
}
