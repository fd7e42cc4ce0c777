"""Random functions and classes of a program, and the fixed helpers that all programs have.

Functions change their arguments, globals and default arguments, hand back what they were given, draw
random numbers, hold loops. Classes share one protocol (`update`, `value`, `total`, `kept`, `reset`,
calls, items, `with`, `+=`) and keep it in different ways: properties, slots, inheritance, data classes.
"""

import re

import idioms
from blocks import Blocks
from scope import Function, Scope
from tree import Block, Line, render

HELPERS = '''
class Stop(Exception):
    pass

def show(value, seen=None):
    seen = [] if seen is None else seen
    if isinstance(value, (int, float, str, bytes, type(None))):
        return repr(value)
    for at, other in enumerate(seen):
        if other is value:
            return f"#{at}"
    seen.append(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{show(k, seen)}: {show(v, seen)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple, collections.deque)):
        return "[" + ", ".join(show(v, seen) for v in value) + "]"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(show(v, seen) for v in value) + "}"
    if hasattr(value, "tolist"):
        return show(value.tolist(), seen)
    if hasattr(value, "kept"):
        return f"{type(value).__name__}({show(value.total, seen)}, {show(value.kept, seen)}, {show(value.level, seen)})"
    return type(value).__name__

def pull(source):
    item = next(source, 0)
    return item if isinstance(item, (int, float)) else sum(item)

def check(value, *, limit=30):
    if value > limit:
        raise ValueError(value)
    return value

@contextlib.contextmanager
def counted(value, entries=[]):
    entries.append(value)
    try:
        yield entries
    finally:
        del entries[:-3]

def batches(count):
    for start in range(count):
        extra = yield start * 3
        if extra:
            return
'''

CLASS = '''
class {name}{bases}:
    made = 0
    shared = []

    def __init__(self, total=0):
        {init}
        self.total, self.kept, self.level, self.partner = total, [], {level}, None
        self.slots = [0, 0, 0]
        type(self).made += 1

    def update(self, value):
        {update}
        return self

    def value(self):
        {value}

    def reset(self):
        {reset}
'''

FEATURES = {
    "itself": '''
    def itself(self):
        return self.partner or self
''',
    "call": '''
    def __call__(self, value):
        {call}
        return self.total
''',
    "len": '''
    def __len__(self):
        return len(self.kept)

    def __bool__(self):
        return True
''',
    "items": '''
    def __getitem__(self, at):
        return self.slots[at]

    def __setitem__(self, at, value):
        self.slots[at] = value
        self.level += 1
''',
    "with": '''
    def __enter__(self):
        self.kept.append(self.level)
        return self

    def __exit__(self, *error):
        self.level -= 1
        return {suppress}
''',
    "iadd": '''
    def __iadd__(self, value):
        self.total = (self.total + value) % 97
        return {iadd}
''',
    "tally": '''
    @classmethod
    def tally(cls, value):
        cls.shared = (cls.shared + [value])[-4:]
        return len(cls.shared)
''',
    "equal": '''
    def __eq__(self, other):
        return type(other) is type(self) and self.total == other.total

    def __hash__(self):
        return 7
''',
}
NEEDS = {".tally(": "tally", "{0}({n})": "call", "len({0})": "len", "{0}[": "items", "with {0}": "with", "{0} +=": "iadd", ".itself()": "itself"}

PROPERTY = '''
    @property
    def total(self):
        return self._total

    @total.setter
    def total(self, value):
        self._total = value
        self.changes = getattr(self, "changes", 0) + 1
'''

UPDATES = ["self.total = (self.total + value) % 97", "self.kept.append(value)\n        del self.kept[:-4]",
           "self.kept += [value]\n        self.level = len(self.kept)", "{name}.shared.append(value)\n        del {name}.shared[5:]",
           "self.total, self.level = value, self.total", "type(self).made = (type(self).made + 1) % 50",
           "self.kept = [v for v in self.kept if v != value] + [value]", "self.slots[self.made % 3] += value",
           "self.level += random.random()", "for v in self.kept[:3]:\n            self.total = (self.total + v) % 89"]
VALUES = ["return self.total % 97", "return len(self.kept) + self.level % 7", "return sum(self.kept) % 97 + len({name}.shared)",
          "return self.made + sum(self.slots) % 31"]


