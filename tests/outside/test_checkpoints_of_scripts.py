"""Scripts that keep checkpoints of their own: what the run left on the disk is not what it found there."""

import sys

import pytest
from test_diff_logs import FLORC, run
from test_state_in_disguise import HEAD, answer, recorded, without_probes

SCRIPT = """\
import glob, json, os, shutil
from pathlib import Path
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
    "the last two": ("", "open(f'{epoch}.kept', 'w').close()\n    if epoch > 1: os.remove(f'{epoch - 2}.kept')"),
    "the last two, by path": ("", "Path(f'{epoch}.kept').touch()\n    if epoch > 1: Path(f'{epoch - 2}.kept').unlink()"),
    "a folder that was not there": ("os.mkdir('kept')", "open(f'kept/{epoch}', 'w').close()"),
    "folders that were not there": ("os.makedirs('kept/all')", "open(f'kept/all/{epoch}', 'w').close()"),
    "a folder, where it is not there": ("if not os.path.exists('kept'): os.mkdir('kept')", "open(f'kept/{epoch}', 'w').close()"),
}
# What such a call found is not kept: it fails, or does not, by what is there today.
REFUSED = {
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


READ_AT_THE_END = {
    "a file that grows": ("open('log', 'w').close()", "with open('log', 'a') as log: log.write(f'{epoch}\\n')", "len(open('log').readlines())"),
    "a file that stays open": ("log = open('log', 'w')", "log.write(f'{epoch}\\n'); log.flush()", "len(open('log').readlines())"),
    "a folder that is made anew": ("shutil.rmtree('all', ignore_errors=True); os.makedirs('all')", "open(f'all/{epoch}', 'w').close()", "[name for name in sorted(os.listdir('all')) if open(f'all/{name}')]"),
    "a history that is written as a whole": ("history = []", "history.append(value); json.dump(history, open('history.json', 'w'))", "json.load(open('history.json'))"),
    "what a pattern finds": ("", "Path(f'{epoch}.kept').touch()", "sorted(path.name for path in Path().glob('*.kept'))"),
    "what is in a folder": ("Path('all').mkdir(exist_ok=True)", "Path(f'all/{epoch}').touch()", "len(list(Path('all').iterdir())), next(Path('all').rglob('3')).name"),
}


@pytest.mark.parametrize("which", READ_AT_THE_END)
def test_what_was_written_is_read_after_the_loop(tmp_path, which):
    before, save, read = READ_AT_THE_END[which]
    script = HEAD + SCRIPT.replace("BEFORE", before).replace("SAVE", save).replace('    print("probe", epoch, value)\n', "") + f"found = {read}\nprint('end')\n"
    (tmp_path / "train.py").write_text(script)
    assert run(tmp_path, FLORC, "run", "--checkpoints", "all", "train.py").returncode == 0
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "train.py").write_text(script + "print('probe', found)\n")
    plain = run(tmp_path / "later", sys.executable, "train.py").stdout.splitlines()[-1:]
    for name in ("7.kept", "all/7"):
        if (tmp_path / name).parent.exists():
            (tmp_path / name).touch()  # another run's
    (tmp_path / "train.py").write_text(script + "print('probe', found)\n")
    assert answer(tmp_path, "--workers", "1") == answer(tmp_path, "--workers", "3") == plain


def test_what_a_file_held_in_between_is_not_guessed(tmp_path):
    """Read in the loop, by a replay that begins in the middle: the rows before are not there."""
    script = HEAD + SCRIPT.replace("BEFORE", "open('log', 'w').close()").replace("SAVE", "log = open('log', 'a'); log.write('x'); log.close()")
    (tmp_path / "train.py").write_text(script.replace('    print("probe", epoch, value)\n', "    size = len(open('log').read())\n"))
    assert run(tmp_path, FLORC, "run", "--checkpoints", "all", "train.py").returncode == 0
    (tmp_path / "train.py").write_text(script.replace('    print("probe", epoch, value)\n', "    size = len(open('log').read())\n    print('probe', size)\n"))
    ran = run(tmp_path, FLORC, "replay", "--workers", "3")
    assert (ran.returncode, ran.stdout) == (1, "") and "is not known" in ran.stderr, ran.stderr


OPEN = {
    "a position": ("log = open('log', 'w')", "log.write('x' * (epoch + 1)); at = log.tell()"),
    "a position in a file that is opened again": ("open('log', 'w').close()", "log = open('log', 'a'); log.write('x' * (epoch + 1)); at = log.tell(); log.close()"),
    "a file that has no name": ("import tempfile\nlog = tempfile.TemporaryFile('w+')", "log.write('x' * (epoch + 1)); log.seek(0); at = len(log.read())"),
    "a file that is written and read": ("log = open('log', 'w+')", "log.write('x' * (epoch + 1)); log.seek(0); at = len(log.read())"),
    "the size of a file": ("open('log', 'w').close()", "log = open('log', 'a'); log.write('x' * (epoch + 1)); log.close(); at = Path('log').stat().st_size"),
    "a file that is changed in place": ("open('n', 'w').write('0')", "with open('n', 'r+') as f: at = int(f.read()) + 1; f.seek(0); f.write(str(at))"),
    "another name for a file": ("open('log', 'w').close()", "log = open('log', 'a'); log.write('x' * (epoch + 1)); log.close(); Path('also').unlink(missing_ok=True); os.link('log', 'also'); at = len(open('also').read())"),
    "what another thread reads": ("from concurrent.futures import ThreadPoolExecutor; pool = ThreadPoolExecutor(1)\ndef size(): return len(open('log').read())\nopen('log', 'w').close()", "log = open('log', 'a'); log.write('x' * (epoch + 1)); log.close(); at = pool.submit(size).result()"),
    "what is printed to memory": ("import io, contextlib", "with contextlib.redirect_stdout(io.StringIO()) as text:\n        for n in range(epoch + 1): value += random.random(); print('x')\n    at = len(text.getvalue())"),
    "a database": ("import sqlite3; Path('log.db').unlink(missing_ok=True)", "base = sqlite3.connect('log.db'); base.execute('create table if not exists log (x)'); base.execute('insert into log values (1)'); base.commit(); at = base.execute('select count(*) from log').fetchone()[0]; base.close()"),
    "a folder": ("shutil.rmtree('all', ignore_errors=True); os.mkdir('all')", "Path(f'all/{epoch}').touch(); at = sum((n + 1) for n in range(sum(1 for _ in os.scandir('all'))))"),
    "a file that is removed later": ("", "if epoch == 1: open('on', 'w').close()\n    try: open('on').close(); at = 1\n    except FileNotFoundError: at = 0\n    if epoch == 4: os.remove('on')"),
    "what was copied with its time": ("open('old', 'w').write('12345'); os.utime('old', (1e9, 1e9)); open('now', 'w').close()", "if epoch == 1: shutil.copy2('old', 'now')\n    at = len(open('now').read())"),
    "lines that a block prints to a file": ("open('log', 'w').close()", "with open('log', 'a') as log:\n        for n in range(epoch + 1): value += random.random(); print('x', file=log)\n    at = len(open('log').readlines())"),
}


@pytest.mark.parametrize("which", OPEN)
def test_what_files_say_in_between_is_right_or_not_shown(tmp_path, which):
    before, save = OPEN[which]
    script = SCRIPT.replace("BEFORE", before).replace("SAVE", save).replace('print("probe", epoch, value)', 'print("probe", epoch, at)')
    expected = recorded(tmp_path, HEAD + script)
    assert len(set(expected)) == 6
    for options in (("--workers", "1"), ("--workers", "3"), ("--where", "epoch == 4")):
        ran = run(tmp_path, FLORC, "replay", *options)
        assert ran.stdout.splitlines() in ([], expected, expected[4:5]), (options, ran)
        assert (ran.returncode == 0) == bool(ran.stdout), ran.stderr


def test_files_below_an_open_folder_are_the_replay_s_own(tmp_path):
    save = "folder = os.open('.', os.O_RDONLY); os.open('mine', os.O_CREAT | os.O_WRONLY, dir_fd=folder); os.remove('user.txt', dir_fd=folder) if epoch == 2 else None; os.close(folder)"
    (tmp_path / "user.txt").touch()
    expected = recorded(tmp_path, HEAD + "import os\nopen('user.txt', 'w').close()\n" + SCRIPT.replace("BEFORE", "").replace("SAVE", save))
    (tmp_path / "user.txt").write_text("mine")
    ran = run(tmp_path, FLORC, "replay")
    assert ran.stdout.splitlines() in ([], expected)
    assert (tmp_path / "user.txt").read_text() == "mine", "the user's own"
