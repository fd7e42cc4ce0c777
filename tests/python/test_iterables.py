"""What a main loop may iterate over so that a replay can start inside of it."""

import numpy
import pytest
import torch
from florc import _iterables
from sklearn.model_selection import GroupKFold, KFold, RepeatedKFold, ShuffleSplit, StratifiedKFold
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, TensorDataset

ROWS = TensorDataset(torch.arange(12.0))


class Stream(IterableDataset):
    def __iter__(self):
        yield from range(3)


class OwnWay(DataLoader):
    def __iter__(self):
        yield 1


class tqdm:
    """A stand-in for the progress bar."""

    __module__ = "tqdm.std"

    def __init__(self, iterable):
        self.iterable = iterable

    def __iter__(self):
        yield from self.iterable

    def set_postfix(self):
        pass


HELD = iter([1, 2, 3])


def begun_folds():
    folds = KFold(3).split(ROWS)
    next(folds)
    return folds


@pytest.mark.parametrize("make", [
    lambda: range(3), lambda: [1], lambda: (1, "a"), lambda: {"a": 1}.items(), lambda: {1, 2},
    lambda: enumerate([1]), lambda: zip([1], "a"), lambda: enumerate(zip([1], range(2)), 5),
    lambda: tqdm(range(3)), lambda: tqdm(enumerate([1])), lambda: iter([1]),
    lambda: numpy.zeros(3), lambda: torch.zeros(3), lambda: DataLoader(ROWS, shuffle=True),
    lambda: enumerate(DataLoader(ROWS)), lambda: reversed([1]), lambda: torch.nn.ModuleList(),
    lambda: KFold(3, shuffle=True).split(ROWS), lambda: enumerate(StratifiedKFold(2).split([1] * 4, [1, 2] * 2)),
    lambda: enumerate(GroupKFold(2).split([1] * 4, groups=[1, 2, 3, 4])),
])  # fmt: skip
def test_these_repeat(make):
    value = make()
    assert _iterables.look(value, True)[0] is None


@pytest.mark.parametrize("make", [
    lambda: (x for x in [1]), lambda: {object(), 1}, lambda: enumerate(HELD), lambda: zip([1], HELD),
    lambda: tqdm(HELD), lambda: enumerate(x for x in [1]), lambda: map(len, ["a"]), lambda: object(),
    lambda: DataLoader(Stream()), lambda: OwnWay(ROWS), lambda: enumerate(DataLoader(Stream())),
    lambda: DataLoader(ROWS, num_workers=1, persistent_workers=True), lambda: iter(int, 1),
    lambda: iter({1: 2}), lambda: ShuffleSplit(3).split(ROWS), lambda: RepeatedKFold().split(ROWS), begun_folds,
])  # fmt: skip
def test_these_may_not(make):
    value = make()
    assert _iterables.look(value, True)[0]


def test_an_iterator_that_others_hold_may_not():
    assert "holds" in _iterables.look(HELD, False)[0]


@pytest.mark.parametrize("make", [
    lambda: iter([1, 2, 3, 4, 5]), lambda: iter(range(3, 9)), lambda: iter("abcdefg"),
    lambda: enumerate([7, 8, 9, 10], 4), lambda: enumerate(iter(range(9))), lambda: zip("abcd", range(7)),
    lambda: iter(DataLoader(ROWS, batch_size=2, shuffle=True)),
    lambda: iter(DataLoader(ROWS, batch_size=2, sampler=RandomSampler(ROWS, num_samples=9), drop_last=True)),
    lambda: enumerate(DataLoader(ROWS, batch_size=3, shuffle=True)),
    lambda: iter(DataLoader(ROWS, batch_size=None)), lambda: (x for x in range(5)),
])  # fmt: skip
@pytest.mark.parametrize("before", [0, 1])
def test_skipped_items_are_those_that_would_have_come(make, before):
    def drawn(skipped):
        torch.manual_seed(3)
        iterator = make()
        for _ in range(before):
            next(iterator)
        if skipped:
            iterator = _iterables.skip(iterator, 2)
        else:
            for _ in range(2):
                next(iterator)
        return repr(list(iterator))

    assert drawn(True) == drawn(False)
    assert _iterables.skip(make(), 99) is None


def test_skipped_samples_are_not_fetched():
    class Counting(torch.utils.data.Dataset):
        fetched = 0

        def __len__(self):
            return 10

        def __getitem__(self, index):
            self.fetched += 1
            return index

    data = Counting()
    iterator = _iterables.skip(iter(DataLoader(data, shuffle=True)), 8)
    assert len(list(iterator)) == data.fetched == 2
