"""The oracle can fail: planted faults must be reported, never printed as truth."""

import os
import re
import shutil

import pytest
from oracle import Project, run, FLORC


def small(tmp_path, text):
    """A project with one script of its own."""
    project = Project.__new__(Project)
    project.name, project.root = "own", tmp_path
    project.command, project.entry = ["train.py"], "train.py"
    (tmp_path / "train.py").write_text(text)
    return project


def rerun(tmp_path, text):
    """What an edited script prints of its probes when it is run from scratch, in a folder of its own."""
    (tmp_path / "scratch").mkdir()
    ran = small(tmp_path / "scratch", text).plain()
    assert ran.code == 0, ran.stderr
    return ran.probes()


UNSEEDED = """\
import random
import threading
import numpy as np
rng = random.Random()                  # entropy of the operating system: the seed is kept
WHERE
weights = np.zeros(3)
for epoch in range(6):
    for row in data:
        weights += 0.1 * (row - weights)
    print("epoch", epoch, float(weights.sum()))
"""
HERE = "data = np.array([rng.gauss(0, 1) for _ in range(60)]).reshape(20, 3)"
# Seeds that other threads take are not.
ELSEWHERE = """\
drawn = []
thread = threading.Thread(target=lambda: drawn.extend(random.Random().gauss(0, 1) for _ in range(60)))
thread.start()
thread.join()
data = np.array(drawn).reshape(20, 3)"""


def probed(tmp_path, where):
    project = small(tmp_path, UNSEEDED.replace("WHERE", where))
    ran = project.record()
    assert ran.code == 0
    text = project.script.read_text()
    project.script.write_text(text.replace("    print(", "    print('probe', float(weights.sum()))\n    print("))
    return project, [f"probe {line.split()[2]}" for line in ran.stdout.splitlines()]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_unseeded_generator_is_reported(tmp_path, workers):
    project, _ = probed(tmp_path, ELSEWHERE)
    ran = project.replay("--workers", workers)
    assert ran.code == 1
    assert ran.probes() == []
    assert "data" in ran.stderr or "weights" in ran.stderr, ran.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_seed_from_the_system_is_taken_again(tmp_path, workers):
    project, expected = probed(tmp_path, HERE)
    ran = project.replay("--workers", workers)
    assert (ran.code, ran.stdout.splitlines()) == (0, expected), ran.stderr


DIVERGING = """\
import os
state = {"value": 0}
for epoch in range(4):
    for step in range(3):
        state["value"] += int.from_bytes(open("/dev/urandom", "rb").read(2), "big")
    print("epoch", epoch)
"""


def test_hidden_randomness_inside_the_loop_is_reported(tmp_path):
    project = small(tmp_path, DIVERGING)
    assert project.record().code == 0
    project.script.write_text(
        DIVERGING.replace('big")\n', 'big")\n        print("probe", state["value"])\n')
    )
    ran = project.replay("--workers", "2")
    assert ran.code == 1
    assert ran.probes() == []
    assert "value" in ran.stderr, "the first difference is named"


