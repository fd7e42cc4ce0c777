"""Makes a failing program smaller: takes statements away while it fails in the same way.

Also puts a suite in the place of its compound statement, and takes single clauses away. The tree is
changed in place.
"""

from tree import Block, suites_of


def shrink(program, fails, budget=400):
    """`fails()` tells whether the program as it is now still fails; at most `budget` tries."""
    left = [budget]

    def attempt(suite, changed):
        if left[0] <= 0:
            return False
        left[0] -= 1
        before = suite[:]
        suite[:] = changed
        if fails():
            return True
        suite[:] = before
        return False

    smaller = True
    while smaller and left[0] > 0:
        smaller = _chunks(program, attempt) | _hoist(program, attempt) | _clauses(program, attempt)


def _chunks(program, attempt):
    smaller = False
    for suite in suites_of(program.suite):
        size = len(suite)
        while size >= 1:
            at = 0
            while at < len(suite):
                if attempt(suite, suite[:at] + suite[at + size :]):
                    smaller = True
                else:
                    at += size
            size //= 2
    return smaller


def _hoist(program, attempt):
    smaller = False
    for suite in suites_of(program.suite):
        at = 0
        while at < len(suite):
            node = suite[at]
            inner = isinstance(node, Block) and node.clauses[0][0].split()[0] in ("if", "with", "try", "for", "while")
            if inner and attempt(suite, suite[:at] + node.clauses[0][1] + suite[at + 1 :]):
                smaller = True
            else:
                at += 1
    return smaller


def _clauses(program, attempt):
    smaller = False
    for suite in suites_of(program.suite):
        for node in suite:
            if isinstance(node, Block):
                for at in range(len(node.clauses) - 1, 0, -1):
                    smaller |= attempt(node.clauses, node.clauses[:at] + node.clauses[at + 1 :])
    return smaller
