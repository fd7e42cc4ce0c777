"""Bounds that a user sets on disk space and memory: kept at every moment, and answers stay right."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FLORC = Path(sys.executable).with_name("florc")

SCRIPT = """\
import os, random
def size(pack):
    try:
        return os.stat(pack).st_size
    except FileNotFoundError:  # dropped by the writer a moment ago
        return 0
random.seed(1)
state = {"x": 0.0, "big": bytearray(100_000)}
for epoch in range(30):
    for step in range(4):
        state["x"] += random.random()
    state["big"] = bytearray(random.randbytes(100_000))
    print("epoch", epoch, "x", state["x"])
    sizes = [size(e.path) for f in os.scandir(os.environ.get("PACKS", ".")) if f.is_dir() for e in os.scandir(f)]
    if sum(sizes) > 650_000:
        print("OVER", sizes)
"""


def florc(folder, *args, code=0, **env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FLORC_")}
    done = subprocess.run([str(FLORC), *args], cwd=folder, env=clean | env, capture_output=True, text=True,
                          timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.parametrize("bounds", [("--max-storage", "650kB"), ("--memory", "1MB"), ("--memory", "1B")])
def test_a_bound_is_kept_and_replays_are_right(tmp_path, bounds):
    (tmp_path / "train.py").write_text(SCRIPT)
    packs = {"PACKS": str(tmp_path / ".florc" / "packs")} if "--max-storage" in bounds else {}
    ran = florc(tmp_path, "run", "--checkpoints", "all", *bounds, "train.py", **packs)
    assert "OVER" not in ran.stdout and "goes on" not in ran.stderr
    (usage,) = json.loads(florc(tmp_path, "du", "--format", "json").stdout)["runs"]
    if packs:
        assert 3 <= usage["checkpoints"] and usage["checkpoint_bytes"] <= 650_000
    else:
        assert usage["checkpoints"] > 30
    assert florc(tmp_path, "fsck").stdout.endswith("no damage\n")
    (tmp_path / "train.py").write_text(SCRIPT.replace("    print(", "    print('probe', state['x'])\n    print(", 1))
    replayed = florc(tmp_path, "replay", "--where", "epoch > 20", "--workers", "2", **packs)
    expected = [line.split()[-1] for line in ran.stdout.splitlines() if line.startswith("epoch")]
    assert replayed.stdout.splitlines() == ["probe " + x for x in expected[21:]]


def test_adaptive_thins_as_well(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT.replace("import os, random", "import os, random, time", 1).replace(
        "    print(", "    time.sleep(0.02)\n    print(", 1))
    florc(tmp_path, "run", "--overhead", "1", "--max-storage", "0.5MB", "train.py")
    (usage,) = json.loads(florc(tmp_path, "du", "--format", "json").stdout)["runs"]
    assert 2 <= usage["checkpoints"] <= 5 and usage["checkpoint_bytes"] <= 500_000


def test_a_bound_that_makes_no_sense(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    assert "20GB" in florc(tmp_path, "run", "--max-storage", "much", "train.py", code=2).stderr
