"""Where the generators stand that torch's samplers return.

    it = iter(DataLoader(data, batch_size=8, shuffle=True))    # drew the seed of its order; three batches taken

The order of a default `RandomSampler` is its seed, or what is left of it. Batches stand where the
sampler below them stands. What is made again from that is a generator of this file.
"""

import array
import itertools
import sys
import weakref

# numbers that `RandomSampler` draws at a time with replacement
_AT_ONCE = 32
# generators whose order was compared with what their seed gives
_proven = weakref.WeakSet()


def _data():
    return getattr(sys.modules["torch"], "utils", None) and sys.modules["torch"].utils.data


def save(value, variables, created):
    """What one of `LOAD` takes, or `None` for other generators."""
    code, data = value.gi_code, _data()
    if code is _batches.__code__:
        return ("batches", variables["sampler"], variables["inner"])
    if code is _draws.__code__:
        rest = variables["rest"] if created else _left(value)
        return _drawn(variables["sampler"], variables["count"], variables["generator"], rest, variables["begun"])
    if code is _order.__code__:
        taken = 0 if created else len(variables["rest"]) - variables["items"].__length_hint__()
        return _ordered(variables["sampler"], variables["seed"], variables["at"] + taken, variables["rest"], taken)
    own = variables.get("self")
    endless = data.dataloader._InfiniteConstantSampler
    if type(own) is endless and code is endless.__iter__.__code__:
        return ("sampler", own)  # which gives nothing but `None`
    samplers = (data.RandomSampler, data.BatchSampler, data.SubsetRandomSampler, data.WeightedRandomSampler)
    if type(own) not in samplers or code is not type(own).__iter__.__code__:
        return None
    if created:
        return ("sampler", own)
    if type(own) is data.BatchSampler:
        return ("batches", own, variables["sampler_iter"]) if "sampler_iter" in variables else None
    if type(own) is not data.RandomSampler:
        return None
    if own.replacement:
        return _replacing(value, own, variables)
    return _random(value, own, variables) if own.num_samples == variables["n"] else None


def _random(value, own, variables):
    items = value.gi_yieldfrom
    if type(items) is not type(iter([])):
        return None
    order, *at = items.__reduce__()[1:]
    order, at = order[0], at[0] if at else 0
    seed = variables.get("seed")
    if seed is not None and value not in _proven:
        if _permutation(seed, len(order)) == order:
            _proven.add(value)
        else:
            seed = None
    return _ordered(own, seed, at, order, at)


def _ordered(sampler, seed, at, order, taken):
    rest = None if seed is not None else array.array("q", order[taken:]).tobytes()
    return ("order", sampler, seed, at, rest)


def _permutation(seed, count):
    torch = sys.modules["torch"]
    generator = torch.Generator()
    generator.manual_seed(seed)
    return torch.randperm(count, generator=generator).tolist()


def _load_order(sampler, seed, at, rest):
    if seed is not None:
        rest = _permutation(seed, sampler.num_samples)[at:]
    else:
        packed = array.array("q")
        packed.frombytes(rest)
        rest = packed.tolist()
    return _order(sampler, seed, at, rest)


def _order(sampler, seed, at, rest):
    items = iter(rest)
    yield from items
    if sampler.generator is not None:
        # what `RandomSampler` draws after its last item
        sys.modules["torch"].randperm(sampler.num_samples, generator=sampler.generator)


def _batches(sampler, inner):
    while True:
        batch = [*itertools.islice(inner, sampler.batch_size)]
        if not batch or (sampler.drop_last and len(batch) < sampler.batch_size):
            return
        yield batch


def _replacing(value, own, variables):
    """With replacement: the generator, and what is left of the numbers that were drawn last."""
    items = value.gi_yieldfrom
    if type(items) is not type(iter([])):
        return None
    # the last draw is a shorter one
    is_last = len(items.__reduce__()[1][0]) != _AT_ONCE
    begun = own.num_samples // _AT_ONCE if is_last else variables["_"]
    return _drawn(own, variables["n"], variables["generator"], _left(value), begun + 1)


def _left(value):
    """What a generator has still to hand on of the list at hand."""
    order, *at = value.gi_yieldfrom.__reduce__()[1:]
    return order[0][at[0] if at else 0 :]


def _drawn(sampler, count, generator, rest, begun):
    return ("draws", sampler, count, generator, array.array("q", rest).tobytes(), begun)


def _load_draws(sampler, count, generator, rest, begun):
    packed = array.array("q")
    packed.frombytes(rest)
    return _draws(sampler, count, generator, packed.tolist(), begun)


def _draws(sampler, count, generator, rest, begun):
    """`RandomSampler` with replacement, which has drawn so many times; `rest` is left of the last."""
    draw = sys.modules["torch"].randint
    times, left = divmod(sampler.num_samples, _AT_ONCE)
    while True:
        yield from rest
        if begun > times:
            return
        size = (_AT_ONCE if begun < times else left,)
        begun += 1
        rest = draw(high=count, size=size, dtype=sys.modules["torch"].int64, generator=generator).tolist()


LOAD = {"sampler": iter, "batches": _batches, "order": _load_order, "draws": _load_draws}
