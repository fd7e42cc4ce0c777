"""Files that are dated anew, and hold what they held: a copy of the project, a checkout, `touch`."""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
from oracle import run, FLORC  # noqa: E402
from test_negative import small  # noqa: E402

SCRIPT = """\
import os
rows = [float(line) for line in open("data/train.csv")]
value = 0.0
for epoch in range(6):
    for row in rows:
        value += 0.1 * (row - value)
    print("epoch", epoch, value)
"""
ASKED = SCRIPT.replace("    print(", "    print('probe', epoch, rows[-1], value)\n    print(")
LATE = SCRIPT.replace("    for row in", "    rows = [float(line) for line in open('data/train.csv')]\n    for row in")
WALKED = SCRIPT.replace("    for row in", "    value += sum(len(files) for _, _, files in os.walk('data'))\n    for row in")
LISTED = SCRIPT.replace("    for row in", "    value += len(os.listdir('data'))\n    for row in")
CHANGING = SCRIPT.replace("    for row in", "    value += float(open('state').read())\n    open('state', 'w').write(str(epoch % 3))\n    for row in")
ROWS = "1.5\n2.5\n-3.5\n"


def asked(text):
    return text.replace("    print(", "    print('probe', epoch, value)\n    print(")


def recorded(folder, script):
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "train.csv").write_text(ROWS)
    (folder / "state").write_text("2")
    time.sleep(0.1)  # older than the run
    project = small(folder, script)
    assert project.record().code == 0
    return project


def later(folder):
    """All is dated now."""
    time.sleep(0.05)
    for path in [*folder.rglob("*"), folder]:
        if ".florc" not in path.parts:
            os.utime(path)


def values(tmp_path, script):
    (tmp_path / "scratch" / "data").mkdir(parents=True)
    (tmp_path / "scratch" / "data" / "train.csv").write_text(ROWS)
    (tmp_path / "scratch" / "state").write_text("2")
    return small(tmp_path / "scratch", script).plain().probes()


@pytest.mark.parametrize("script", [SCRIPT, LATE, LISTED], ids=["before", "in the loop", "listed"])
def test_a_later_date_is_not_another_content(tmp_path, script):
    project = recorded(tmp_path / "project", script)
    later(project.root)
    project.script.write_text(asked(script))
    ran = project.replay()
    assert (ran.code, ran.stdout.splitlines()) == (0, values(tmp_path, asked(script))), ran.stderr


def test_a_copy_of_the_project(tmp_path):
    project = recorded(tmp_path / "project", LATE)
    shutil.copytree(project.root, tmp_path / "copy", copy_function=shutil.copyfile)
    copy = small(tmp_path / "copy", asked(LATE))
    ran = copy.replay()
    assert (ran.code, ran.stdout.splitlines()) == (0, values(tmp_path, asked(LATE))), ran.stderr


@pytest.mark.parametrize("script", [SCRIPT, LATE], ids=["before", "in the loop"])
def test_another_content_is_noticed(tmp_path, script):
    project = recorded(tmp_path / "project", script)
    (project.root / "data" / "train.csv").write_text(ROWS.replace("1.5", "1.6"))
    project.script.write_text(asked(script))
    ran = project.replay()
    assert (ran.code, ran.stdout) == (1, ""), ran.stderr


@pytest.mark.parametrize("more", [False, True])
def test_a_folder_that_a_library_looks_through(tmp_path, more):
    project = recorded(tmp_path / "project", WALKED)
    if more:
        (project.root / "data" / "more.csv").write_text("")
    later(project.root)
    project.script.write_text(asked(WALKED))
    ran = project.replay("--where", "epoch == 3")
    expected = (1, []) if more else (0, values(tmp_path, asked(WALKED))[3:4])
    assert (ran.code, ran.stdout.splitlines()) == expected, ran.stderr


def test_a_file_that_the_run_wrote_goes_by_its_date(tmp_path):
    """At the end it holds what it held at the beginning, and it held something else in between."""
    project = recorded(tmp_path / "project", CHANGING)
    assert (project.root / "state").read_text() == "2"
    later(project.root)
    project.script.write_text(asked(CHANGING))
    ran = project.replay("--where", "epoch == 4")
    assert (ran.code, ran.stdout) == (1, ""), ran.stderr


def test_what_is_kept_is_shown_nowhere(tmp_path):
    project = recorded(tmp_path / "project", SCRIPT)
    assert "kept-files" not in run([FLORC, "show"], project.root).stdout
