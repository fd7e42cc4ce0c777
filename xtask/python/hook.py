"""Cost of the hooks when no run is active, of a counted loop's iteration, and of a recorded `print`."""

import statistics
import subprocess
import sys
import tempfile
import timeit
from pathlib import Path

import florc

CALLS = 200_000
HOOKS = {
    "step_into": ("florc.step_into('s')", "pass"),
    "end, 4 roots": ("florc.end('s', a, b, c, d)", "a = b = c = d = 1"),
    "carry, 4 roots": ("florc.carry('s', a, b, c, d)", "a = b = c = d = 1"),
}
LOOPS = ("for i in florc.loop('l', range(1000)): pass", "for i in range(1000): pass")


def median(statement, setup, number):
    space = {"florc": florc}
    return statistics.median(
        timeit.timeit(statement, setup, globals=space, number=number) for _ in range(7)
    )


empty = median("pass", "pass", CALLS)
for name, (statement, setup) in HOOKS.items():
    nanoseconds = (median(statement, setup, CALLS) - empty) / CALLS * 1e9
    print(f"  {name:<18} {nanoseconds:7.0f} ns")
counted, plain = (median(loop, "pass", 200) for loop in LOOPS)
print(f"  {'loop, an iteration':<18} {(counted - plain) / 200_000 * 1e9:7.0f} ns")

PRINTS = """
import time
a, b = 1.5, 7
begun = time.process_time()
for step in range(100_000):
    print("loss", a, b)
print(time.process_time() - begun)
"""


def seconds(command, folder):
    done = subprocess.run([*command, "prints.py"], cwd=folder, check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "prints.py").write_text(PRINTS)
    florc_run = [str(Path(sys.executable).with_name("florc")), "run"]
    added = statistics.median(seconds(florc_run, folder) - seconds([sys.executable], folder) for _ in range(5))
    print(f"  {'a recorded print':<18} {added / 100_000 * 1e9:7.0f} ns more")
