"""Main loops that are not left at their end: by an exception that somebody catches, by `sys.exit`, by an interrupt."""

import os
import signal
import subprocess

import pytest
from test_diff_logs import FLORC, run
from test_state_in_disguise import HEAD, answer, recorded

LOOP = """\
import sys
class Stop(Exception): pass

def train(goal):
    total = 0.0
    try:
        for epoch in range(9):
            for step in range(3):
                total += random.random()
            print("epoch", epoch)
            print("probe", epoch, total)
            if epoch == goal:
                END
    except Stop:
        print("stopped")
    print("probe after", total)

"""


@pytest.mark.parametrize("end", ["raise Stop", "sys.exit()", "raise SystemExit(0)"])
def test_all_that_ran_is_there(tmp_path, end):
    expected = recorded(tmp_path, HEAD + LOOP.replace("END", end) + "train(4)\n", instead="pass")
    assert len(expected) == (6 if end == "raise Stop" else 5)
    assert answer(tmp_path, "--workers", "2") == expected
    assert answer(tmp_path, "--where", "epoch == 4") == expected[4:5]


def test_a_loop_is_left_in_each_of_several_trainings(tmp_path):
    trials = "for goal in (1, 12, 3):\n    train(goal)\n"
    expected = recorded(tmp_path, HEAD + LOOP.replace("END", "raise Stop") + trials, instead="pass")
    assert len(expected) == 2 + 9 + 4 + 3
    assert answer(tmp_path, "--workers", "2") == expected


@pytest.mark.parametrize("end", ["1 / 0", "os.kill(os.getpid(), signal.SIGINT)", "raise KeyboardInterrupt"])
def test_the_whole_iterations_of_what_was_broken_off(tmp_path, end):
    loop = LOOP.replace("END", end).replace("except Stop", "except KeyboardInterrupt")
    script = HEAD + "import os, signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n" + loop + "train(4)\n"
    (tmp_path / "train.py").write_text(script.replace('print("probe', 'pass  # print("probe'))
    done = run(tmp_path, FLORC, "run", "--checkpoints", "all", "train.py")
    assert done.returncode == (1 if end == "1 / 0" else 0), done.stderr
    (tmp_path / "train.py").write_text(script)
    expected = [line for line in run(tmp_path, "python", "train.py").stdout.splitlines() if line.startswith("probe")]
    shown = run(tmp_path, FLORC, "replay")
    assert shown.stdout.splitlines() == expected[:4], shown.stderr
    assert "values are given for its 4 whole iterations" in shown.stderr and "verified" in shown.stderr


def test_a_while_loop_that_an_exception_leaves(tmp_path):
    loop = LOOP.replace("for epoch in range(9):", "epoch = -1\n        while epoch < 9:\n            epoch += 1").replace("END", "raise Stop")
    expected = recorded(tmp_path, HEAD + loop + "train(4)\n", instead="pass")
    assert answer(tmp_path) == expected[:4]
