"""The user's own code that a `DataLoader` runs: data sets, samplers, transforms. What it changes and what it logs counts.

Nothing in the loop names these objects: a block over the loader must know them. Asked are their counters and the generator
that they draw from after the block, and rows from inside of them.
"""

import sys

import pytest
from oracle import FLORC, run

SCRIPT = """\
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler

torch.manual_seed(1)
rng = np.random.default_rng(3)
ROWS = [torch.ones(2) * i for i in range(4)]


def draw():
    return torch.full((2,), float(rng.normal()))


{made}
total = 0.0
for epoch in range(4):
    for batch in loader:
        total += float(batch.sum())
    print("epoch", epoch, total)
    print("probe", epoch, part.count, rng.bit_generator.state["state"]["state"])
print("probe end", rng.normal())
"""
LOADERS = {
    "a data set with items": """\
class Part(Dataset):
    count = 0

    def __len__(self):
        return 4

    def __getitem__(self, index):
        self.count += 1
        print("probe item", index, self.count)
        return draw()

part = Part()
loader = DataLoader(part, batch_size=2)
""",
    "a transform that a data set holds": """\
class Part:
    count = 0

    def __call__(self, item):
        self.count += 1
        print("probe transform", self.count)
        return item * draw()

class Data(Dataset):
    def __init__(self, transform):
        self.transform = transform

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return self.transform(ROWS[index])

part = Part()
loader = DataLoader(torch.utils.data.Subset(Data(part), [0, 2, 3]), batch_size=2)
""",
    "a sampler that gives a list": """\
class Part(Sampler):
    count = 0

    def __len__(self):
        return 4

    def __iter__(self):
        self.count += 1
        print("probe sampler", self.count)
        return iter(rng.permutation(4).tolist())

part = Part()
loader = DataLoader(ROWS, batch_size=2, sampler=part)
""",
    "a function that puts items together": """\
class Part:
    count = 0

    def __call__(self, rows):
        self.count += 1
        print("probe collate", len(rows), self.count)
        return torch.stack(rows) * draw()

part = Part()
loader = DataLoader(ROWS, batch_size=2, collate_fn=part)
""",
    "a sampler that yields": """\
class Part(Sampler):
    count = 0

    def __len__(self):
        return 4

    def __iter__(self):
        for index in rng.permutation(4).tolist():
            self.count += 1
            print("probe sampler", self.count)
            yield index

part = Part()
loader = DataLoader(ROWS, batch_size=2, sampler=part)
""",
    "a data set that yields": """\
class Part(IterableDataset):
    count = 0

    def __iter__(self):
        for _ in range(4):
            self.count += 1
            print("probe item", self.count)
            yield draw()

part = Part()
loader = DataLoader(part, batch_size=2)
""",
}
CASES = list(LOADERS)


def without(text, *beginnings):
    """The script without the log statements whose text begins so."""
    return "".join(line for line in text.splitlines(keepends=True) if not any(f'"{each}' in line for each in beginnings))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """`project(name)` gives a folder with a record of the script without probes, and the script."""
    known = {}

    def get(name):
        if name not in known:
            folder, text = tmp_path_factory.mktemp("project"), SCRIPT.replace("{made}", LOADERS[name])
            (folder / "train.py").write_text(without(text, "probe"))
            done = run([FLORC, "run", "--checkpoints", "all", "train.py"], folder)
            assert done.code == 0, done.stderr
            known[name] = folder, text
        return known[name]

    return get


def check(folder, text, *options):
    (folder / "train.py").write_text(text)
    plain = run([sys.executable, "train.py"], folder)
    done = run([FLORC, "replay", *options], folder)
    assert done.code == 0 and "verified" in done.stderr, done.stderr
    assert done.stdout.splitlines() == plain.probes() and plain.probes()


@pytest.mark.parametrize("name", CASES)
def test_what_it_changed_is_known_after_the_block(project, name):
    folder, text = project(name)
    kept = without(text, "probe item", "probe transform", "probe sampler", "probe collate")
    check(folder, kept, "--workers", "2")


@pytest.mark.parametrize("name", CASES)
def test_rows_from_inside_of_it_are_all_there(project, name):
    folder, text = project(name)
    check(folder, text, "--workers", "2")
