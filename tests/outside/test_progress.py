"""One line on a terminal tells how far a replay is; elsewhere there is none, and none is left behind."""

import os
import pty
import re
import subprocess

import pytest
from test_diff_logs import FLORC, run

SCRIPT = """\
import time
x = 1.0
for epoch in range(4):
    time.sleep(0.3)
    x *= 1.5
    print("epoch", epoch)
"""
PROBED = SCRIPT.replace("    print(", "    print('probe', x)\n    print(")
VALUES = [f"probe {1.5 ** (epoch + 1)}" for epoch in range(4)]
LINE = re.compile(r"florc: \[[#.]{20}\] (\d) of 4 segments, about -?\d+(\.\d+)? \w+ left")


@pytest.fixture
def project(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    assert run(tmp_path, FLORC, "run", "--checkpoints", "all", "train.py").returncode == 0
    (tmp_path / "train.py").write_text(PROBED)
    return tmp_path


def on_terminal(project, *command, code=0):
    """Standard output, and what a terminal got as standard error."""
    own, theirs = pty.openpty()
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FLORC_")} | {"NO_COLOR": "1"}
    process = subprocess.Popen(
        [str(part) for part in command], cwd=project, env=clean, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            more = os.read(own, 4096)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        seen += more
    os.close(own)
    out = process.communicate(timeout=60)[0].decode()
    assert process.returncode == code, seen
    return out, seen.decode()


def on_screen(text):
    """The lines that are left, where a return to the first column and an erased line are obeyed."""
    return [line.rpartition("\x1b[K")[2].rpartition("\r")[2] for line in text.replace("\r\n", "\n").split("\n")]


def drawn(seen):
    return [part.removeprefix("\x1b[K") for part in re.split("[\r\n]", seen) if " left" in part]


def test_a_terminal_shows_how_far_it_is_and_keeps_nothing_of_it(project):
    out, seen = on_terminal(project, FLORC, "replay", "--workers", "1", "--budget", "10m")
    assert out.splitlines() == VALUES
    done = [LINE.fullmatch(each) for each in drawn(seen)]
    assert done and all(done), seen
    counts = [int(each[1]) for each in done]
    assert counts == sorted(counts) and set(counts) == {0, 1, 2, 3, 4}, seen
    (last, empty) = on_screen(seen)
    assert last.endswith("verified") and empty == "", seen


def test_no_time_is_below_nothing(project):
    _, seen = on_terminal(project, FLORC, "replay", "--workers", "2")
    assert drawn(seen) and not any("about -" in each for each in drawn(seen)), seen


def test_a_failed_replay_leaves_whole_lines_too(project):
    text = (project / "train.py").read_text()
    (project / "train.py").write_text(text.replace("print('probe', x)", "print('probe', x, 1 // (epoch - 2))"))
    out, seen = on_terminal(project, FLORC, "replay", "--workers", "2", code=1)
    assert out == "" and drawn(seen), seen
    assert not any(" left" in line for line in on_screen(seen)), seen


def test_what_is_no_terminal_gets_no_line_about_it(project):
    done = run(project, FLORC, "replay", "--workers", "2")
    assert done.stdout.splitlines() == VALUES
    assert " left" not in done.stderr and "\r" not in done.stderr and "\x1b" not in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
