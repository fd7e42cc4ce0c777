"""Small calls for the entries of the knowledge files, written as the arguments of a call.

    "random.shuffle": "N"        # random.shuffle([3, 1, 2]), with a list that is new at each call

Capital names are made anew each time they are met (`MAKERS`). Names without a line of their own are
tried with all arguments of their package (`GENERIC`); those that do not fit raise and are passed over.
"""
import collections
import dataclasses
import functools
import random
import re

import numpy as np
import torch
from torch import nn

from knowledge_entries import resolve
from knowledge_inputs import CALLS, GENERIC, RECEIVERS


def tensor(*shape, dtype=torch.float32):
    count = int(np.prod(shape)) if shape else 1
    return (torch.arange(count) + 1).reshape(shape).to(dtype)


class Fresh(dict):
    """Names for `eval`: capital ones are made when they are read."""

    def __missing__(self, name):
        if name in MAKERS:
            return MAKERS[name]()
        found = resolve(name)
        if found is None:
            raise KeyError(name)
        return found


@functools.cache
def names():
    return {name: maker for name, maker in globals().items() if callable(maker) and name in ("linear", "trained", "tensor")} | {"np": np}


def linear():
    torch.manual_seed(1)
    return nn.Linear(2, 2)


def trained(optimizer=torch.optim.SGD, **options):
    model = linear()
    made = optimizer(model.parameters(), **{"lr": 0.1, **options})
    model(tensor(2, 2)).sum().backward()
    return made


def stepped():
    made = trained(momentum=0.9)
    made.step()
    return made


def scaled(model=None):
    """A scaler in the midst of a step."""
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    scaler.scale(tensor(1))
    if model is not None:
        scaler.step(model)
    return scaler


def items():
    return torch.utils.data.TensorDataset(tensor(4, 2), tensor(4))


MAKERS = {
    "T": lambda: tensor(2, 2),
    "G": lambda: tensor(2, 2).requires_grad_(),
    "P": lambda: tensor(2, 2).requires_grad_() * 1,
    "U": lambda: torch.tensor([[0.2, 0.3], [0.4, 0.5]]),
    "V": lambda: tensor(2),
    "Z": lambda: torch.tensor(1.5),
    "I": lambda: torch.tensor([0, 1]),
    "J": lambda: torch.tensor([[0, 1], [1, 0]]),
    "B": lambda: torch.tensor([[True, False], [False, True]]),
    "C": lambda: tensor(2, 2, dtype=torch.complex64),
    "T3": lambda: tensor(2, 2, 2),
    "T4": lambda: tensor(1, 2, 4, 4),
    "T5": lambda: tensor(1, 2, 4, 4, 4),
    "TG": lambda: torch.Generator().manual_seed(1),
    "A": lambda: np.array([[1.0, 2.0], [3.0, 5.0]]),
    "AV": lambda: np.array([3.0, 1.0, 2.0, 4.0]),
    "AI": lambda: np.array([[1, 0], [0, 1]]),
    "AB": lambda: np.array([[True, False], [False, True]]),
    "AO": lambda: np.array([[1], [2, 3], {}], dtype=object),
    "AC": lambda: np.array([[1 + 1j, 2], [3, 5]]),
    "NG": lambda: np.random.default_rng(1),
    "NS": lambda: np.random.RandomState(1),
    "R": lambda: random.Random(1),
    "N": lambda: [3, 1, 2],
    "F": lambda: [0.5, 2.5],
    "L": lambda: [[1], [2], [3]],
    "TU": lambda: ([1], [2]),
    "D": lambda: {"a": [1], "b": [2]},
    "S": lambda: {1, 2, 3},
    "FS": lambda: frozenset([1, 2]),
    "Q": lambda: collections.deque([[1], [2]]),
    "PAIRS": lambda: [("a", [1]), ("b", [2])],
    "O": lambda: [9],
    "IT": lambda: iter([[1], [2]]),
    "BA": lambda: bytearray(b"abcd"),
    "K": lambda: collections.Counter("abca"),
    "OD": lambda: collections.OrderedDict(a=[1], b=[2]),
    "DD": lambda: collections.defaultdict(list, a=[1]),
    "POINT": lambda: collections.namedtuple("Point", "x y")([1], [2]),
    "M": linear,
    "NET": lambda: nn.Sequential(linear(), nn.BatchNorm1d(2), nn.Dropout(0.5)),
    "LIST": lambda: nn.ModuleList([linear(), nn.ReLU()]),
    "DICT": lambda: nn.ModuleDict({"a": linear()}),
    "OPT": trained,
    "MOMENTUM": stepped,
    "SCHED": lambda: torch.optim.lr_scheduler.StepLR(stepped(), 1),
    "DATA": items,
    "LOADER": lambda: torch.utils.data.DataLoader(items(), batch_size=2),
    "SHUFFLED": lambda: torch.utils.data.DataLoader(items(), batch_size=2, shuffle=True),
    "X": lambda: np.array([[0.0, 1.0], [1.0, 0.5], [2.0, 2.0], [3.0, 1.0], [4.0, 4.5], [5.0, 3.0]]),
    "Y": lambda: np.array([0, 1, 0, 1, 1, 0]),
    "FN": lambda: lambda *values: values[0],
    "DC": lambda: dataclasses.make_dataclass("P", ["x"])([1]),
    "CAT": lambda: torch.distributions.Categorical(logits=tensor(2, 2)),
    "NORMAL": lambda: torch.distributions.Normal(tensor(2), 1.0),
    "SCALER": lambda: torch.amp.GradScaler("cpu", init_scale=2.0),
    "TARGETS": lambda: torch.tensor([[1, 1]]),
    "PACKED": lambda: nn.utils.rnn.pack_sequence([tensor(2, 2)]),
    "SCALED": scaled,
    "STEPPED": lambda: scaled(trained()),
    "EMA": lambda: torch.optim.swa_utils.AveragedModel(linear()),
}


