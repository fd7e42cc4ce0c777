"""What a generated statement may use: names with the kind of their value.

A name is any expression that can be assigned to: `loss`, `self.items`, `state["rate"]`. Kinds are
words such as `num`, `list`, `array`. Nothing here makes text of statements.
"""

from dataclasses import dataclass, field


@dataclass
class Name:
    """`text` has a value of `kind`; `bind` tells whether it may be assigned to."""

    text: str
    kind: str
    bind: bool = True


@dataclass
class Function:
    """A function of the program: kinds of its parameters and of what it gives back."""

    name: str
    parameters: list
    gives: str
    draws: bool = False


@dataclass
class Scope:
    """Names and functions in reach of a statement."""

    names: list = field(default_factory=list)
    functions: list = field(default_factory=list)
    in_function: bool = False
    in_loop: bool = False
    depth: int = 0
    quiet: bool = False  # nothing that prints: the code runs while a line is printed

    def inner(self, **changes):
        """A copy for a suite: names bound there do not come out by themselves."""
        made = Scope(list(self.names), list(self.functions), self.in_function, self.in_loop,
                     self.depth + 1, self.quiet)
        for key, value in changes.items():
            setattr(made, key, value)
        return made

    def of(self, kind, bind=False):
        """Names of that kind, newest last."""
        return [name for name in self.names if name.kind == kind and (name.bind or not bind)]

    def add(self, text, kind, bind=True):
        """`text` has a value of `kind` from now on."""
        self.names = [name for name in self.names if name.text != text]
        self.names.append(Name(text, kind, bind))

    def drop(self, text):
        """`text` may be unbound from now on."""
        self.names = [name for name in self.names if name.text != text]
