"""State that changes behind a call or a look, in programs of `test_state_in_disguise.py`'s kind.

What cannot be captured gives no values.
"""

import pytest
from test_diff_logs import FLORC, run
from test_state_in_disguise import HEAD, answer, plan, recorded

LOOP = """\
for epoch in range(6):
    for step in range(3):
        total += random.random()
        CHANGE
    print("epoch", epoch)
    print("probe", epoch, ASKED)
"""
ITEMS = "class Items:\n    count = 0\n\n    def __iter__(self):\n        for i in range(3):\n            self.count += 1\n            yield i\n\nitems = Items()\n"
STATIC = "class Meter:\n    @staticmethod\n    def add(value, kept=[]):\n        kept.append(value)\n        return len(kept)\n\nmeter = Meter()\n"
METER = "class Meter:\n    def add(self, value, kept=[]):\n        kept.append(value)\n        return len(kept)\n\nmeter = Meter()\n"
CACHED = "class First:\n    @functools.cached_property\n    def value(self):\n        return len(seen)\n\nfirst = First()\n"
LOOK = "class Look:\n    count = 0\n\n    def __get__(self, owner, kind):\n        self.count += 1\n        return self.count\n\nclass Owner:\n    look = Look()\n\nowner = Owner()\n"
LOST = {
    "a cached function": ("@functools.cache\ndef first():\n    return len(seen)\n\n", "seen.append(step); last = first()", "first()"),
}
REFUSED = {
    "a default value of a method": (METER, "last = meter.add(step)", "len(Meter.add.__defaults__[0])"),
    "a default value of a static method": (STATIC, "last = meter.add(step)", "len(Meter.add.__defaults__[0])"),
    "a descriptor of a class": (LOOK, "last = owner.look", "vars(Owner)['look'].count"),
}
FOUND = {
    "an attribute of a method": (METER + "Meter.add.calls = 0\n", "Meter.add.calls += 1", "Meter.add.calls"),
    "a missing key": (
        "class Table(dict):\n    def __missing__(self, key):\n        self[key] = len(self)\n        return self[key]\n\ntable = Table()\n",
        "last = table[step * epoch]", "dict(table)",
    ),
    "a cached property": (CACHED, "seen.append(step); last = first.value", "first.value"),
    "a generator that `any` runs": (ITEMS, "last = any(items)", "items.count"),
    "a generator that `in` runs": (ITEMS, "last = 9 in items", "items.count"),
    "a text that is printed to": ("text = io.StringIO()\n", "print(step, file=text)", "repr(text.getvalue())"),
    "a text that output is led to": (
        "text = io.StringIO()\n", "with contextlib.redirect_stdout(text): print(step)", "repr(text.getvalue())",
    ),
    "an array that is saved to memory": (
        "import numpy as np\ndata = io.BytesIO()\n", "np.save(data, np.ones(step))", "len(data.getvalue())",
    ),
    "the precision of decimals": ("", "decimal.getcontext().prec = 5 + epoch", "decimal.Decimal(1) / 3"),
    "the level of a logger": ("logger = logging.getLogger('own')\n", "logger.setLevel(10 + epoch)", "logger.level"),
    "a generator that `sum` runs": (ITEMS, "last = sum(items)", "items.count"),
    "a generator that is unpacked": (ITEMS, "first, *last = items", "items.count"),
    "a context manager": (
        "@contextlib.contextmanager\ndef entered():\n    seen.append(1)\n    yield\n\n", "with entered(): pass", "len(seen)",
    ),
    "a property": (
        "class Look:\n    count = 0\n\n    @property\n    def look(self):\n        self.count += 1\n        return self.count\n\nowner = Look()\n",
        "last = owner.look", "owner.count",
    ),
    "a decorated function": (
        "def counted(f):\n    @functools.wraps(f)\n    def called():\n        called.count += 1\n        return f()\n    called.count = 0\n"
        "    return called\n\n@counted\ndef work():\n    return 1\n\n",
        "last = work()", "work.count",
    ),
    "an operator": (
        "class Sum:\n    def __iadd__(self, other):\n        seen.append(other)\n        return self\n\nvalue = Sum()\n", "value += step", "len(seen)",
    ),
    "a key that a table of defaults makes": ("table = collections.defaultdict(int)\n", "last = table[step * epoch]", "sorted(table)"),
}


def check(folder, before, change, asked):
    loop = LOOP.replace("CHANGE", change).replace("ASKED", asked)
    text = HEAD + "import collections, contextlib, decimal, functools, io, logging\nseen, total = [], 0.0\n" + before + loop
    expected = recorded(folder, text)
    planned = plan(folder)
    assert (planned["executed_blocks"], planned["skipped_blocks"]) == ([], ["train.py:epoch/step"]), "an answer without the block"
    assert answer(folder) == expected
    assert answer(folder, "--where", "epoch == 5") == expected[-1:]


@pytest.mark.parametrize("program", FOUND)
def test_it_is_found_again(tmp_path, program):
    check(tmp_path, *FOUND[program])


@pytest.mark.parametrize("program", REFUSED)
def test_it_is_not_shown_where_it_is_lost(tmp_path, program):
    before, change, asked = REFUSED[program]
    loop = LOOP.replace("CHANGE", change).replace("ASKED", asked)
    recorded(tmp_path, HEAD + "import functools\nseen, total = [], 0.0\n" + before + loop)
    ran = run(tmp_path, FLORC, "replay")
    assert (ran.returncode, ran.stdout) == (1, ""), ran.stdout + ran.stderr


@pytest.mark.xfail(strict=True, reason="the content of a cache cannot be read: `docs/src/limits.md`")
@pytest.mark.parametrize("program", LOST)
def test_it_is_found_again_too(tmp_path, program):
    check(tmp_path, *LOST[program])
