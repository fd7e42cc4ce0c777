"""Generators and iterators that have begun are made again where they stood."""

import itertools
import random

import pytest
import torch
from florc._florc import _capture_bytes, _describe_bytes, _restore_bytes
from florc.adapters import running
from torch.utils.data import (
    BatchSampler, DataLoader, IterableDataset, RandomSampler, SequentialSampler, TensorDataset,
)  # fmt: skip

ROWS = TensorDataset(torch.arange(10.0))


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(10))


def cycle(loader):
    while True:
        yield from loader


def scaled(loader, by=2):
    """Hands on the items of every pass."""
    while True:
        for item in loader:
            double = [part * by for part in item]
            yield double


def passing(rows):
    for row in rows:
        yield row + random.random()


def given(length):
    return RandomSampler(range(length), generator=torch.Generator().manual_seed(2))


KNOWN = {
    "random sampler": lambda: iter(RandomSampler(range(7))),
    "random sampler with its own generator": lambda: iter(given(7)),
    "with replacement": lambda: iter(RandomSampler(range(5), replacement=True, num_samples=70)),
    "with replacement, a generator": lambda: iter(RandomSampler(range(9), True, 40, torch.Generator().manual_seed(2))),
    "batches": lambda: iter(BatchSampler(RandomSampler(range(11)), 3, False)),
    "whole batches": lambda: iter(BatchSampler(RandomSampler(range(11)), 3, True)),
    "batches in order": lambda: iter(BatchSampler(SequentialSampler(range(9)), 2, True)),
    "one pass": lambda: passing([1, 2, 3, 4, 5, 6, 7]),
    "passes": lambda: scaled([[1], [2], [3]], by=5),
    "passes of a loader": lambda: scaled(DataLoader(ROWS, batch_size=4, shuffle=True)),
    "handed on": lambda: cycle((4, 5, 6)),
    "ended": lambda: running.load(None, ("ended",)),
    "a cycle": lambda: itertools.cycle(iter([1, 2, 3])),
    "numbered batches": lambda: enumerate(DataLoader(ROWS, batch_size=3, shuffle=True, drop_last=True), 5),
    "a loader of a stream": lambda: iter(DataLoader(Stream(), batch_size=3)),
    "a loader with its own generator": lambda: iter(
        DataLoader(ROWS, batch_size=3, shuffle=True, generator=torch.Generator().manual_seed(4))
    ),
}


def drawn_from(make, drawn):
    torch.manual_seed(1)
    random.seed(1)
    iterator = make()
    list(itertools.islice(iterator, drawn))
    return iterator


@pytest.mark.parametrize("drawn", [0, 1, 2, 4, 7])
@pytest.mark.parametrize("name", KNOWN)
def test_the_rest_is_the_same(name, drawn):
    saved = _capture_bytes({"value": drawn_from(KNOWN[name], drawn)})
    missing = _describe_bytes(saved)[2]
    assert missing == []
    rest = list(itertools.islice(drawn_from(KNOWN[name], drawn), 9))
    torch.manual_seed(99)
    random.seed(99)
    made = _restore_bytes(saved, {"value": KNOWN[name]()})["value"]
    assert _describe_bytes(_capture_bytes({"value": made}))[0] == _describe_bytes(saved)[0]
    assert repr(list(itertools.islice(made, 9))) == repr(rest)


def counting(rows):
    count = 0
    for row in rows:
        count += 1
        yield row, count


def after(rows):
    for row in rows:
        yield row
        rows.append(row)


def kept(rows):
    for row in rows:
        both = (row, last) if row else None  # noqa: F821
        last = row
        yield both


@pytest.mark.parametrize("make", [
    lambda: counting([1, 2, 3]), lambda: after([1, 2, 3]), lambda: kept([0, 2, 3]), lambda: (x for x in [1, 2, 3]),
    lambda: iter(RandomSampler(range(3), num_samples=7)),
])  # fmt: skip
def test_of_others_it_cannot_be_told(make):
    generator = make()
    next(generator)
    assert running.save(generator) is None


@pytest.mark.parametrize("data", [ROWS, Stream()])
def test_workers_that_have_given_all(data):
    iterator, other = (iter(DataLoader(data, batch_size=5, num_workers=1)) for _ in range(2))
    next(iterator)
    assert running.save(iterator) is None
    list(iterator)
    saved = _capture_bytes({"value": iterator})
    assert _describe_bytes(saved)[2] == []
    made = _restore_bytes(saved, {"value": other})["value"]
    assert _describe_bytes(_capture_bytes({"value": made}))[0] == _describe_bytes(saved)[0]
    assert type(made) is type(iterator) and list(made) == []
