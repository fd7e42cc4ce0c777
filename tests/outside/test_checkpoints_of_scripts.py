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
}
REFUSED = {
    "the last two": ("", "open(f'{epoch}.kept', 'w').close()\n    if epoch > 1: os.remove(f'{epoch - 2}.kept')"),
    "a folder that was not there": ("os.mkdir('kept')", "open(f'kept/{epoch}', 'w').close()"),
    "a file that was not there": ("log = open('log', 'x')", "log.write(str(epoch))"),
    "one to go on from": ("if os.path.exists('last.json'):\n    first, value = json.load(open('last.json'))", DUMP),
}


def check(folder, before, save):
    text = HEAD + SCRIPT.replace("BEFORE", before).replace("SAVE", save)
    (folder / "scratch").mkdir()
    (folder / "scratch" / "train.py").write_text(text)
    plain = run(folder / "scratch", sys.executable, "train.py").stdout
    expected = [line for line in plain.splitlines() if line.startswith("probe")]
    assert len(expected) == 6
    (folder / "train.py").write_text(without_probes(text, ""))
    assert run(folder, FLORC, "run", "--checkpoints", "all", "train.py").returncode == 0
    (folder / "train.py").write_text(text)
    assert answer(folder, "--workers", "1") == answer(folder, "--workers", "3") == expected


@pytest.mark.parametrize("which", KEPT)
def test_a_script_is_asked_that_keeps(tmp_path, which):
    check(tmp_path, *KEPT[which])


@pytest.mark.parametrize("which", REFUSED)
def test_a_script_is_asked_too_that_keeps(tmp_path, which):
    check(tmp_path, *REFUSED[which])
