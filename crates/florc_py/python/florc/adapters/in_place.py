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
        return [value.is_set(), _given(value)]

    def patch(self, value, data):
        value.set() if data[0] else value.clear()
        vars(value).update(data[1])


class Semaphore(_InPlace):
    """How often it may still be acquired."""

    name = "threading.Semaphore"

    def save(self, value):
        return [value._value, _given(value)]

    def patch(self, value, data):
        with value._cond:
            value._value = data[0]
            value._cond.notify_all()
        vars(value).update(data[1])


class SimpleQueue(_InPlace):
    """What waits in it cannot be read. That it is empty, or as full as before, is enough where it only passes things on."""

    name = "queue.SimpleQueue"

    def save(self, value):
        return value.qsize()

    def patch(self, value, data):
        if value.qsize() != data:
            raise LookupError("what waits in a `queue.SimpleQueue` cannot be put back")


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
    _shown = ("n", "total", "desc", "postfix")

    def save(self, value):
        counted = [getattr(value, name, None) for name in self._shown] if self._counts(value) else []
        return [counted, _given(value)]

    def _counts(self, value):
        return getattr(value, "iterable", 0) is None

    def fits(self, value, data):
        return bool(data[0]) == self._counts(value)

    def patch(self, value, data):
        for name, each in zip(self._shown, data[0]):
            if hasattr(value, name):  # one that is disabled has no text
                setattr(value, name, each)
        vars(value).update(data[1])


class Cache(_InPlace):
    """A function with a cache. Results that can change cannot be reached through it."""

    name = "functools.cache"

    def save(self, value):
        from . import can_change, name_of

        # tuples are the arguments, with the object of a method
        if any(can_change(each) for each in self._results(value) if type(each) is not tuple):
            raise TypeError("a cache that holds results which can change")
        found = name_of(value)
        if found is None:
            raise TypeError("a function with a cache that has no name")
        return found

    def _results(self, value):
        is_limited = value.cache_info().maxsize is not None
        for each in gc.get_referents(value):
            if each is vars(value) or type(each) is dict and is_limited and _is_index(each):
                continue
            if type(each) is dict and not is_limited:
                yield from each.values()
            else:
                yield each

    def load(self, cls, data):
        from . import resolve

        return resolve(*data)

    def fits(self, value, data):
        from . import name_of

        return name_of(value) == tuple(data)

    def patch(self, value, data):
        pass


def _is_index(found):
    """A cache of limited size has its results in a list, whose elements are in a dictionary by their arguments."""
    return all(type(element).__name__ == "_lru_list_elem" for element in found.values())


def _given(value):
    """Attributes that a class of the program has besides those of the library's class."""
    from . import is_project

    cls = type(value)
    if not is_project(cls.__module__):
        return {}
    if cls not in _names:
        bases = [base for base in cls.__mro__ if not is_project(base.__module__)]
        functions = [each for base in bases for each in vars(base).values() if isinstance(each, types.FunctionType)]
        _names[cls] = {name for function in functions for name in function.__code__.co_names}
    return {name: each for name, each in vars(value).items() if name not in _names[cls]}


_names = {}


def find(cls):
    """As `florc.adapters.find`."""
    for base in cls.__mro__:
        adapter = _BY_TYPE.get(f"{base.__module__}.{base.__qualname__}")
        if adapter is not None:
            return adapter
    return None


ADAPTERS = {adapter.name: adapter for adapter in (Event(), Semaphore(), SimpleQueue(), ContextVar(), Bar(), Cache())}

_BY_TYPE = {
    "threading.Event": ADAPTERS["threading.Event"],
    "threading.Semaphore": ADAPTERS["threading.Semaphore"],
    "_queue.SimpleQueue": ADAPTERS["queue.SimpleQueue"],
    "queue.SimpleQueue": ADAPTERS["queue.SimpleQueue"],
    "contextvars.ContextVar": ADAPTERS["contextvars.ContextVar"],
    "_contextvars.ContextVar": ADAPTERS["contextvars.ContextVar"],
    "tqdm.std.tqdm": ADAPTERS["tqdm"],
    "functools._lru_cache_wrapper": ADAPTERS["functools.cache"],
}
