"""What a call really did: which arguments changed, what its result shares with them, which generators moved.

    seen = observe(numpy.reshape, [array, (4,)])
    seen.shared["0"]        # {"memory"}: the result is a view

Compares contents, identities and memory. What a C library hides from Python (`gc` sees no reference,
no buffer, no attribute) is not seen here.
"""
import collections
import datetime
import decimal
import enum
import fractions
import functools
import gc
import itertools
import pathlib
import pickle
import random
import re
import types
import typing
import uuid

import numpy as np
import torch

ATOMS = (
    bool, int, float, complex, str, bytes, range, type, type(None), type(...), slice, np.generic, np.dtype, np.ufunc,
    torch.dtype, torch.device, torch.layout, torch.memory_format, enum.Enum, datetime.date, datetime.time, datetime.timedelta,
    datetime.tzinfo, decimal.Decimal, fractions.Fraction, pathlib.PurePath, re.Pattern, re.Match, uuid.UUID, property,
    types.FunctionType, types.BuiltinFunctionType, types.ModuleType, types.MethodDescriptorType, types.WrapperDescriptorType,
    types.GetSetDescriptorType, types.CodeType, types.MethodWrapperType, type(NotImplemented), typing.TypeVar, typing.NewType,
)  # fmt: skip
ARRAYS = (np.ndarray, torch.Tensor)
BOUND = 3000


def is_atom(value):
    """Whether nothing can be changed in it, nor in what it holds."""
    if isinstance(value, (tuple, frozenset)):
        return all(is_atom(item) for item in value)
    return isinstance(value, ATOMS) or value.__class__.__module__.startswith("torch._C._distributed")


def reachable(value):
    """Everything that can change and that the value leads to, by identity."""
    found, work = {}, [value]
    while work and len(found) < BOUND:
        item = work.pop()
        if id(item) in found or is_atom(item):
            continue
        if isinstance(item, types.MethodType):
            work.append(item.__self__)
            continue
        found[id(item)] = item
        if isinstance(item, np.ndarray):
            work += list(item.flat) if item.dtype == object else []
        elif isinstance(item, torch.Tensor):
            work += [item.grad] if item.is_leaf and item.grad is not None else []
        else:
            named = getattr(item, "__dict__", {})  # before the referents: Python makes this dictionary when it is asked for
            work += gc.get_referents(item) + list(named.values())
    return found


def content(value, seen=None):
    """A comparable picture of a value, through everything it holds."""
    seen = {} if seen is None else seen
    if isinstance(value, torch.Tensor):
        return tensor_content(value)
    if isinstance(value, np.ndarray):
        items = tuple(content(item, seen) for item in value.flat) if value.dtype == object else value.tobytes()
        return ("array", value.shape, value.strides, str(value.dtype), items, value.flags.writeable)
    if isinstance(value, (float, complex)):
        return repr(value)
    if is_atom(value) and not isinstance(value, (tuple, frozenset)):
        return ("is", id(value)) if isinstance(value, (types.FunctionType, types.ModuleType)) else value
    if id(value) in seen:
        return ("again", seen[id(value)][0])
    seen[id(value)] = (len(seen), value)
    if isinstance(value, np.random.Generator):
        return ("generator", pickle.dumps(value.bit_generator.state))
    if isinstance(value, (np.random.RandomState, random.Random)):
        return ("generator", pickle.dumps(value.get_state() if hasattr(value, "get_state") else value.getstate()))
    if isinstance(value, torch.Generator):
        return ("generator", value.get_state().numpy().tobytes())
    return composed(value, seen)


def composed(value, seen):
    kind = type(value).__name__
    if isinstance(value, dict):
        pairs = tuple((content(key, seen), content(item, seen)) for key, item in value.items())
        return (kind, pairs, attributes(value, seen))
    if isinstance(value, (list, tuple, collections.deque)):
        return (kind, tuple(content(item, seen) for item in value), attributes(value, seen))
    if isinstance(value, (set, frozenset)):
        return (kind, tuple(sorted(repr(content(item, seen)) for item in value)))
    if isinstance(value, bytearray):
        return (kind, bytes(value))
    if isinstance(value, collections.abc.Iterator) or isinstance(value, functools.partial):
        try:
            return (kind, content(value.__reduce__()[1:], seen))
        except Exception:
            return (kind,)
    return (kind, attributes(value, seen))


def attributes(value, seen):
    held = dict(getattr(value, "__dict__", {}))
    for slot in itertools.chain.from_iterable(getattr(of, "__slots__", ()) for of in type(value).__mro__):
        if isinstance(slot, str) and hasattr(value, slot) and slot not in ("__weakref__", "__dict__"):
            held[slot] = getattr(value, slot)
    return tuple((name, content(item, seen)) for name, item in held.items())


