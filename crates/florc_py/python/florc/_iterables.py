"""Whether what a main loop iterates over gives the same items again in a new process.

    for epoch in florc.main_loop(ID, range(9)):     # a builtin `range`, whatever the name was bound to

Looks at the object, since the compiler could not tell. What is not known to repeat does not: a
generator runs code of its own, and an iterator that others hold may be drawn from in the loop.
"""

import array
import collections
import inspect
import sys
import types

_INDEXED = {
    range, list, tuple, str, bytes, bytearray, dict, collections.deque, collections.OrderedDict,
    collections.defaultdict, collections.Counter, array.array,
    type({}.keys()), type({}.values()), type({}.items()),
    type(collections.OrderedDict().keys()), type(collections.OrderedDict().values()),
    type(collections.OrderedDict().items()),
}  # fmt: skip
_SETS = (set, frozenset)
_SCALARS = {int, float, complex, str, bytes, bool, type(None)}
_POSITIONS = {
    type(iter([])), type(iter(())), type(iter(range(0))), type(iter(range(1 << 70))), type(iter("")),
    type(iter("é")), type(iter(b"")), type(reversed([])), type(reversed(())),
}  # fmt: skip
# as many as are compared item by item; longer ones are looked at by type alone
_COMPARED = 100_000


def look(iterable, alone):
    """What speaks against it, in words, or `None`; and what of it can be compared in a replay."""
    why = _why_not(iterable, alone)
    return why, _content(iterable) if why is None else None


def _why_not(value, alone):
    cls = type(value)
    if cls in _INDEXED:
        return None
    if cls in _SETS:
        scalar = all(type(item) in _SCALARS for item in value)
        return None if scalar else "the order of a set of objects is another one in each process"
    if cls in _POSITIONS or cls in (enumerate, zip, map):
        return _iterator(value, alone)
    if _is_bar(cls):
        # the bar's own iterator is a generator that only counts
        return _all([value.iterable])
    return _of_framework(value, cls, alone)


def _iterator(value, alone):
    cls = type(value)
    if not alone:
        return f"something else holds the `{cls.__name__}` that it draws from"
    if cls is map:
        return "it calls a function for each item"
    if cls is enumerate:
        return _all([value.__reduce__()[1][0]])
    return _all(list(value.__reduce__()[1])) if cls is zip else None


def _all(parts):
    """The same of what something draws from. Nothing but that and the list may hold such a part."""
    lone = [object()]
    while parts:
        alone = sys.getrefcount(parts[-1]) <= sys.getrefcount(lone[-1]) + 1
        why = _why_not(parts[-1], alone)
        if why is not None:
            return why
        parts.pop()
    return None


def _is_bar(cls):
    return cls.__module__.partition(".")[0] == "tqdm" and hasattr(cls, "set_postfix")


def _of_framework(value, cls, alone):
    if cls.__module__ == "numpy" and cls.__name__ == "ndarray":
        return None
    if cls is types.GeneratorType:
        return None if alone and _are_folds(value) else _unknown(cls)
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "nn"):
        return _unknown(cls)
    if cls in (torch.Tensor, torch.nn.Parameter, torch.nn.ModuleList, torch.nn.Sequential):
        return None
    data = torch.utils.data
    if isinstance(value, data.DataLoader):
        return _loader(value, cls, data)
    if isinstance(value, data.dataloader._BaseDataLoaderIter):
        if not alone:
            return "something else holds the iterator of the `DataLoader` that it draws from"
        drawn = isinstance(value._dataset, data.IterableDataset) or value._persistent_workers
        return "its data set or its workers go on living" if drawn else None
    return _unknown(cls)


def _are_folds(value):
    """`KFold(…).split(rows)`, not begun: which rows are in which fold is drawn before the first."""
    selection = sys.modules.get("sklearn.model_selection")
    if selection is None or inspect.getgeneratorstate(value) != inspect.GEN_CREATED:
        return False
    kinds = (selection.KFold, selection.StratifiedKFold, selection.GroupKFold)
    base = next((base for base in selection.KFold.__mro__ if base.__name__ == "_BaseKFold"), object)
    code = getattr(vars(base).get("split"), "__code__", None)
    return value.gi_code is code and type(value.gi_frame.f_locals.get("self")) in kinds


def _loader(value, cls, data):
    own = any(
        getattr(cls, name, None) is not getattr(data.DataLoader, name, None)
        for name in ("__iter__", "_get_iterator")
    )
    if own:
        return f"`{cls.__name__}` iterates in its own way"
    if isinstance(value.dataset, data.IterableDataset):
        return "its data set is drawn from in order"
    return "its workers go on living" if value.persistent_workers else None


def _unknown(cls):
    return f"nothing is known of the items of a `{cls.__qualname__}`"


def _content(value):
    """A container of numbers and texts can be compared with what was recorded."""
    if _is_bar(type(value)):
        value = value.iterable
    if type(value) is range:
        return value
    if type(value) in (list, tuple) and len(value) <= _COMPARED:
        return value if all(type(item) in _SCALARS for item in value) else None
    return None


def skip(iterator, count):
    """The iterator without its next `count` items, which are not made where that is not needed;
    `None` where it has fewer."""
    cls = type(iterator)
    if cls in _POSITIONS and hasattr(iterator, "__setstate__") and "reverse" not in cls.__name__:
        return _set_position(iterator, count)
    if cls is enumerate:
        inner, at = iterator.__reduce__()[1]
        inner = skip(inner, count)
        return None if inner is None else enumerate(inner, at + count)
    if _in_known_order(iterator, cls):
        step = _next_index
    else:
        step = next
    for _ in range(count):
        try:
            step(iterator)
        except StopIteration:
            return None
    return iterator


def _set_position(iterator, count):
    left = iterator.__length_hint__()
    if left < count:
        return None
    reduced = iterator.__reduce__()
    at = reduced[2] if len(reduced) > 2 and reduced[2] is not None else 0
    iterator.__setstate__(at + count)
    return iterator


def _in_known_order(iterator, cls):
    """A loader whose sampler decides its order at once: which samples come needs none of them."""
    torch = sys.modules.get("torch")
    if torch is None or not cls.__module__.startswith("torch.utils.data"):
        return False
    data = torch.utils.data
    batches = getattr(iterator, "_index_sampler", None)
    sampler = batches.sampler if type(batches) is data.BatchSampler else batches
    known = (
        data.SequentialSampler, data.RandomSampler, data.SubsetRandomSampler,
        data.WeightedRandomSampler,
    )  # fmt: skip
    return cls is data.dataloader._SingleProcessDataLoaderIter and type(sampler) in known


def _next_index(iterator):
    iterator._next_index()
    iterator._num_yielded += 1
