"""`florc worker`: a segment of a replay, asked for directly, as a job array does; run again it changes nothing."""

import json
import os
import signal
import subprocess

import pytest
from test_broken_off import until
from test_diff_logs import FLORC, run

SCRIPT = """\
import time
x = 1.0
for epoch in range(6):
    time.sleep(0.3)
    x *= 1.5
    print("epoch", epoch)
"""
PROBED = SCRIPT.replace("    print(", "    print('probe', x)\n    print(")
VALUES = [f"probe {1.5 ** (epoch + 1)}" for epoch in range(6)]


@pytest.fixture
def replayed(tmp_path):
    """A project, and the folder of a replay of two segments in it."""
    (tmp_path / "train.py").write_text(SCRIPT)
    assert run(tmp_path, FLORC, "run", "--checkpoints", "all", "train.py").returncode == 0
    (tmp_path / "train.py").write_text(PROBED)
    done = run(tmp_path, FLORC, "replay", "--workers", "2")
    assert done.stdout.splitlines() == VALUES, done.stderr
    (folder,) = (tmp_path / ".florc" / "replays").iterdir()
    assert (folder / "segment-1.jsonl").exists(), "two segments"
    return tmp_path, folder


def command(folder, segment=1):
    return [FLORC, "worker", "--plan", folder / "plan.json", "--segment", str(segment)]


def shard(folder):
    """What a segment found: all but how long it took."""
    lines = [json.loads(line) for line in (folder / "segment-1.jsonl").read_text().splitlines()]
    assert len([line for line in lines if "seconds" in line]) == 1
    return [line for line in lines if "seconds" not in line]


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_segment_that_is_there_is_not_run_again(replayed):
    project, folder = replayed
    before = files(folder)
    for _ in range(2):
        done = run(project, *command(folder))
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert files(folder) == before


def test_a_segment_that_is_missing_comes_out_the_same(replayed):
    project, folder = replayed
    before, all_files = shard(folder), files(folder).keys()
    (folder / "segment-1.jsonl").unlink()
    done = run(project, *command(folder))
    assert done.returncode == 0, done.stderr
    assert shard(folder) == before and {"verdict": "verified"} in before
    assert files(folder).keys() == all_files


def test_a_worker_that_is_killed_leaves_no_shard_and_the_next_one_a_whole_one(replayed):
    project, folder = replayed
    before = shard(folder)
    (folder / "segment-1.jsonl").unlink()
    worker = subprocess.Popen(
        [str(part) for part in command(folder)], cwd=project, start_new_session=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )
    until(lambda: list(folder.glob("segment-1.*.tmp")))
    os.killpg(worker.pid, signal.SIGKILL)
    assert worker.wait(60) == -signal.SIGKILL
    assert not (folder / "segment-1.jsonl").exists()
    assert run(project, *command(folder)).returncode == 0
    assert shard(folder) == before
    again = run(project, FLORC, "logs", "--format", "json")
    rows = [row for row in json.loads(again.stdout) if row["source"] == "replay"]
    assert [row["value"] for row in rows] == [1.5 ** (epoch + 1) for epoch in range(6)]


def test_two_workers_on_one_segment_write_one_shard(replayed):
    project, folder = replayed
    before = shard(folder)
    (folder / "segment-1.jsonl").unlink()
    both = [subprocess.Popen([str(part) for part in command(folder)], cwd=project, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [each.wait(60) for each in both] == [0, 0]
    assert shard(folder) == before
    assert not list(folder.glob("*.tmp"))


def test_what_is_no_segment_is_said(replayed):
    project, folder = replayed
    done = run(project, *command(folder, segment=7))
    assert done.returncode == 2 and "no segment 7" in done.stderr and "from 0 to 1" in done.stderr
    (folder / "plan.json").write_text("{}")
    done = run(project, *command(folder))
    assert done.returncode == 2 and "is not a replay plan" in done.stderr and "help:" in done.stderr
