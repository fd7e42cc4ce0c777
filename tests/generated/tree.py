"""A Python program as a tree of statements, as far as generating and shrinking need it.

    Block([("for x in xs", [Line("n += x")]), ("else", [Line("n = 0")])])

A line that is a probe is left out of the recorded program. Nothing here knows what a line means.
"""

from dataclasses import dataclass, field


@dataclass
class Line:
    """A statement on lines of its own; `text` may hold several."""

    text: str
    probe: bool = False


@dataclass
class Block:
    """A compound statement: heads without the colon, each with its suite."""

    clauses: list = field(default_factory=list)
    probe: bool = False


def render(suite, probes, around=None):
    """The text of a program with or without its probes; `probes` may be a set of them by id.

    `around` are lines before and behind each row of probes that follow each other."""
    return "\n".join(_lines(suite, probes, "", around)) + "\n"


def _lines(suite, probes, indent, around):
    before, behind = around or ("", "")
    is_row = False
    for node in suite:
        if node.probe and not (probes is True or probes and id(node) in probes):
            continue
        if node.probe is not is_row:
            yield from _indented(before if node.probe else behind, indent)
            is_row = node.probe
        if isinstance(node, Line):
            yield from _indented(node.text, indent)
            continue
        for head, body in node.clauses:
            yield f"{indent}{head}:"
            inner = list(_lines(body, probes, indent + "    ", None if node.probe else around))
            yield from inner
            if not any(line.strip() for line in inner):
                yield f"{indent}    pass"
    if is_row:
        yield from _indented(behind, indent)


def _indented(text, indent):
    for line in text.split("\n") if text else ():
        yield indent + line if line else ""


def probes_of(suite):
    """All probes, in the order of the text."""
    found = []
    for node in suite:
        if node.probe:
            found.append(node)
        elif isinstance(node, Block):
            for _, body in node.clauses:
                found += probes_of(body)
    return found


def suites_of(suite):
    """The suite and all inside it, outermost first."""
    found = [suite]
    for node in suite:
        if isinstance(node, Block):
            for _, body in node.clauses:
                found += suites_of(body)
    return found


def count(suite):
    """How many statements there are."""
    return sum(len(each) for each in suites_of(suite))


def remove(suite, node):
    """Takes one statement away, wherever it stands."""
    for each in suites_of(suite):
        each[:] = [other for other in each if other is not node]