def tensor_content(value):
    if value.layout != torch.strided or value.is_meta:
        return ("tensor", value.shape, str(value.layout))
    bare = value.detach().resolve_conj().resolve_neg()
    data = bare.flatten().contiguous().view(torch.uint8).numpy().tobytes() if bare.numel() and not bare.is_quantized else b""
    grad = tensor_content(value.grad) if value.is_leaf and value.grad is not None else None
    return ("tensor", tuple(value.shape), tuple(value.stride()), str(value.dtype), value.requires_grad, data, grad)


def pieces(objects):
    """First and last byte of each array and tensor."""
    spans = []
    for item in objects.values():
        if isinstance(item, np.ndarray) and item.size and item.dtype != object:
            spans.append(np.lib.array_utils.byte_bounds(item))
        elif isinstance(item, torch.Tensor) and item.layout == torch.strided and item.numel() and not item.is_meta:
            storage = item.untyped_storage()
            spans.append((storage.data_ptr(), storage.data_ptr() + storage.nbytes()))
        elif isinstance(item, bytearray) and item:
            whole = np.frombuffer(item, dtype=np.uint8)
            spans.append(np.lib.array_utils.byte_bounds(whole))
    return spans


def inner_arrays(value, objects):
    """Arrays and tensors that a container, an iterator or a module holds, with what they contain: they have names of their own."""
    if not isinstance(value, (list, tuple, dict, collections.deque, collections.abc.Iterator, torch.nn.Module)):
        return []
    return [(item, content(item)) for item in objects.values() if isinstance(item, ARRAYS) and item is not value]


def overlap(some, others):
    return any(a < d and c < b for a, b in some for c, d in others)


def generators():
    return {
        "random": random.getstate(),
        "numpy": pickle.dumps(np.random.get_state()),
        "torch": torch.default_generator.get_state().numpy().tobytes(),
    }


class Observation:
    """`changed`: places; `deep`: those where arrays and tensors that they hold changed; `moved`: generators; `shared`: by place, how the result leads to it;
    `stored`: pairs (owner, place) of arguments that an argument holds now; `fresh`: the result can change;
    `consumed`: iterators among the changed; `wants_grad`: the result is a new leaf that takes a gradient."""

    def __init__(self):
        self.changed, self.moved, self.shared, self.stored, self.fresh = set(), set(), {}, set(), False
        self.deep = set()
        self.consumed, self.wants_grad = set(), False


def observe(call, args=(), kwargs=None, receiver=None):
    """Calls and looks. What the call raises is the caller's."""
    places = {str(index): value for index, value in enumerate(args)}
    places |= {f"kw:{name}": value for name, value in (kwargs or {}).items()}
    if receiver is not None:
        places["self"] = receiver
    held = {place: reachable(value) for place, value in places.items()}
    before = {place: content(value) for place, value in places.items()}
    spans = {place: pieces(objects) for place, objects in held.items()}
    parts = {place: inner_arrays(value, held[place]) for place, value in places.items()}
    state = generators()
    result = call(*args, **(kwargs or {}))
    seen = Observation()
    seen.moved = {name for name, value in generators().items() if value != state[name]}
    seen.changed = {place for place, value in places.items() if content(value) != before[place]}
    seen.deep = {place for place in seen.changed if any(content(item) != was for item, was in parts[place])}
    seen.consumed = {place for place in seen.changed if isinstance(places[place], collections.abc.Iterator)}
    seen.fresh = not is_atom(result)
    seen.wants_grad = isinstance(result, torch.Tensor) and result.requires_grad and result.is_leaf and not any(
        result is item for objects in held.values() for item in objects.values()
    )
    after = reachable(result)
    for place, value in places.items():
        how = shared(result, after, value, held[place], spans[place])
        if how:
            seen.shared[place] = how
    for owner, value in places.items():
        own = reachable(value)
        for place in set(places) - {owner}:
            common = set(own) & set(held[place])
            if common - set(held[owner]):
                seen.stored.add((owner, place))
    return seen


def shared(result, after, value, held, spans):
    how = set()
    if is_atom(value):
        return how
    if result is value:
        how.add("is")
    elif set(after) & set(held):
        how.add("holds")
    if overlap(pieces(after), spans):
        how.add("memory")

    own = {grad_node(item) for item in held.values() if isinstance(item, torch.Tensor) and item.requires_grad}
    if own & graph_nodes(item for item in after.values() if isinstance(item, torch.Tensor) and not item.is_leaf):
        how.add("graph")
    return how


def grad_node(tensor):
    """What stands for a tensor in graphs: leaves are known by their identity."""
    return id(tensor) if tensor.is_leaf else tensor.grad_fn


def graph_nodes(tensors):
    """Everything that tensors were computed from."""
    found, work = set(), [tensor.grad_fn for tensor in tensors]
    while work and len(found) < BOUND:
        node = work.pop()
        if node is None or node in found:
            continue
        found |= {node, id(getattr(node, "variable", None))}
        work += [before for before, _ in node.next_functions]
    return found
