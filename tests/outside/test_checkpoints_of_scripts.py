"""Scripts that keep checkpoints of their own: what the run left on the disk is not what it found there."""

import sys

import pytest
from test_diff_logs import FLORC, run
from test_state_in_disguise import HEAD, answer, without_probes

SCRIPT = """\
import json, os, shutil
value, first = 0.0, 0
BEFORE
for epoch in range(first, 6):
    for step in range(3):
        value += random.random()
    SAVE
    print("epoch", epoch, value)
    print("probe", epoch, value)
"""
DUMP = "json.dump([epoch + 1, value], open('last.json', 'w'))"
KEPT = {
    "the best one": ("best = 9.0", "if abs(value - 5) < best:\n        best = abs(value - 5)\n        " + DUMP),
    "a folder that may be there": ("os.makedirs('kept', exist_ok=True)", "open(f'kept/{epoch}', 'w').close()"),
    "a folder that is made anew": ("shutil.rmtree('kept', ignore_errors=True); os.mkdir('kept')", "open(f'kept/{epoch}', 'w').close()"),
    "one that replaces the one before": ("", "open('new', 'w').write(str(value))\n    os.replace('new', 'last')"),
    "one to go on from": ("if os.path.exists('last.json'):\n    first, value = json.load(open('last.json'))", DUMP),
    "the last two, where they are there": ("", "open(f'{epoch}.kept', 'w').close()\n    old = f'{epoch - 2}.kept'\n    if os.path.exists(old): os.remove(old)"),
    "a folder, where it is not there": ("if not os.path.exists('kept'): os.mkdir('kept')", "open(f'kept/{epoch}', 'w').close()"),
}
# What such a call found is not kept: it fails, or does not, by what is there today.
REFUSED = {
    "the last two": ("", "open(f'{epoch}.kept', 'w').close()\n    if epoch > 1: os.remove(f'{epoch - 2}.kept')"),
    "a folder that was not there": ("os.mkdir('kept')", "open(f'kept/{epoch}', 'w').close()"),
    "a file that was not there": ("log = open('log', 'x')", "log.write(str(epoch))"),
}


def asked(folder, before, save):
    text = HEAD + SCRIPT.replace("BEFORE", before).replace("SAVE", save)
    (folder / "scratch").mkdir()
    (folder / "scratch" / "train.py").write_text(text)
    plain = run(folder / "scratch", sys.executable, "train.py").stdout
    expected = [line for line in plain.splitlines() if line.startswith("probe")]
    assert len(expected) == 6
    (folder / "train.py").write_text(without_probes(text, ""))
    assert run(folder, FLORC, "run", "--checkpoints", "all", "train.py").returncode == 0
    (folder / "train.py").write_text(text)
    return expected


@pytest.mark.parametrize("which", KEPT)
def test_a_script_is_asked_that_keeps(tmp_path, which):
    expected = asked(tmp_path, *KEPT[which])
    assert answer(tmp_path, "--workers", "1") == answer(tmp_path, "--workers", "3") == expected


@pytest.mark.parametrize("which", REFUSED)
def test_no_values_are_shown_of_a_script_that_keeps(tmp_path, which):
    asked(tmp_path, *REFUSED[which])
    ran = run(tmp_path, FLORC, "replay", "--workers", "3")
    assert (ran.returncode, ran.stdout) == (1, ""), ran.stdout + ran.stderr
    assert "No such file" in ran.stderr or "File exists" in ran.stderr, ran.stderr


def test_a_file_that_was_not_there_at_first_is_there_after_the_loop(tmp_path):
    before = "if os.path.exists('best'): value = float(open('best').read())"
    asked(tmp_path, before, "if epoch < 2: open('best', 'w').write(str(value))")
    text = (tmp_path / "train.py").read_text() + "best = open('best').read()\n"
    (tmp_path / "train.py").write_text(without_probes(text, ""))
    (tmp_path / "best").unlink()
    assert run(tmp_path, FLORC, "run", "--checkpoints", "all", "train.py").returncode == 0
    (tmp_path / "train.py").write_text(without_probes(text, "") + "print('probe', best)\n")
    ran = run(tmp_path, FLORC, "replay")
    assert ran.stdout == f"probe {(tmp_path / 'best').read_text()}\n", ran.stderr
