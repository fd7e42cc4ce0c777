"""Projects that were moved or copied with their store, and scripts that were given another name."""

import shutil

from test_diff_logs import FLORC, run
from test_edits_of_projects import FILES, PROBE

VALUES = 4


def recorded(folder):
    for name, text in FILES.items():
        (folder / name).write_text(text)
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=f", "-c", "user.email=f@example.org", "commit", "-qm", "one"]):
        assert run(folder, "git", *command).returncode == 0
    assert run(folder, FLORC, "run", "--checkpoints", "all", "train.py").returncode == 0


def probed(folder, name="train.py"):
    text = FILES["train.py"].replace(*PROBE[1:])
    (folder / name).write_text(text)
    plain = run(folder, "python", name).stdout.splitlines()
    return [line for line in plain if line.startswith("probe")]


def check(folder, expected, *options):
    shown = run(folder, FLORC, "replay", *options)
    assert shown.stdout.splitlines() == expected and len(expected) == VALUES and "verified" in shown.stderr, shown.stderr


def test_a_project_that_was_moved_is_replayed(tmp_path):
    (tmp_path / "first").mkdir()
    recorded(tmp_path / "first")
    (tmp_path / "first").rename(tmp_path / "second")
    check(tmp_path / "second", probed(tmp_path / "second"), "--workers", "2")
    forked = run(tmp_path / "second", FLORC, "replay", "--fork", "epoch=2")
    assert forked.returncode == 0, forked.stderr


def test_a_copy_is_replayed_with_its_own_files(tmp_path):
    (tmp_path / "first").mkdir()
    recorded(tmp_path / "first")
    shutil.copytree(tmp_path / "first", tmp_path / "copy")
    (tmp_path / "first" / "model.py").write_text("raise SystemExit('not this one')\n")
    check(tmp_path / "copy", probed(tmp_path / "copy"))


def test_a_script_with_another_name(tmp_path):
    recorded(tmp_path)
    assert run(tmp_path, "git", "mv", "train.py", "main.py").returncode == 0
    expected = probed(tmp_path, "main.py")
    told = run(tmp_path, FLORC, "diff-logs")
    assert "main.py (was train.py)" in told.stdout and "of train.py lacks 1 log statement" in told.stdout, told.stdout
    check(tmp_path, expected)
    check(tmp_path, expected, "--script", "main.py")
    spread = run(tmp_path, FLORC, "propagate", "--to", "all")
    assert spread.returncode == 0 and spread.stdout.count("probe") >= VALUES, spread.stdout + spread.stderr
