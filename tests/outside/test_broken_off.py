"""Replays whose workers die, and replays that are broken off."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FLORC = Path(sys.executable).with_name("florc")

SLOW = """\
import time
x = 1.0
for epoch in range(6):
    time.sleep(1.5 if epoch > 2 else 0.01)
    x *= 1.5
    print("epoch", epoch)
"""
PROBED = SLOW.replace("    print(", "    print('probe', epoch, x)\n    print(")
VALUES = [f"probe {epoch} {1.5 ** (epoch + 1)}" for epoch in range(6)]


@pytest.fixture
def project(tmp_path):
    (tmp_path / "train.py").write_text(SLOW)
    done = subprocess.run([FLORC, "run", "--checkpoints", "all", "train.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (tmp_path / "train.py").write_text(PROBED)
    return tmp_path


def begin(project, *options):
    return subprocess.Popen(
        [FLORC, "replay", "--workers", "2", *options], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )


def until(what):
    for _ in range(1200):
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it never came")


def workers(florc):
    """Process ids of the children."""
    children = Path(f"/proc/{florc.pid}/task")
    found = []
    for task in children.iterdir():
        found += (task / "children").read_text().split()
    return [int(child) for child in found]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_a_worker_that_is_killed_is_started_again(project):
    florc = begin(project)
    killed = until(lambda: workers(florc))
    os.kill(killed[0], signal.SIGKILL)
    out, err = florc.communicate(timeout=120)
    assert (florc.returncode, out.splitlines()) == (0, VALUES), err
    assert "verified" in err


def test_what_was_finished_before_ctrl_c_is_not_run_again(project):
    florc = begin(project)
    replays = project / ".florc" / "replays"
    first = until(lambda: next(iter(replays.glob("*/segment-0.jsonl")), None) if replays.exists() else None)
    os.killpg(florc.pid, signal.SIGINT)
    out, _ = florc.communicate(timeout=60)
    assert (florc.returncode, out) == (-signal.SIGINT, "")
    assert not (first.parent / "replay.json").exists()
    written = first.stat().st_mtime_ns
    florc = begin(project, "--continue")
    out, err = florc.communicate(timeout=120)
    assert (florc.returncode, out.splitlines()) == (0, VALUES), err
    assert [each.name for each in replays.iterdir()] == [first.parent.name], "the same replay went on"
    assert first.stat().st_mtime_ns == written, "its first segment was not run again"


def test_nothing_is_continued_that_asks_for_something_else(project):
    florc = begin(project)
    replays = project / ".florc" / "replays"
    until(lambda: next(iter(replays.glob("*/segment-0.jsonl")), None) if replays.exists() else None)
    os.killpg(florc.pid, signal.SIGINT)
    florc.communicate(timeout=60)
    (project / "train.py").write_text(PROBED.replace("epoch, x)", "epoch, 2 * x)"))
    florc = begin(project, "--continue")
    out, err = florc.communicate(timeout=120)
    assert out.splitlines() == [f"probe {epoch} {2 * 1.5 ** (epoch + 1)}" for epoch in range(6)], err
    assert len(list(replays.iterdir())) == 2
    shown = subprocess.run([FLORC, "logs", "--format", "json"], cwd=project, capture_output=True, text=True)
    assert len([row for row in json.loads(shown.stdout) if row["source"] == "replay" and row["name"] == "2 * x"]) == 6
