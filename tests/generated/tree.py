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

    `around` are lines before and behind each probe."""
    return "\n".join(_lines(suite, probes, "", around)) + "\n"


def _lines(suite, probes, indent, around):
    for node in suite:
        if node.probe and not (probes is True or probes and id(node) in probes):
            continue
        if isinstance(node, Line):
            before, behind = around if around and node.probe else ("", "")
            for text in "\n".join(filter(None, [before, node.text, behind])).split("\n"):
                yield indent + text if text else ""
            continue
        for head, body in node.clauses:
            yield f"{indent}{head}:"
            inner = list(_lines(body, probes, indent + "    ", around))
            yield from inner
            if not any(line.strip() for line in inner):
                yield f"{indent}    pass"


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
