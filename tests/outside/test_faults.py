"""Disks that fill up, refuse or go away while a script is recorded: the script goes on to its normal end."""

import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FLORC = Path(sys.executable).with_name("florc")

SCRIPT = """\
import random
random.seed(1)
state = {"x": 0.0, "big": bytearray(100_000)}
for epoch in range(30):
    for step in range(4):
        state["x"] += random.random()
        state["big"] = bytearray(random.randbytes(100_000))
    print("epoch", epoch, "x", state["x"], flush=True)
    WAIT
"""


def write(folder, wait="pass"):
    (folder / "train.py").write_text(SCRIPT.replace("WAIT", wait))
    return subprocess.run([sys.executable, "train.py"], cwd=folder, capture_output=True, text=True, check=True).stdout


def florc(folder, *args, store=None, **options):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FLORC_")}
    where = {"FLORC_DIR": str(store)} if store else {}
    return subprocess.run([str(FLORC), *args], cwd=folder, env=clean | where, capture_output=True, text=True,
                          timeout=120, stdin=subprocess.DEVNULL, **options)


def check_normal(ran, plain):
    """The script's own output and end, and one line that says what is wrong."""
    assert (ran.returncode, ran.stdout) == (0, plain), ran.stderr
    lines = ran.stderr.splitlines()
    warnings = [line for line in lines if not line.startswith(("florc: recorded run", "florc: the record of run"))]
    assert len(warnings) == 1 and "goes on" in warnings[0], ran.stderr
    return warnings[0]


@contextlib.contextmanager
def mounted(folder, options):
    """A file system of its own, where the machine lets tests have one."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"NO FILE SYSTEM CAN BE MOUNTED HERE: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk(tmp_path):
    plain = write(tmp_path)
    with mounted(tmp_path / "small", "size=600k") as small:
        more = ("--checkpoints", "all", "--max-storage", "1GB")
        ran = florc(tmp_path, "run", *more, "train.py", store=small / ".florc")
        assert "No space left" in check_normal(ran, plain)
        checked = florc(tmp_path, "fsck", store=small / ".florc")
        assert checked.returncode == 0, checked.stdout
        (run,) = json.loads(florc(tmp_path, "runs", "--format", "json", store=small / ".florc").stdout)
        assert run["checkpoints"] >= 1


def test_a_small_disk_is_not_filled(tmp_path):
    plain = write(tmp_path)
    with mounted(tmp_path / "small", "size=2500k") as small:
        ran = florc(tmp_path, "run", "--checkpoints", "all", "train.py", store=small / ".florc")
        assert ran.returncode == 0 and ran.stdout == plain and "goes on" not in ran.stderr
        shown = florc(tmp_path, "show", "--format", "json", store=small / ".florc")
        assert "others took its room" in shown.stdout
        packs = sum(each.stat().st_size for each in (small / ".florc" / "packs").rglob("*.pack"))
        assert 0 < packs <= 2500 << 8, "a quarter"


def test_a_disk_that_is_full_from_the_start(tmp_path):
    plain = write(tmp_path)
    with mounted(tmp_path / "small", "size=16k") as small:
        check_normal(florc(tmp_path, "run", "train.py", store=small / ".florc"), plain)


@pytest.mark.parametrize("kilobytes", [0, 4, 12, 150])
def test_files_that_cannot_grow(tmp_path, kilobytes):
    plain = write(tmp_path)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes << 10, kilobytes << 10))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    ran = florc(tmp_path, "run", "--checkpoints", "all", "train.py", preexec_fn=limit)
    if kilobytes == 150:
        assert ran.returncode == 0 and "goes on" not in ran.stderr
        return
    warning = check_normal(ran, plain)
    if kilobytes == 12:
        assert "incomplete" in ran.stderr and "incomplete" in florc(tmp_path, "runs").stdout
    else:
        assert "cannot make a run" in warning or "is not recorded" in warning
        assert not list((tmp_path / ".florc").glob("*/2*")), "no half of a run is left"
    checked = florc(tmp_path, "fsck")
    assert checked.returncode == 0 or "no run was recorded" in checked.stderr, checked.stdout


def test_a_read_only_store(tmp_path):
    plain = write(tmp_path)
    with mounted(tmp_path / "disk", "size=8m") as disk:
        florc(tmp_path, "run", "train.py", store=disk / ".florc")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        assert "Read-only" in check_normal(florc(tmp_path, "run", "train.py", store=disk / ".florc"), plain)
        assert florc(tmp_path, "fsck", store=disk / ".florc").returncode == 0, "reading needs no right to write"
        assert florc(tmp_path, "logs", store=disk / ".florc").stdout.count("epoch") > 20
        assert florc(tmp_path, "gc", "--keep", "0", store=disk / ".florc").returncode == 2


@pytest.mark.parametrize("checkpoints", ["all", "none"])
def test_a_store_that_vanishes(tmp_path, checkpoints):
    plain = write(tmp_path, "import shutil; epoch == 5 and shutil.rmtree('.florc', ignore_errors=True)")
    check_normal(florc(tmp_path, "run", "--checkpoints", checkpoints, "train.py"), plain)


def test_kill_9_at_random_moments(tmp_path):
    """What was printed before is in the store, the store is sound, and nothing that was finished is lost."""
    write(tmp_path, "import time; time.sleep(0.02)")
    draw = random.Random(5)
    for _ in range(4):
        running = subprocess.Popen([str(FLORC), "run", "--checkpoints", "all", "train.py"], cwd=tmp_path, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        first = running.stdout.readline()
        time.sleep(draw.random() * 0.5)
        running.send_signal(signal.SIGKILL)
        seen = first + running.communicate()[0]
        checked = florc(tmp_path, "fsck")
        assert checked.returncode == 0, checked.stdout
        rows = json.loads(florc(tmp_path, "logs", "--format", "json").stdout)
        printed = "".join(dict.fromkeys(row["text"] for row in rows))
        assert printed.startswith(seen.rpartition("\n")[0].rpartition("\n")[0]), "every acknowledged row is there"
    (tmp_path / "train.py").write_text((tmp_path / "train.py").read_text().replace(
        "    print(", "    print('probe', state['x'])\n    print("))
    ran = florc(tmp_path, "replay", "--where", "epoch < 2")
    assert ran.stdout.splitlines() == ["probe " + line.split()[-1] for line in seen.splitlines()[:2]], ran.stderr
    assert "0 B" not in florc(tmp_path, "gc", "--keep", "0").stdout
    assert florc(tmp_path, "runs").stdout.startswith("no runs yet")
