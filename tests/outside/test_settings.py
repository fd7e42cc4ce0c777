"""`[tool.florc]` while recording and in replay: kept with the run, and never a reason to stop."""

import json

from test_bad_input import florc, python, write

SCRIPT = """\
state = {"x": 0.0}
for seed in range(2):
    for epoch in range(4):
        for step in range(3):
            state["x"] += 0.5 * (seed + 1)
            state.update(step=step)
        print("epoch", epoch, "x", state["x"])
"""
PROBED = SCRIPT.replace("        print", "        print('twice', 2 * state['x'])\n        print")


def manifest(folder):
    (found,) = (folder / ".florc" / "runs").glob("*/manifest.json")
    return json.loads(found.read_text())


def test_a_replay_uses_the_settings_of_its_recording(tmp_path):
    write(tmp_path, '[tool.florc]\nmain-loop = "train.py:seed/epoch"\noverhead = 0.5\n', "pyproject.toml")
    write(tmp_path, SCRIPT)
    assert florc(tmp_path, "run", "--checkpoints", "all", "train.py").returncode == 0
    recorded = manifest(tmp_path)
    assert recorded["settings"]["main_loop"] == ["train.py:seed/epoch"]
    assert recorded["overhead_bound"] == 0.5
    assert recorded["modules"][0]["main_loops"][0]["id"] == "train.py:seed/epoch"
    (tmp_path / "pyproject.toml").unlink()
    write(tmp_path, PROBED)
    ran = florc(tmp_path, "replay", "--workers", "2")
    expected = [line for line in python(tmp_path, "train.py").stdout.splitlines() if line.startswith("twice")]
    assert ran.stdout.splitlines() == expected, ran.stderr
    assert "verified" in ran.stderr


def test_comments_are_obeyed_while_recording(tmp_path):
    write(tmp_path, SCRIPT.replace("range(4):", "range(4):  # florc: main-loop"))
    assert florc(tmp_path, "run", "train.py").returncode == 0
    assert manifest(tmp_path)["modules"][0]["main_loops"][0]["id"] == "train.py:seed/epoch"


def test_broken_settings_are_told_and_the_script_runs(tmp_path):
    write(tmp_path, "[tool.florc]\noverhead = 'much'\n", "pyproject.toml")
    write(tmp_path, SCRIPT)
    ran = florc(tmp_path, "run", "train.py")
    assert (ran.returncode, ran.stdout) == (0, python(tmp_path, "train.py").stdout)
    assert "bad-settings" in ran.stderr and "overhead = 'much'" in ran.stderr
    assert manifest(tmp_path)["overhead_bound"] == 0.02


def test_the_command_line_overrules_the_settings(tmp_path):
    write(tmp_path, "[tool.florc]\noverhead = 0.5\n", "pyproject.toml")
    write(tmp_path, SCRIPT)
    assert florc(tmp_path, "run", "--overhead", "0.1", "train.py").returncode == 0
    assert manifest(tmp_path)["overhead_bound"] == 0.1
