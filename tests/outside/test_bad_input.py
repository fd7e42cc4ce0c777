"""Bad input and bad worlds: a clear error that says what to do, nothing lost, no traceback of florc's."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FLORC = Path(sys.executable).with_name("florc")

LOOP = """\
import random
random.seed(1)
state = {"x": 0.0}
for epoch in range(6):
    for step in range(4):
        state["x"] += random.random()
    print("epoch", epoch, "x", state["x"])
"""


def florc(folder, *args, **env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FLORC_")}
    done = subprocess.run(
        [str(FLORC), *args], cwd=folder, env=clean | {"OMP_NUM_THREADS": "1"} | env, capture_output=True, text=True,
        timeout=120, stdin=subprocess.DEVNULL,
    )
    assert "panicked" not in done.stderr
    return done


def python(folder, *args):
    return subprocess.run(
        [sys.executable, *args], cwd=folder, capture_output=True, text=True, timeout=120,
        stdin=subprocess.DEVNULL,
    )


def write(folder, text, name="train.py"):
    (folder / name).write_text(text)


def test_no_such_script(tmp_path):
    ran = florc(tmp_path, "run", "trian.py")
    assert ran.returncode == 2
    assert "trian.py" in ran.stderr and "Traceback" not in ran.stderr


@pytest.mark.parametrize("text", ["x = = 1\n", "def f(:\n    pass\n", "print('a'\n"])
def test_a_syntax_error_is_pythons_own(tmp_path, text):
    write(tmp_path, text)
    plain, ran = python(tmp_path, "train.py"), florc(tmp_path, "run", "train.py")
    assert ran.returncode == plain.returncode == 1
    assert ran.stderr.startswith(plain.stderr)


def test_explain_shows_the_span_of_a_syntax_error(tmp_path):
    write(tmp_path, "for epoch in range(3):\n    x = = 1\n")
    ran = florc(tmp_path, "explain", "train.py")
    assert ran.returncode == 2
    assert "train.py:2" in ran.stderr and "x = = 1" in ran.stderr


def test_not_python(tmp_path):
    (tmp_path / "train.py").write_bytes(b"\x7fELF\x02\x01\x00\x00\xff\xfe")
    plain, ran = python(tmp_path, "train.py"), florc(tmp_path, "run", "train.py")
    assert ran.returncode == plain.returncode == 1
    assert ran.stderr.startswith(plain.stderr)
    assert florc(tmp_path, "explain", "train.py").returncode == 2


RAISING = LOOP.replace("    for step", "    if epoch == 3:\n        raise ValueError('no data')\n    for step")


def test_a_script_that_raises_keeps_its_traceback_and_what_was_recorded(tmp_path):
    write(tmp_path, RAISING)
    plain = python(tmp_path, "train.py")
    ran = florc(tmp_path, "run", "--checkpoints", "all", "train.py")
    assert (ran.returncode, ran.stdout) == (plain.returncode, plain.stdout)
    assert ran.stderr.startswith(plain.stderr)
    write(tmp_path, RAISING.replace("    print(", "    print('probe', epoch)\n    print("))
    replayed = florc(tmp_path, "replay")
    assert replayed.returncode == 0, replayed.stderr
    assert replayed.stdout.splitlines() == [f"probe {epoch}" for epoch in range(3)]
    assert "ValueError" in florc(tmp_path, "runs").stdout


@pytest.mark.parametrize(("statement", "code"), [
    ("import sys; sys.exit(7)", 7), ("raise SystemExit", 0), ("import sys; sys.exit('bye')", 1),
    ("import os; os._exit(5)", 5),
])
def test_the_exit_code_is_the_scripts(tmp_path, statement, code):
    write(tmp_path, LOOP + statement + "\n")
    plain, ran = python(tmp_path, "train.py"), florc(tmp_path, "run", "train.py")
    assert plain.returncode == ran.returncode == code
    assert ran.stderr.startswith(plain.stderr)


def test_a_script_without_loops_has_its_logs(tmp_path):
    write(tmp_path, "x = 1.5\nprint(f'x {x}')\n")
    assert florc(tmp_path, "run", "train.py").stdout == "x 1.5\n"
    rows = json.loads(florc(tmp_path, "logs", "--format", "json").stdout)
    assert [(row["name"], row["value"]) for row in rows] == [("x", 1.5)]
    write(tmp_path, "x = 1.5\nprint('twice', 2 * x)\nprint(f'x {x}')\n")
    refused = florc(tmp_path, "replay")
    assert (refused.returncode, refused.stdout) == (1, ""), "no state was recorded that proves it"
    assert "twice 3.0" in florc(tmp_path, "replay", "--approximate").stdout


def test_an_unwritable_store_does_not_stop_the_training(tmp_path):
    write(tmp_path, LOOP)
    (tmp_path / ".florc").write_text("a file where the store should be")
    ran = florc(tmp_path, "run", "train.py")
    assert ran.returncode == 0
    assert ran.stdout == python(tmp_path, "train.py").stdout
    assert ".florc" in ran.stderr and "Traceback" not in ran.stderr


def test_a_run_that_does_not_exist(tmp_path):
    write(tmp_path, LOOP)
    assert florc(tmp_path, "replay").returncode == 2
    florc(tmp_path, "run", "train.py")
    ran = florc(tmp_path, "replay", "nosuchrun")
    assert ran.returncode == 2
    assert "nosuchrun" in ran.stderr and "florc runs" in ran.stderr


def test_a_probe_that_is_never_reached_is_said(tmp_path):
    write(tmp_path, LOOP)
    florc(tmp_path, "run", "--checkpoints", "all", "train.py")
    write(tmp_path, LOOP.replace("    print(", "    if epoch > 100:\n        print('probe', epoch)\n    print("))
    ran = florc(tmp_path, "replay")
    assert ran.stdout == ""
    assert "train.py:8" in ran.stderr and "not reached" in ran.stderr, ran.stderr


def test_a_store_of_a_newer_format_is_refused(tmp_path):
    write(tmp_path, LOOP)
    florc(tmp_path, "run", "train.py")
    (manifest,) = (tmp_path / ".florc" / "runs").glob("*/manifest.json")
    content = json.loads(manifest.read_text())
    manifest.chmod(0o644)
    manifest.write_text(json.dumps(content | {"format": content["format"] + 1}))
    ran = florc(tmp_path, "replay")
    assert ran.returncode == 2
    assert "newer" in ran.stderr and ran.stdout == ""


SLOW = LOOP.replace("import random", "import random, time").replace(
    "    for step", "    time.sleep(0.15)\n    for step"
).replace("range(6)", "range(60)")


def test_kill_9_keeps_what_was_finished(tmp_path):
    write(tmp_path, SLOW)
    running = subprocess.Popen(
        [str(FLORC), "run", "--checkpoints", "all", "train.py"], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    seen = [running.stdout.readline() for _ in range(5)]
    running.send_signal(signal.SIGKILL)
    running.wait()
    rows = json.loads(florc(tmp_path, "logs", "--format", "json").stdout)
    printed = "".join(dict.fromkeys(row["text"] for row in rows))
    assert printed.startswith("".join(seen[:-1])), "every acknowledged row is there"
    write(tmp_path, SLOW.replace("    print(", "    print('probe', state['x'])\n    print("))
    ran = florc(tmp_path, "replay", "--where", "epoch < 4", "--workers", "2")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["probe " + line.split()[-1] for line in seen[:4]]


def test_two_runs_at_once_do_not_mix(tmp_path):
    write(tmp_path, SLOW.replace("range(60)", "range(8)"))
    both = [
        subprocess.Popen([str(FLORC), "run", "train.py"], cwd=tmp_path, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert outputs[0] == outputs[1]
    runs = json.loads(florc(tmp_path, "runs", "--format", "json").stdout)
    assert len(runs) == 2
    for entry in runs:
        rows = json.loads(florc(tmp_path, "logs", entry["run"], "--format", "json").stdout)
        assert "".join(dict.fromkeys(row["text"] for row in rows)) == outputs[0]


def test_interrupted_by_ctrl_c_ends_as_the_plain_run_does(tmp_path):
    write(tmp_path, SLOW)

    def interrupt(command):
        running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"})
        running.stdout.readline()
        time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        return running.communicate(timeout=30)[1], running.returncode

    plain, recorded = interrupt([sys.executable, "train.py"]), interrupt([str(FLORC), "run", "train.py"])
    assert recorded[1] == plain[1]
    assert "KeyboardInterrupt" in recorded[0] and "_runner" not in recorded[0]


def test_replay_of_a_run_with_a_crash_between_checkpoint_and_journal(tmp_path):
    """A torn journal tail is cut off at the last whole record."""
    write(tmp_path, LOOP)
    florc(tmp_path, "run", "--checkpoints", "all", "train.py")
    (journal,) = (tmp_path / ".florc" / "runs").glob("*/journal-*")
    data = journal.read_bytes()
    journal.write_bytes(data[:-7])
    write(tmp_path, LOOP.replace("    print(", "    print('probe', state['x'])\n    print("))
    ran = florc(tmp_path, "replay")
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.splitlines()) == 6
