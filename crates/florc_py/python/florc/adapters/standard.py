"""Types of Python's own library."""

import collections
import functools
import random
import struct
import sys
import types
import warnings


class Immutable:
    """What is made anew unless it is equal already."""

    def fits(self, value, data):
        return False

    def patch(self, value, data):
        pass


class Value(Immutable):
    """Immutable values that know how to be made again: dates, decimals, paths, patterns."""

    name = "value"

    def save(self, value):
        reduced = value.__reduce_ex__(4)
        if isinstance(reduced, str):
            raise TypeError(f"{type(value).__name__} is known by name only")
        function, arguments = reduced[:2]
        state = reduced[2] if len(reduced) > 2 else None
        if len(reduced) > 3 and any(part is not None for part in reduced[3:]):
            raise TypeError(f"{type(value).__name__} has more state than a value")
        return (function, arguments, state)

    def load(self, cls, data):
        function, arguments, state = data
        value = function(*arguments)
        if state is not None:
            _set_state(value, state)
        return value


def _set_state(value, state):
    if hasattr(value, "__setstate__"):
        value.__setstate__(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        vars(value).update(state)
    for name, content in (slots or {}).items():
        setattr(value, name, content)


class Iterator(Value):
    """Iterators that say where they stand without moving."""

    name = "iterator"

    def save(self, value):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return super().save(value)

    def load(self, cls, data):
        function, arguments, state = data
        if state is None and function in (iter, reversed) and type(arguments[0]) in _EMPTIED and not arguments[0]:
            return _at_its_end(cls, function, arguments[0])
        return super().load(cls, data)


_EMPTIED = (list, tuple, str, bytes, bytearray)


def _at_its_end(cls, function, empty):
    """An iterator that has given all says no more of what it was over; one over nothing that has not begun is not the same."""
    made = function(empty)
    if type(made) is not cls:
        made = next((each for each in map(reversed, ([], ())) if type(each) is cls), made)
    next(made, None)
    return made


class Cycle(Immutable):
    """`itertools.cycle`: in its first pass, or at a place of what it has kept."""

    name = "itertools.cycle"

    def save(self, value):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, (items,), (kept, again) = value.__reduce__()
        if not again:
            return (items, kept, None)
        return (None, kept, (len(kept) - items.__length_hint__()) % max(1, len(kept)))

    def load(self, cls, data):
        items, kept, at = data
        if at is not None:
            items = iter(kept)
            items.__setstate__(at)
        value = cls(items)
        value.__setstate__((kept, at is not None))
        return value


class Pattern(Immutable):
    name = "pattern"

    def save(self, value):
        return (value.pattern, value.flags)

    def load(self, cls, data):
        import re

        return re.compile(*data)

    def fits(self, value, data):
        return value.pattern == data[0] and value.flags == data[1]


class Array:
    """`array.array`."""

    name = "array.array"

    def save(self, value):
        return (value.typecode, value.tobytes(), vars(value) if hasattr(value, "__dict__") else None)

    def load(self, cls, data):
        value = cls(data[0])
        value.frombytes(data[1])
        if data[2]:
            vars(value).update(data[2])
        return value

    def fits(self, value, data):
        return value.typecode == data[0]

    def patch(self, value, data):
        if value.tobytes() != data[1]:
            del value[:]
            value.frombytes(data[1])
        if data[2] is not None:
            _replace(vars(value), data[2])


class Random:
    """`random.Random`: the Mersenne Twister's words packed into bytes."""

    name = "random.Random"

    def save(self, value):
        return (_pack(value.getstate()), vars(value))

    def load(self, cls, data):
        value = cls.__new__(cls)
        self.patch(value, data)
        return value

    def fits(self, value, data):
        return True

    def patch(self, value, data):
        value.setstate(_unpack(data[0]))
        _replace(vars(value), data[1])


def _replace(attributes, content):
    content = dict(content)
    attributes.clear()
    attributes.update(content)


def _pack(state):
    version, words, spare = state
    return (version, struct.pack(f"<{len(words)}I", *words), spare)


def _unpack(state):
    version, words, spare = state
    return (version, struct.unpack(f"<{len(words) // 4}I", words), spare)


class Partial(Immutable):
    name = "functools.partial"

    def save(self, value):
        return (value.func, value.args, value.keywords, vars(value))

    def load(self, cls, data):
        value = cls(data[0], *data[1], **data[2])
        value.__setstate__((data[0], data[1], data[2], data[3] or None))
        return value

    def fits(self, value, data):
        if value.func is data[0] and value.args == data[1] and value.keywords == data[2]:
            return vars(value) == data[3]
        return False


class Method(Immutable):
    name = "method"

    def load(self, cls, data):
        return types.MethodType(*data)

    def fits(self, value, data):
        return value.__func__ is data[0] and value.__self__ is data[1]


class EnumValue(Immutable):
    """Combinations of flags, which have no name of their own."""

    name = "enum"

    def load(self, cls, data):
        return cls(data)

    def fits(self, value, data):
        return value.value == data


class Raised(Immutable):
    """Exceptions without their traceback."""

    name = "exception"

    def save(self, value):
        return (value.args, vars(value), value.__cause__, value.__suppress_context__)

    def load(self, cls, data):
        value = cls.__new__(cls, *data[0])
        value.args = data[0]
        vars(value).update(data[1])
        value.__cause__ = data[2]
        value.__suppress_context__ = data[3]
        return value

    def fits(self, value, data):
        return False


class Proxy(Immutable):
    """`types.MappingProxyType`."""

    name = "mappingproxy"

    def save(self, value):
        return dict(value)

    def load(self, cls, data):
        return cls(data)

    def fits(self, value, data):
        return False


class Logger:
    """Loggers are known by name. What they are told to keep silent about is their state, and what a program gave them."""

    name = "logging.Logger"
    _own = {"name", "level", "propagate", "disabled", "parent", "handlers", "filters", "manager", "root", "_cache"}

    def save(self, value):
        given = {name: each for name, each in vars(value).items() if name not in self._own and not callable(each)}
        # the root gets one from whoever logs first
        handlers = None if value.name == "root" else len(value.handlers)
        return [value.name, value.level, value.propagate, value.disabled, given, handlers]

    def load(self, cls, data):
        import logging

        logger = logging.getLogger(data if isinstance(data, str) else data[0])
        self.patch(logger, data)
        return logger

    def fits(self, value, data):
        return value.name == (data if isinstance(data, str) else data[0])

    def patch(self, value, data):
        if isinstance(data, str):
            return  # of an older florc: the name alone
        if value.level != data[1]:
            value.setLevel(data[1])
        value.propagate, value.disabled = data[2:4]
        given, handlers = data[4:] or ({}, None)
        vars(value).update(given)
        if handlers is not None and len(value.handlers) != handlers:
            raise LookupError(f"the logger `{value.name}` has other handlers")


class SimpleNamespace:
    name = "types.SimpleNamespace"

    def save(self, value):
        return vars(value)

    def load(self, cls, data):
        return cls(**data)

    def fits(self, value, data):
        return True

    def patch(self, value, data):
        _replace(vars(value), data)


class Memory:
    """`io.StringIO` and `io.BytesIO`: files that are nowhere but in the program."""

    name = "io.memory"

    def save(self, value):
        return None if value.closed else value.__getstate__()

    def load(self, cls, data):
        value = cls.__new__(cls)
        value.__init__()
        self.patch(value, data)
        return value

    def fits(self, value, data):
        return data is None or not value.closed

    def patch(self, value, data):
        if data is None:
            value.close()
        elif value.__getstate__() != data:
            value.__setstate__(data)


class Attributes:
    """A plain object, without attributes that say nothing of its state: addresses, and what it looked up before."""

    def __init__(self, name, without):
        self.name, self.without = name, without

    def save(self, value):
        return {name: held for name, held in vars(value).items() if name not in self.without}

    def load(self, cls, data):
        value = cls.__new__(cls)
        vars(value).update(data)
        return value

    def fits(self, value, data):
        return True

    def patch(self, value, data):
        _replace(vars(value), data)


ADAPTERS = {
    adapter.name: adapter
    for adapter in (
        Value(),
        Iterator(),
        Cycle(),
        Pattern(),
        Array(),
        Random(),
        Partial(),
        Method(),
        EnumValue(),
        Raised(),
        Proxy(),
        Logger(),
        SimpleNamespace(),
        Memory(),
    )
}

_VALUES = {
    "builtins.range",
    "builtins.slice",
    "datetime.date",
    "datetime.datetime",
    "datetime.time",
    "datetime.timedelta",
    "datetime.timezone",
    "decimal.Decimal",
    "_decimal.Decimal",
    "fractions.Fraction",
    "uuid.UUID",
    "zoneinfo.ZoneInfo",
    "ipaddress.IPv4Address",
    "ipaddress.IPv6Address",
    "operator.itemgetter",
    "operator.attrgetter",
    "operator.methodcaller",
    "types.GenericAlias",
    "pathlib.PurePath",
}

_SUBCLASSED_VALUES = ("pathlib.PurePath", "pathlib._local.PurePath", "datetime.date", "datetime.tzinfo")

_RESUMABLE = {
    "builtins.list_iterator",
    "builtins.list_reverseiterator",
    "builtins.tuple_iterator",
    "builtins.range_iterator",
    "builtins.longrange_iterator",
    "builtins.str_iterator",
    "builtins.str_ascii_iterator",
    "builtins.bytes_iterator",
    "builtins.bytearray_iterator",
    "builtins.enumerate",
    "builtins.reversed",
    "builtins.zip",
    "builtins.map",
    "builtins.filter",
}

# lost their `__reduce__` in Python 3.14
_RESUMABLE_ITERTOOLS = {
    "itertools.count",
    "itertools.repeat",
    "itertools.chain",
    "itertools.islice",
}

_NAMED = {
    "builtins.property",
    "builtins.wrapper_descriptor",
    "builtins.method_descriptor",
    "builtins.classmethod_descriptor",
    "builtins.getset_descriptor",
    "builtins.member_descriptor",
    "typing._SpecialForm",
    "typing.TypeVar",
}

_RUNNING = {
    "builtins.generator",
    "builtins.coroutine",
    "builtins.async_generator",
    "builtins.callable_iterator",
    "builtins.iterator",
    "builtins.dict_keyiterator",
    "builtins.dict_valueiterator",
    "builtins.dict_itemiterator",
    "builtins.dict_reversekeyiterator",
    "builtins.dict_reversevalueiterator",
    "builtins.dict_reverseitemiterator",
    "builtins.set_iterator",
}

_HARMLESS = (
    "logging.Logger",
    "logging.Handler",
    "logging.Manager",
    "logging.Filterer",
    "logging.Formatter",
    "threading.Thread",
    "threading.Condition",
    "threading.Barrier",
    "threading._RLock",
    "_thread.lock",
    "_thread.RLock",
    "socket.socket",
    "_socket.socket",
    "subprocess.Popen",
    "concurrent.futures._base.Executor",
    "multiprocessing.context.BaseContext",
    "multiprocessing.process.BaseProcess",
    "multiprocessing.synchronize.SemLock",
    "multiprocessing.queues.Queue",
    "tempfile.TemporaryDirectory",
    "tempfile._TemporaryFileWrapper",
    "argparse.ArgumentParser",
    "csv.DictWriter",
    "_csv.writer",
    "contextlib.redirect_stdout",
    "builtins.code",
    "builtins.frame",
    "builtins.traceback",
    "fsspec.spec.AbstractFileSystem",
    "rich.console.Console",
    "rich.progress.ProgressColumn",
    "torch.utils.tensorboard.writer.SummaryWriter",
    "tensorboardX.writer.SummaryWriter",
    "tensorboard.summary.writer.event_file_writer.EventFileWriter",
    "wandb.sdk.wandb_run.Run",
    "matplotlib.figure.Figure",
    "matplotlib.axes._base._AxesBase",
)


def _is_own_handler(cls, bases):
    from . import is_project

    return ("logging.Filterer" in bases or "logging.Formatter" in bases) and is_project(cls.__module__)


def _name(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


def find(cls):
    """As `florc.adapters.find`, for types of Python itself and for output sinks."""
    name = _name(cls)
    if name in _VALUES or name in _RESUMABLE:
        return ADAPTERS["iterator" if name in _RESUMABLE else "value"]
    if name in _RESUMABLE_ITERTOOLS:
        return ADAPTERS["iterator"] if sys.version_info < (3, 14) else "iterator"
    if name == "itertools.cycle" and sys.version_info < (3, 14):
        return ADAPTERS[name]
    if name in _NAMED:
        return "singleton"
    if name in _RUNNING or name.startswith("itertools."):
        return "iterator"
    if name in ("logging.Logger", "logging.RootLogger"):
        return ADAPTERS["logging.Logger"]
    bases = [_name(base) for base in cls.__mro__]
    if "_io.StringIO" in bases or "_io.BytesIO" in bases:
        return ADAPTERS["io.memory"]
    if any(base in _HARMLESS for base in bases):
        # what a program's own handler keeps besides is state
        return None if _is_own_handler(cls, bases) else "harmless"
    if any(base in _SUBCLASSED_VALUES for base in bases):
        return ADAPTERS["value"]
    if name in ("re.Pattern", "array.array", "functools.partial", "types.SimpleNamespace"):
        return ADAPTERS["pattern" if name == "re.Pattern" else name]
    if cls is types.MappingProxyType:
        return ADAPTERS["mappingproxy"]
    if issubclass(cls, random.SystemRandom):
        return None
    if issubclass(cls, random.Random):
        return ADAPTERS["random.Random"]
    if issubclass(cls, functools.partial):
        return ADAPTERS["functools.partial"]
    if issubclass(cls, BaseException):
        return ADAPTERS["exception"]
    if _is_iterator(cls):
        return "iterator"
    return None


def _is_iterator(cls):
    """A C type with `__next__`: a Python class keeps its position in attributes."""
    if not hasattr(cls, "__next__"):
        return False
    heap = cls.__flags__ & (1 << 9)
    return not heap or not issubclass(cls, collections.abc.Iterator) or "__dict__" not in dir(cls)


def read_hidden():
    """Python's global generator, and how decimals are computed where the program has changed that."""
    found = {"random": _pack(random.getstate())}
    if decimals := _decimals():
        found["decimal"] = decimals
    return found


_decimal_seen = []


def _decimals():
    decimal = sys.modules.get("decimal")
    if decimal is None:
        return None
    now = decimal.getcontext()
    names = [name for name, value in now.traps.items() if value]
    found = [now.prec, now.rounding, now.Emin, now.Emax, now.capitals, now.clamp, sorted(it.__name__ for it in names)]
    if not _decimal_seen:
        start = decimal.DefaultContext
        if all(getattr(now, name) == getattr(start, name) for name in "prec rounding Emin Emax capitals clamp traps".split()):
            return None
        _decimal_seen.append(True)
    return found


def write_hidden(name, value):
    if name == "random":
        random.setstate(_unpack(value))
        return True
    if name == "decimal":
        import decimal

        *numbers, traps = value
        now = decimal.getcontext()
        now.prec, now.rounding, now.Emin, now.Emax, now.capitals, now.clamp = numbers
        for signal in now.traps:
            now.traps[signal] = signal.__name__ in traps
        return True
    return False
