"""Whether what a main loop iterates over gives the same items again in a new process.

    for epoch in florc.main_loop(ID, range(9)):     # a builtin `range`, whatever the name was bound to

Looks at the object, since the compiler could not tell. What is not known to repeat does not: a
generator runs code of its own, and an iterator that others hold may be drawn from in the loop.
"""

import array
import collections
import gc
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


def _all(parts, judge=None):
    """The same of what something draws from. Nothing but that and the list may hold such a part."""
    lone = [object()]
    while parts:
        alone = sys.getrefcount(parts[-1]) <= sys.getrefcount(lone[-1]) + 1
        why = (judge or _why_not)(parts[-1], alone)
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


def depends(iterable, alone, kept):
    """What items may depend on besides their places, in words, or `None`: the first one after a jump is drawn before the state is put back.

    `kept`: ids of objects that the loop never changes.
    """
    cls = type(iterable)
    if _is_bar(cls):
        return _of_parts([iterable.iterable], kept)
    if cls is enumerate or cls is zip or cls in _POSITIONS:
        parts = iterable.__reduce__()[1]
        return _of_parts(list(parts if cls is zip else parts[:1]), kept)
    if cls in _VIEWS:
        return _of_parts(gc.get_referents(iterable)[:1], kept) or _of_items(iterable)
    if cls in _MUTABLE and id(iterable) not in kept:
        if not alone:
            return "the loop may change what it iterates over"
        return _of_items(iterable)
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "nn"):
        return _of_loader(iterable, torch)
    return None


_VIEWS = {
    type(made())
    for table in ({}, collections.OrderedDict())
    for made in (table.keys, table.values, table.items)
}
_MUTABLE = _INDEXED - {range, str, bytes} - _VIEWS | set(_SETS)


def _of_items(iterable):
    fixed = len(iterable) <= _COMPARED and all(map(_is_fixed, iterable))
    return None if fixed else "the loop may change the items"


def _of_parts(parts, kept):
    return _all(parts, lambda part, alone: depends(part, alone, kept))


def _is_fixed(item):
    cls = type(item)
    if cls is tuple:
        return all(map(_is_fixed, item))
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    arrays = [getattr(torch, "Tensor", None), getattr(numpy, "ndarray", None), getattr(numpy, "generic", None)]
    return cls in _SCALARS or any(known is not None and issubclass(cls, known) for known in arrays)


def _of_loader(value, torch):
    """Samples that this process makes, of code that may look at anything."""
    data = torch.utils.data
    if isinstance(value, data.DataLoader):
        workers, dataset, collate, sampler = value.num_workers, value.dataset, value.collate_fn, value.batch_sampler or value.sampler
    elif isinstance(value, data.dataloader._SingleProcessDataLoaderIter):
        workers, dataset, collate, sampler = 0, value._dataset, value._collate_fn, value._index_sampler
    else:
        return None
    if workers:
        return None
    if type(sampler) is data.BatchSampler:
        sampler = sampler.sampler
    plain = data._utils.collate.default_collate, data._utils.collate.default_convert
    if collate not in plain or type(sampler) not in _samplers(data) or not _is_plain(dataset, torch):
        return "its samples are made as they are drawn, by code that may use random numbers and all that the loop changes; `num_workers=1` makes them elsewhere"
    return None


def _is_plain(dataset, torch):
    data = torch.utils.data
    if type(dataset) is data.Subset:
        return _is_plain(dataset.dataset, torch)
    if type(dataset) is data.ConcatDataset:
        return all(_is_plain(each, torch) for each in dataset.datasets)
    if type(dataset) in (list, tuple):
        return len(dataset) <= _COMPARED and all(map(_is_fixed, dataset))
    numpy = sys.modules.get("numpy")
    return type(dataset) in (data.TensorDataset, torch.Tensor, getattr(numpy, "ndarray", None), range)


def _samplers(data):
    return data.SequentialSampler, data.RandomSampler, data.SubsetRandomSampler, data.WeightedRandomSampler


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
    return cls is data.dataloader._SingleProcessDataLoaderIter and type(sampler) in _samplers(data)


def _next_index(iterator):
    iterator._next_index()
    iterator._num_yielded += 1
