"""What training scripts do besides: closures that count, data classes, streams, callbacks, recursion, caches, states kept aside.

    counter3 = counter(2)          point4 = Point(1, [7])          for call in callbacks: call(loss)
    try: x = next(feed)            with contextlib.ExitStack() as stack: ...
    except StopIteration: ...

Each kind has its entry in the tables of `expressions.py` and `statements.py`; this file has the text that they need and
the statements with suites.
"""

from tree import Block, Line

HELPERS = '''
def counter(start):
    seen = []
    def count(by=1):
        nonlocal start
        start = (start + by) % 97
        seen.append(start)
        del seen[:-3]
        return start + len(seen)
    return count

def running(values):
    total = 0
    for value in values:
        total = (total + value) % 97
        yield total

def chained(*parts):
    for part in parts:
        yield from part

def merged(*values, scale=1, **named):
    named["last"] = sum(values) * scale % 97
    return named

@functools.lru_cache(maxsize=3)
def cached(value):
    return value * 3 % 17

def grow(depth, leaf=1):
    return {"leaf": leaf} if depth <= 0 else {"left": grow(depth - 1, leaf), "right": [leaf], "leaf": leaf}

def weigh(tree):
    return tree["leaf"] + (weigh(tree["left"]) if "left" in tree else 0)

def prune(tree, by):
    tree["leaf"] = (tree["leaf"] + by) % 31
    if "left" in tree:
        prune(tree["left"], by)
        tree["right"].append(by)

@dataclasses.dataclass
class Point:
    x: float
    ys: list = dataclasses.field(default_factory=list)
    level: int = 3

class Stream:
    def __init__(self, at):
        self.at, self.given = at, []

    def __iter__(self):
        return self

    def __next__(self):
        if self.at > 60:
            raise StopIteration
        self.at += 1
        self.given = self.given[-2:] + [self.at]
        return self.at * 7 % 31

class Clamped:
    sets = 0

    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner=None):
        return self if instance is None else getattr(instance, self.name, 0)

    def __set__(self, instance, value):
        self.sets += 1
        setattr(instance, self.name, value % 13)

Pair = collections.namedtuple("Pair", "a b")
'''
IMPORTS = "bisect, collections, contextlib, copy, dataclasses, functools, heapq, itertools, random, types"


class Idioms:
    """Statements with suites, for a scope; mixed into `Blocks`."""

    def idiom(self, scope):
        """One of them."""
        return self.r.choice([*[self.feeding, self.hooked, self.stacked, self.stopping] * 2, self.recursive])(scope)

    def feeding(self, scope):
        """An iterator that lives on, and is begun again at its end."""
        feeds, item = scope.of("iterator", bind=True), self.fresh("n")
        again = [Line(self.e.fill("{0} = iter([{n}, {n}])\n{1} = next({0})", scope, 1, "{0}", "{1}"))]
        if feeds:
            feed, before = self.r.choice(feeds).text, []
        else:
            feed = self.fresh("feed")
            before = [Line(f"{feed} = {self.e.make(scope, 'iterator', 1)}")]
            scope.add(feed, "iterator")
        again[0].text = again[0].text.replace("{0}", feed).replace("{1}", item)
        scope.add(item, "num")
        body = Block([("try", [Line(f"{item} = next({feed})\n{item} = {item} if isinstance({item}, (int, float)) else 2")]),
                      ("except StopIteration", again)])
        return [*before, body]

    def hooked(self, scope):
        """Functions that remember the variable of a loop, called after it."""
        hooks, at = self.fresh("hooks"), self.fresh("i")
        kept = self.r.choice([f"lambda: {at} + {self.e.num(scope, 1)}", f"lambda at={at}: at * 2", f"functools.partial(max, {at}, 3)"])
        loop = Block([(f"for {at} in range({self.r.randint(1, 3)})", [Line(f"{hooks}.append({kept})")])])
        total = self.fresh("n")
        scope.add(total, "num")
        return [Line(f"{hooks} = []"), loop, Line(f"{total} = sum(hook() for hook in {hooks}) % 97")]

    def stacked(self, scope):
        """`ExitStack`: callbacks that run when the suite ends."""
        inner = scope.inner()
        body = self.suite(inner, self.r.randint(1, 2))
        lists = scope.of("list")
        if lists:
            body.insert(0, Line(f"stack.callback({self.r.choice(lists).text}.append, {self.e.num(scope, 1)})"))
        if self.r.random() < 0.5:
            body.insert(0, Line("stack.enter_context(contextlib.suppress(ValueError))"))
            body.append(Block([(f"if {self.e.condition(scope)}", [Line("raise ValueError('stacked')")])]))
        return [Block([("with contextlib.ExitStack() as stack", body)])]

    def recursive(self, scope):
        """A local function that calls itself, and changes what it was given."""
        name, total = self.fresh("descend"), self.fresh("n")
        lists = scope.of("list")
        held = self.r.choice(lists).text if lists else "[]"
        stop = Block([("if depth <= 0", [Line(f"return {self.e.num(scope, 1)}")])])
        body = [stop, Line("into.append(depth)"), Line("del into[5:]"), Line(f"return ({name}(depth - 1, into) + depth) % 97")]
        scope.add(total, "num")
        return [Block([(f"def {name}(depth, into)", body)]), Line(f"{total} = {name}({self.r.randint(1, 3)}, {held})")]

    def stopping(self, scope):
        """Leaves nested loops by an exception, and remembers what it said."""
        outer, inner, text = self.fresh("i"), self.fresh("i"), self.fresh("n")
        within = scope.inner(in_loop=True)
        within.add(outer, "num", bind=False)
        body = self.suite(within, self.r.randint(1, 2))
        body.append(Block([(f"for {inner} in range({self.r.randint(1, 3)})", [
            Block([(f"if {self.e.condition(within)}", [Line(f"raise Stop({inner}, {self.e.num(scope, 1)})")])])])]))
        scope.add(text, "num")
        caught = [Line(f"{text} = stop.args[0]")]
        return [Block([("try", [Block([(f"for {outer} in range({self.r.randint(1, 3)})", body)]), Line(f"{text} = -1")]),
                       ("except Stop as stop", caught)])]

    def around(self, scope, loop):
        """The main loop where scripts also have it: in `try`, in `with`, in `if`, once for each fold, or twice."""
        manner = self.r.random()
        if manner < 0.06:
            stop = Block([(f"if {self.e.condition(scope)}", [Line("raise Stop('early')")])])
            loop[-1].clauses[0][1].append(stop)
            return [Block([("try", loop), ("except Stop", [Line("print('epoch', 'stopped')")])])]
        if manner < 0.1:
            return [Block([("try", loop), ("finally", self.suite(scope.inner(depth=2), 1))])]
        if manner < 0.14:
            return [Block([("with counted(1) as entries", loop)])]
        if manner < 0.17:
            return [Block([("if random.random() >= 0", loop)])]
        if manner < 0.25:
            head = self.r.choice(["for fold in range(2)", "for fold in range(3)", "for fold in ['a', 'b']"])
            again = self.suite(scope.inner(depth=2), self.r.randint(0, 2))
            return [Block([(head, [*again, *loop, Line("print('epoch', 'of fold', fold)")])])]
        return loop
