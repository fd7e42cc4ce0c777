"""What workers of a replay may use: GPUs, and programs that the script starts."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
from oracle import FLORC, run  # noqa: E402
from test_negative import small  # noqa: E402

SCRIPT = """\
import time
value = 1.0
for epoch in range(6):
    for step in range(2):
        time.sleep(0.02)
        value += 0.25 * value
    print("epoch", epoch, value)
"""
PROBED = SCRIPT.replace("        value +=", "        print('probe', epoch, step, value)\n        value +=")
# A Python that tells what it was started with.
PYTHON = """\
#!/bin/sh
case "$*" in *--worker*) echo "$CUDA_VISIBLE_DEVICES" >> {seen};; esac
exec {python} "$@"
"""


@pytest.fixture
def project(tmp_path):
    project = small(tmp_path, SCRIPT)
    assert project.record().code == 0
    project.script.write_text(PROBED)
    return project


def test_each_worker_sees_a_gpu_of_its_own(tmp_path, project):
    python, seen = tmp_path / "python", tmp_path / "seen"
    python.write_text(PYTHON.format(seen=seen, python=sys.executable))
    python.chmod(0o755)
    ran = project.replay("--gpus", "2,GPU-5a", "--python", str(python), "--format", "json")
    told = json.loads(ran.stdout)
    assert told["status"] == "verified" and told["workers"] == 2 and len(told["rows"]) == 12 * 3, ran.stderr
    assert sorted(set(seen.read_text().split())) == ["2", "GPU-5a"]


@pytest.mark.parametrize(("options", "words"), [(["--gpus", "0;1"], "CUDA_VISIBLE_DEVICES"), (["--gpus", "0", "--workers", "2"], "cannot be used with")])
def test_gpus_that_cannot_be(project, options, words):
    ran = project.replay(*options)
    assert ran.code == 2 and words in ran.stderr


STARTS = SCRIPT.replace("value = 1.0\n", "import subprocess\nvalue = 1.0\nsubprocess.run(['touch', 'made'])\n")


@pytest.fixture
def starting(tmp_path):
    project = small(tmp_path, STARTS)
    assert project.record().code == 0
    (project.root / "made").unlink()
    project.script.write_text(STARTS.replace("    print(", "    print('probe', epoch)\n    print("))
    return project


def test_programs_are_started_on_demand_and_values_marked(starting):
    ran = run([FLORC, "replay"], starting.root)
    assert (ran.code, ran.stdout) == (1, "") and "--allow-programs" in ran.stderr, ran.stderr
    assert not (starting.root / "made").exists()
    ran = run([FLORC, "replay", "--allow-programs"], starting.root)
    assert ran.code == 1 and ran.stdout.splitlines() == [f"[approximate] probe {epoch}" for epoch in range(6)], ran.stderr
    assert "a program was started ('touch')" in ran.stderr and (starting.root / "made").exists()