class Definitions(Blocks):
    """Functions and classes of one program."""

    def __init__(self, expressions, kinds):
        super().__init__(expressions, kinds)
        self.features = [each for each in FEATURES if self.r.random() < 0.35]

    def allowed(self, kind, pattern):
        """Whether the program's classes have what a pattern for an object needs."""
        return kind != "object" or all(
            feature in self.features for part, feature in NEEDS.items() if part in pattern
        )

    def helpers(self):
        """What any program may need; `without_unused` takes the rest away."""
        parts = HELPERS.strip("\n").split("\n\n") + re.split(r"\n\n(?=\S)", idioms.HELPERS.strip("\n"))
        return [Line(part.strip("\n")) for part in parts]

    def without_unused(self, suite):
        """The program without helpers and imports that it does not use."""
        text = render(suite, False)
        for node in list(suite):
            found = isinstance(node, Line) and re.match(r"(?:@.*\n)?(?:def|class) (\w+)|(\w+) = collections.namedtuple", node.text)
            name = found and (found[1] or found[2])
            if name and name != "show" and not re.search(rf"\b{name}\b", text.replace(node.text, "", 1)):
                suite.remove(node)
        return suite

    def one_class(self, name, bases):
        """A class; with `bases` its methods go on to theirs."""
        r = self.r
        updates = r.sample(UPDATES, r.randint(1, 3))
        if bases and r.random() < 0.7:
            updates.append("super().update(value)")
        fields = {
            "name": name,
            "bases": f"({bases[0]})" if bases else "",
            "init": f"super().__init__(total)" if bases else "self.history = {}",
            "level": r.randint(0, 5),
            "update": "\n        ".join(updates).replace("{name}", name),
            "value": r.choice(VALUES).replace("{name}", name),
            "reset": r.choice(["self.kept.clear()", "self.kept = []\n        self.total = 0", "self.slots[:] = [0, 1, 2]"]),
            "call": r.choice(["self.update(value)", "self.total = value", "self.kept.insert(0, value)"]),
            "suppress": r.choice(["False", "False", "error[0] is ValueError"]),
            "iadd": r.choice(["self", "self", "copy.copy(self)"]),
        }
        parts = [CLASS, *(FEATURES[each] for each in FEATURES if each in self.features)]
        text = "".join(parts).format(**fields).strip("\n")
        if r.random() < 0.25:
            text += "\n" + PROPERTY.rstrip("\n")
        elif r.random() < 0.15:
            text = text.replace("    made = 0\n", "    made = 0\n    level = Clamped()\n", 1)
        elif r.random() < 0.2 and not bases:
            names = '"total", "kept", "level", "partner", "slots", "history", "mark"'
            text = text.replace("    made = 0\n", f"    __slots__ = ({names})\n    made = 0\n", 1)
        return Line(text)

    def function(self, scope, plain):
        """A function of the module; `plain` scopes hold what is global."""
        r = self.r
        name = self.fresh("work")
        kinds = [r.choice(["num", "num", "list", "list", "table", "object", "array", "nested", "set", "generator"])
                 for _ in range(r.randint(0, 3))]
        kinds = [kind if kind in (*self.kinds, "object") else "num" for kind in kinds]
        inner = Scope(functions=list(scope.functions), in_function=True, depth=1)
        inner.names = [type(each)(each.text, each.kind, False) for each in plain.names]
        lines = []
        taken = [each for each in plain.names if each.kind in ("num", "list", "table", "set") and r.random() < 0.3]
        for each in taken:
            inner.add(each.text, each.kind)
            lines.append(Line(f"global {each.text}"))
        parameters = [self.fresh(kind[0]) for kind in kinds]
        for text, kind in zip(parameters, kinds):
            inner.add(text, kind, bind=r.random() < 0.5)
        head = list(parameters)
        if r.random() < 0.25:
            memory = self.fresh("memory")
            head.append(f"{memory}=[]")
            inner.add(memory, "list", bind=False)
        lines += self.suite(inner, r.randint(1, 4))
        gives, last = self.result(inner, parameters, kinds)
        if r.random() < 0.1 and gives == "num":
            lines.append(Line(f"{name}.calls = getattr({name}, 'calls', 0) + 1"))
        decorator = r.random()
        nodes = [Block([(f"def {name}({', '.join(head)})", [*lines, *last])])]
        if decorator < 0.1:
            nodes.append(Line(f"{name} = counting({name})"))
        elif decorator < 0.15 and gives == "num" and not parameters:
            nodes.append(Line(f"{name} = functools.partial({name})"))
        scope.functions.append(Function(name, kinds, gives))
        return nodes

    def result(self, inner, parameters, kinds):
        """What a function gives back: a number, an argument, a global, something new."""
        r = self.r
        choice = r.random()
        if choice < 0.5:
            return "num", [Line("return " + self.e.num(inner, 2))]
        names = [each for each in inner.names if each.kind in ("list", "table", "object", "array", "set")]
        if choice < 0.8 and names:
            name = r.choice(names)
            return name.kind, [Line(f"return {name.text}")]
        return "none", []
