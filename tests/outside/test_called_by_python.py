"""Log statements in functions that no line of the script calls: Python does, and a replay must have their rows."""

import pytest
from test_diff_logs import FLORC, run
from test_state_in_disguise import HEAD, answer, recorded

LOOP = """\
total = 0.0
for epoch in range(4):
    for step in range(3):
        total += random.random()
        STEP
    print("epoch", epoch, total)
"""
MADE = {
    "a key to sort by": ("def key(value):\n    print('probe', value)\n    return -value\n", "order = sorted([step, epoch], key=key)"),
    "text of an object": (
        "class Text:\n    def __str__(self):\n        print('probe', total)\n        return ''\ntext = Text()\n", "made = f'{text}'",
    ),
    "a comparison": (
        "class Less:\n    def __lt__(self, other):\n        print('probe', total)\n        return True\n", "order = sorted([Less(), Less()])",
    ),
    "a coroutine": (
        "import asyncio\nasync def work():\n    await asyncio.sleep(0)\n    print('probe', total)\n", "asyncio.run(work())",
    ),
    "a generator that is left early": (
        "def items():\n    for i in range(5):\n        print('probe', i, total)\n        yield i\n", "for i in items():\n            if i == step: break",
    ),
    "an item that is missing": (
        "class Table(dict):\n    def __getitem__(self, key):\n        print('probe', key)\n        return 0\ntable = Table()\n", "made = table[step]",
    ),
    "the end of an object": ("class Part:\n    def __del__(self):\n        print('probe', total)\n", "part = Part(); part = None"),
    "a signal": (
        "import os, signal\ndef heard(*_):\n    print('probe', total)\nsignal.signal(signal.SIGUSR1, heard)\n",
        "os.kill(os.getpid(), signal.SIGUSR1)",
    ),
    "the end of the process": ("import atexit\ndef bye():\n    print('probe', total)\natexit.register(bye)\n", "pass"),
}


def check(folder, before, step):
    expected = recorded(folder, HEAD + before + LOOP.replace("STEP", step), instead="pass")
    assert expected and answer(folder, "--workers", "2") == expected


@pytest.mark.parametrize("what", MADE)
def test_rows_are_there(tmp_path, what):
    check(tmp_path, *MADE[what])


def test_what_is_called_unexpectedly_counts(tmp_path):
    before = "class Part:\n    ended = 0\n    def __del__(self):\n        Part.ended += 1\n"
    script = HEAD + before + LOOP.replace("STEP", "part = Part(); part = None")
    probe = '    print("probe", Part.ended)\n'
    expected = recorded(tmp_path, script + probe)
    assert expected == [f"probe {3 * n}" for n in range(1, 5)] == answer(tmp_path, "--workers", "2")
    assert answer(tmp_path, "--where", "epoch == 2") == ["probe 9"]
    shown = run(tmp_path, FLORC, "show").stdout
    assert "`Part.__del__` (line 6) was called inside of `train.py:epoch/step`" in shown
