"""A replay that differs names the first difference and its likely cause: one planted fault for each."""

import json
import os

from oracle import FLORC, run
from test_negative import small


def replayed(project, probe, *options, anchor="    print(\"epoch\"", indent=4):
    """Replays with a probe before a statement; what is told in text and in JSON."""
    text = project.script.read_text()
    project.script.write_text(text.replace(anchor, f"{' ' * indent}print('probe', {probe})\n{anchor}"))
    ran = run([FLORC, "replay", "--format", "json", *options], project.root)
    assert ran.code == 1, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    assert told["rows"] == [], "nothing is shown"
    return ran.stderr, told


UNSEEDED = """\
import random, threading
data = []
def fill():
    rng = random.Random()              # entropy of the operating system: kept here, and not in another thread
    data.extend([rng.gauss(0, 1) for _ in range(2)])
fill()
thread = threading.Thread(target=fill)
thread.start()
thread.join()
weights = [0.0]
for epoch in range(4):
    weights[0] += data[epoch]
    print("epoch", epoch)
"""


def test_an_unseeded_generator(tmp_path):
    project = small(tmp_path, UNSEEDED)
    assert project.record().code == 0
    text, told = replayed(project, "weights[0]")
    assert [it["cause"] for it in told["causes"]] == ["unseeded-generator"], text
    assert "train.py:4" in told["causes"][0]["evidence"], text
    assert "unseeded generator" in text


OUTSIDE = """\
value = 1.0
for epoch in range(4):
    for step in range(3):
        noise = int.from_bytes(open("/dev/urandom", "rb").read(2), "big")
        value += noise * 1e-3
    print("epoch", epoch, value)
"""


def test_an_operation_that_gives_another_result_each_time(tmp_path):
    project = small(tmp_path, OUTSIDE)
    assert project.record().code == 0
    text, told = replayed(project, "step", anchor="        value +=", indent=8)
    assert [it["cause"] for it in told["causes"]] == ["not-repeatable"], text
    first = told["first_difference"]
    assert (first["kind"], first["path"], first["head"]["iteration"]) == ("state", "value", 0), first
    assert first["block"] and first["ulps"] > 0 and "ULP" in text
    assert told["difference_at"] == "train.py:3" and "train.py:3: `for step in range(3):`" in text


def test_a_row_that_differs_is_named_with_its_step(tmp_path):
    script = OUTSIDE.replace("    print(\"epoch\", epoch, value)\n", "        print(\"step\", value)\n")
    project = small(tmp_path, script)
    assert project.record(checkpoints="every=9").code == 0
    text, told = replayed(project, "step", anchor="        value +=", indent=8)
    first = told["first_difference"]
    assert (first["kind"], first["path"], first["log"]) == ("row", "value", 0), first
    assert first["context"][-1]["label"] == "step" and first["ulps"] > 0
    assert told["difference_at"] == "train.py:6", text


MISSED = """\
import gc
gc.set_threshold(3000)
value = 1.0
for epoch in range(6):
    for step in range(3):
        value += 0.5 * value
    gc.set_threshold(gc.get_threshold()[0] + 1)
    value += 1e-3 * gc.get_threshold()[0]
    print("epoch", epoch)
"""


def test_state_that_no_checkpoint_holds(tmp_path):
    """A setting that lives in C: from the beginning it comes out right."""
    project = small(tmp_path, MISSED)
    assert project.record().code == 0
    text, told = replayed(project, "value", "--workers", "2")
    assert [it["cause"] for it in told["causes"]] == ["missed-state"], text
    assert told["first_difference"]["path"] == "value"


READS = """\
data = [float(line) for line in open("data.txt")]
value = 0.0
for epoch in range(4):
    value += data[epoch]
    print("epoch", epoch, value)
"""


def test_a_data_file_that_was_written_since(tmp_path):
    project = small(tmp_path, READS)
    (tmp_path / "data.txt").write_text("1\n2\n3\n4\n")
    assert project.record().code == 0
    (tmp_path / "data.txt").write_text("1\n2\n3\n5\n")
    os.utime(tmp_path / "data.txt", times=(tmp_path.stat().st_mtime + 60,) * 2)
    text, told = replayed(project, "value")
    assert [it["cause"] for it in told["causes"]] == ["data-file"], text
    assert "data.txt" in told["causes"][0]["evidence"]


def test_another_environment(tmp_path):
    """The recorded version of a library is another one, and so is what it gave."""
    library = tmp_path / "lib"
    library.mkdir()
    (library / "numpy.py").write_text("__version__ = '0.1'\nSCALE = 3.0\n")
    script = (
        "import sys\nsys.path.insert(0, sys.argv[1])\nimport numpy\nvalue = 0.0\nfor epoch in range(4):\n"
        "    value += getattr(numpy, 'SCALE', 2.0)\n    print(\"epoch\", epoch, value)\n"
    )
    (tmp_path / "project").mkdir()
    project = small(tmp_path / "project", script)
    assert project.record(str(library)).code == 0
    (library / "numpy.py").unlink()
    text, told = replayed(project, "value")
    assert [it["cause"] for it in told["causes"]] == ["environment"], text
    assert "numpy" in told["causes"][0]["evidence"]