def test_a_flipped_bit_in_a_checkpoint_is_named(recorded, tmp_path):
    source, _, _ = recorded("numpy_mlp")
    shutil.copytree(source.root, tmp_path / "copy")
    project = small(tmp_path / "copy", source.script.read_text())
    project.name = "numpy_mlp"
    packs = [pack for pack in sorted((project.root / ".florc" / "packs").rglob("*.pack"))]
    for pack in packs:
        data = bytearray(pack.read_bytes())
        data[len(data) // 2] ^= 0x10
        pack.write_bytes(bytes(data))
    project.add_probes(["outer"])
    ran = project.replay()
    assert ran.code != 0
    assert ran.probes() == []
    assert re.search(r"damaged|hash|checksum", ran.stderr), ran.stderr


def test_a_changed_learning_rate_takes_no_part(recorded, from_scratch):
    project, _, _ = recorded("numpy_mlp")
    project.add_probes(("outer",))
    text = project.script.read_text().replace("lr, momentum = 0.5, 0.9", "lr, momentum = 0.4, 0.9")
    project.script.write_text(text)
    ran = project.replay()
    assert (ran.code, ran.probes()) == (0, from_scratch("numpy_mlp", ("outer",))), ran.stderr
    assert "changed, state-changing (argument): `lr, momentum = 0.4, 0.9`" in ran.stderr
    ran = project.replay("--strict")
    assert (ran.code, ran.stdout) == (2, "")
    assert "lr, momentum = 0.4, 0.9" in ran.stderr


def test_a_probe_that_changes_training_is_refused(recorded):
    project, _, _ = recorded("numpy_mlp")
    text = project.script.read_text().replace(
        "    loss_history.append(loss)", "    print('probe', params['b1'].fill(0.5))\n    loss_history.append(loss)"
    )
    project.script.write_text(text)
    ran = project.replay()
    assert ran.code in (1, 2)
    assert ran.probes() == []
    assert ".fill(0.5)" in ran.stderr


BEST = """\
import json
weights, best = [1.0, 2.0], 9.0
for epoch in range(4):
    weights[0] -= 0.1 * weights[1]
    if abs(weights[0] - 0.8) < best:
        best = abs(weights[0] - 0.8)
        json.dump(epoch, open("best.json", "w"))
    print("epoch", epoch)
saved = json.load(open("best.json"))
print("end")
"""


def test_a_file_that_another_run_has_overwritten_is_not_taken_for_the_recorded_one(tmp_path):
    project = small(tmp_path, BEST)
    assert project.record().code == 0
    project.script.write_text(BEST.replace('print("end")', 'print("probe", saved)\nprint("end")'))
    ran = project.replay()
    assert (ran.code, ran.probes()) == (0, ["probe 0"]), ran.stderr
    best = tmp_path / "best.json"
    best.write_text("3")
    os.utime(best, times=(best.stat().st_mtime + 60,) * 2)
    ran = project.replay()
    assert (ran.code, ran.probes()) == (1, [])
    assert "best.json" in ran.stderr


REWRITES = """\
import json, time, tokenize
value = 1.0
for epoch in range(4):
    value *= 1.5
    time.sleep(0.05)  # the clock that dates files ticks
    json.dump(value, open("last.json", "w"))
    print("epoch", epoch)
"""


@pytest.mark.parametrize("workers", ["1", "3"])
@pytest.mark.parametrize(("at", "answered"), [("    time.sleep", False), ("    print(", True)])
def test_a_file_that_the_run_rewrote_later_is_not_taken_for_what_it_was(tmp_path, workers, at, answered):
    """A library that florc does not know reads it: only its age tells."""
    project = small(tmp_path, REWRITES)
    (tmp_path / "last.json").write_text("0")
    assert project.record().code == 0
    probe = "    print('probe', tokenize.open('last.json').read())\n"
    project.script.write_text(REWRITES.replace(at, probe + at))
    ran = project.replay("--workers", workers)
    values = [f"probe {1.5 ** epoch}" for epoch in range(1, 5)]
    if answered:
        assert (ran.code, ran.probes()) == (0, values), ran.stderr
    else:
        assert (ran.code, ran.probes()) == (1, []), ran.stderr
        assert "last.json" in ran.stderr


def test_a_log_statement_that_is_gone_or_says_more_is_no_obstacle(tmp_path):
    project = small(tmp_path, BEST)
    assert project.record().code == 0
    text = BEST.replace('    print("epoch", epoch)\n', '    print("probe", epoch, weights[0])\n').replace('print("end")\n', "")
    project.script.write_text(text)
    (tmp_path / "scratch").mkdir()
    expected = small(tmp_path / "scratch", text).plain().probes()
    ran = project.replay("--workers", "2")
    assert (ran.code, ran.stdout.splitlines()) == (0, expected), ran.stderr
    assert "verified" in ran.stderr


def test_florc_is_the_command_under_test():
    assert run([FLORC, "--version"], "/").stdout.startswith("florc ")


def test_a_replay_has_the_threads_of_the_recorded_run(recorded, from_scratch):
    """How many threads share a sum decides its last bits: the recorded number counts, not today's."""
    project, _, _ = recorded("argparse_main")  # recorded with one thread
    project.add_probes(["outer"])
    ran = run([FLORC, "replay", "--script", "train.py"], project.root, OMP_NUM_THREADS="2")
    assert ran.code == 0, ran.stderr
    assert ran.stdout.splitlines() == from_scratch("argparse_main", ("outer",))


ADDRESSES = """\
class Item: pass
items = [Item()]
print(items)
for epoch in range(4):
    items.append(Item())
    print("epoch", epoch, items[-1])
"""


@pytest.mark.parametrize(("probe", "code", "words"), [
    ("len(items)", 0, "verified"), ("items[0]", 1, "address"), ("id(items)", 2, "address"),
])
def test_addresses_are_nobodys_values(tmp_path, probe, code, words):
    project = small(tmp_path, ADDRESSES)
    assert project.record().code == 0
    project.script.write_text(ADDRESSES + f"    print('probe', {probe})\n")
    ran = project.replay("--workers", "2")
    assert (ran.code, len(ran.probes())) == (code, 0 if code else 4), ran.stderr
    assert words in ran.stderr