class Call:
    """One call: evaluated anew each time, so that nothing is left over from the last."""

    def __init__(self, entry, arguments, receiver=None):
        self.entry, self.arguments, self.receiver = entry, arguments, receiver

    def __repr__(self):
        return f"{self.receiver + '.' if self.receiver else ''}{self.entry.name}({self.arguments})"

    def made(self):
        """The callable, its arguments, and the receiver."""
        here = Fresh(names(), given=lambda *args, **kwargs: (args, kwargs))
        args, kwargs = eval(compiled(f"given({self.arguments})"), here)
        if self.receiver is None:
            return resolve(self.entry.name), args, kwargs, None
        receiver = eval(compiled(self.receiver), here)
        return self.bound(receiver), args, kwargs, receiver

    def bound(self, receiver):
        kind, name = self.entry.kind, self.entry.name
        if kind == "method":
            return lambda *args, **kwargs: got(getattr(receiver, name), args, kwargs)
        if kind == "attribute":
            return lambda: getattr(receiver, name)
        if kind == "call":
            return receiver
        if kind == "iterate":
            return lambda: next(iter(receiver))
        if kind == "subscript":
            return lambda index: receiver[index]
        return lambda *args: combined(receiver, args[0] if args else receiver)


def got(found, args, kwargs):
    """Some names are methods of one class and attributes of another."""
    return found(*args, **kwargs) if callable(found) or args or kwargs else found


@functools.cache
def compiled(text):
    return compile(text, text, "eval")


def combined(left, right):
    for operator in ("__add__", "__or__", "__eq__"):
        if hasattr(left, operator):
            return getattr(left, operator)(right)
    raise TypeError


def general(name, mark=""):
    """The arguments of the innermost package that has some, of methods rather than functions with a mark."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        package = ".".join(parts[:length])
        if package + mark in GENERIC:
            return GENERIC[package + mark]
    return GENERIC.get(parts[0], "")


def calls(entry):
    """The calls to try; empty where nothing is known to fit."""
    if entry.owner is None:
        texts = CALLS.get(entry.name, general(entry.name))
        receivers = [None]
    else:
        texts = CALLS.get(f"{entry.owner}:{entry.name}", {"attribute": "", "iterate": "", "subscript": "0; 'a'"}.get(entry.kind, general(entry.owner, ":")))
        given = RECEIVERS.get(f"{entry.owner}:{entry.name}", RECEIVERS.get(entry.owner, ""))
        receivers = [text.strip() for text in given.split(";") if text.strip()]
    for receiver in receivers:
        for text in texts.split(";"):
            yield Call(entry, text.strip(), receiver)
            if "T" in text.replace("TG", "").replace("TI", ""):
                yield Call(entry, with_gradients(text.strip()), receiver)


def with_gradients(text):
    return "".join("G" if part == "T" else part for part in re.split(r"(\bT\b)", text))
