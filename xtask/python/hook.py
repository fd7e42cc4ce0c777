"""Cost of the hooks when no run is active, and of a counted loop's iteration."""

import statistics
import timeit

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
