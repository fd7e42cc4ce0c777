"""Files that a script reads bit by bit over its whole run: where it has come to is state."""

import pytest
from test_diff_logs import FLORC, run
from test_state_in_disguise import HEAD, answer, recorded

LOOP = """\
import gzip
files = OPEN
value = 0.0
for epoch in range(6):
    for step in range(3):
        value += random.random()
    got = READ
    print("epoch", epoch, value)
    print("probe", epoch, repr(got))
"""
WAYS = {
    "lines": ("open('d.txt')", "files.readline()"),
    "some characters": ("open('d.txt')", "files.read(3)"),
    "bytes": ("open('d.txt', 'rb')", "files.read(3)"),
    "bytes without a buffer": ("open('d.txt', 'rb', buffering=0)", "files.read(3)"),
    "two files": ("[open('d.txt'), open('d.txt')]", "(files[0].readline(), files[1].read(epoch))"),
    "a compressed file": ("gzip.open('d.gz')", "files.readline()"),
    "from anywhere": ("open('d.txt', 'rb')", "(files.seek(2, 1), files.read(1))"),
}


def data(folder):
    import gzip

    text = "".join(f"{n} {n * n}\n" for n in range(100))
    (folder / "d.txt").write_text(text)
    (folder / "d.gz").write_bytes(gzip.compress(text.encode()))


@pytest.mark.parametrize("way", WAYS)
def test_the_position_is_kept(tmp_path, way):
    data(tmp_path)
    opened, read = WAYS[way]
    expected = recorded(tmp_path, HEAD + LOOP.replace("OPEN", opened).replace("READ", read))
    assert len(set(expected)) == 6
    assert answer(tmp_path, "--workers", "3") == expected
    assert answer(tmp_path, "--where", "epoch == 4") == expected[4:5]


def test_a_file_in_the_middle_of_an_iteration_over_it_gives_no_values(tmp_path):
    data(tmp_path)
    recorded(tmp_path, HEAD + LOOP.replace("OPEN", "open('d.txt')").replace("READ", "next(files)"))
    ran = run(tmp_path, FLORC, "replay", "--workers", "3")
    assert (ran.returncode, ran.stdout) == (1, "") and "`files` (_io.TextIOWrapper) cannot be compared" in ran.stderr, ran.stderr


def test_a_file_that_is_opened_in_the_loop_and_stays_open(tmp_path):
    data(tmp_path)
    script = HEAD + LOOP.replace("OPEN", "None").replace("    got =", "    if epoch == 1: files = open('d.txt')\n    got =").replace("READ", "files and files.readline()")
    expected = recorded(tmp_path, script)
    assert answer(tmp_path, "--workers", "3") == expected


def test_files_that_are_written_are_no_state(tmp_path):
    script = HEAD + LOOP.replace("OPEN", "open('out.txt', 'w')").replace("READ", "files.write('x' * epoch)")
    expected = recorded(tmp_path, script)
    assert answer(tmp_path, "--workers", "3") == expected
    assert "opaque" not in run(tmp_path, FLORC, "show").stdout
