"""Random compound statements: branches, loops, exceptions, context managers, `match`.

    for batch in batches:                       while len(queue) > 2:
        try: ...                                    n3 = queue.pop()
        except ValueError: ...                      if n3 > 7: break

Loops end: each runs over something finite or counts down.
"""

from idioms import Idioms
from statements import Statements
from tree import Block, Line

ITERABLES = [
    "range({few})", "range(1, {few} + 2)", "enumerate([{n}, {n}])", "zip([{n}, {n}], [1, 2])", "list({l})", "{l}[:4]",
    "sorted({l})[:4]", "range(0, 6, 2)", "batches({few})", "reversed(range({few}))", "list({d}.items())",
    "np.arange(3)", "itertools.islice(itertools.count(), {few})", "map(abs, [{n}, {n}])", "iter(list({l}))",
    "sorted({s}, key=str)", "list({s})", "itertools.product([1, 2], [3])", "({n} for _ in range({few}))",
    "chained([{n}], range({few}))", "running([{n}, {n}])", "random.sample(range(9), {few})", "np.random.permutation({few}).tolist()",
    "iter([{n}, 3, {n}].pop, 3)", "dict(a={n}, b={n}).values()", "itertools.islice(Stream({few}), 3)",
]
PAIRS = ("enumerate", "zip", "list({d}", "itertools.product")


class Blocks(Idioms, Statements):
    """Compound statements for a scope, down to `most` levels."""

    most = 3

    def suite(self, scope, size):
        """Some statements; names that they bind are in reach of what follows."""
        nodes = []
        for _ in range(size):
            nodes += self.statement(scope)
        return nodes

    def statement(self, scope):
        """Any statement."""
        if scope.depth >= self.most or self.r.random() < 0.62:
            return self.simple(scope)
        kinds = [self.branch, self.branch, self.loop, self.loop, self.loop, self.attempt, self.managed, self.matched,
                 self.jump, self.local_function, self.reading_loop, self.idiom, self.idiom]
        return self.r.choice(kinds)(scope)

    def branch(self, scope):
        """`if`, with or without `elif` and `else`."""
        clauses = [(f"if {self.e.condition(scope)}", self.suite(scope.inner(), self.r.randint(1, 3)))]
        if self.r.random() < 0.3:
            clauses.append((f"elif {self.e.condition(scope)}", self.suite(scope.inner(), 1)))
        if self.r.random() < 0.4:
            clauses.append(("else", self.suite(scope.inner(), self.r.randint(1, 2))))
        return [Block(clauses)]

    def loop(self, scope):
        """A nested loop."""
        inner = scope.inner(in_loop=True)
        if self.r.random() < 0.25:
            return self.while_loop(scope, inner)
        head = self.for_head(scope, inner)
        body = self.suite(inner, self.r.randint(1, 4))
        clauses = [(head, self.with_jump(inner, body))]
        if self.r.random() < 0.15:
            clauses.append(("else", self.suite(scope.inner(), 1)))
        if self.r.random() < 0.3:
            self.keep_some(scope, inner)
        return [Block(clauses)]

    def for_head(self, scope, inner):
        """`for x in …`, with one target or two."""
        pattern = self.r.choice([each for each in ITERABLES if self.e.numpy or "np." not in each])
        target = self.fresh("i")
        inner.add(target, "num", bind=self.r.random() < 0.3)
        if pattern.startswith(PAIRS):
            second = self.fresh("x")
            if "{d}" not in pattern:
                inner.add(second, "num")
            else:
                inner.drop(target)
                inner.add(target, "text")
            target = f"{target}, {second}"
        if pattern.endswith("list({s})") or "key=str" in pattern:
            inner.drop(target)
        return f"for {target} in {self.iterable(pattern, scope)}"

    def iterable(self, pattern, scope):
        for hole, kind, other in (("{l}", "list", "[3, 1, 2]"), ("{d}", "table", "{'a': 1}"), ("{s}", "set", "{4, 2}")):
            if hole in pattern:
                names = scope.of(kind)
                text = self.r.choice(names).text if names else other
                pattern = pattern.replace(hole, text.replace("{", "{{").replace("}", "}}"))
        return self.e.fill(pattern, scope, 1)

    def while_loop(self, scope, inner):
        """A `while` that counts, or an endless one that breaks."""
        left = self.fresh("left")
        inner.add(left, "num", bind=False)
        body = self.suite(inner, self.r.randint(1, 3))
        if self.r.random() < 0.5:
            loop = Block([(f"while {left} > 0", [Line(f"{left} -= 1"), *self.with_jump(inner, body)])])
        else:
            stop = Block([(f"if {left} <= 0", [Line("break")])])
            loop = Block([("while True", [Line(f"{left} -= 1"), *body, stop])])
        return [Line(f"{left} = {self.r.randint(1, 4)}"), loop]

    def with_jump(self, inner, body):
        """Perhaps a `break` or `continue` somewhere."""
        if self.r.random() < 0.3:
            jump = Block([(f"if {self.e.condition(inner)}", [Line(self.r.choice(["break", "continue"]))])])
            body.insert(self.r.randint(0, len(body)), jump)
        return body

    def jump(self, scope):
        """An early `return`, or `break` or `continue` of the loop around it."""
        if scope.in_loop and self.r.random() < 0.6:
            how = self.r.choice(["break", "continue"])
        elif scope.in_function and not scope.quiet and scope.depth > 1:
            how = "return " + self.e.num(scope, 1)
        else:
            return self.simple(scope)
        return [Block([(f"if {self.e.num(scope, 1)} > {self.r.randint(30, 70)}", [Line(how)])])]

    def keep_some(self, scope, inner):
        """Names of a loop's body that are read after it: mostly bound, programs where not are dropped."""
        known = {name.text for name in scope.names}
        for name in inner.names[-2:]:
            if name.text not in known and name.text.isidentifier() and name.bind:
                scope.names.append(name)

    def attempt(self, scope):
        """Something that raises half-way, and what follows it."""
        inner = scope.inner()
        body = self.suite(inner, self.r.randint(1, 2))
        trouble = self.r.choice([
            "raise ValueError({n})", "{{}}['none']", "[][4]", "check({n})", "check({n})", "int('x')", "1 / 0",
            "raise Stop({n}) from None",
        ])
        body.append(Block([(f"if {self.e.condition(scope)}", [Line(self.e.fill(trouble, scope, 1))])]))
        body += self.suite(inner, 1)
        caught = scope.inner()
        heads = ["except (ValueError, LookupError, ArithmeticError, Stop)", "except Exception as error"]
        clauses = [("try", body), (self.r.choice(heads), self.suite(caught, 1))]
        if self.r.random() < 0.2:
            clauses.append(("else", self.suite(scope.inner(), 1)))
        if self.r.random() < 0.35:
            clauses.append(("finally", self.suite(scope.inner(), 1)))
        return [Block(clauses)]

    def managed(self, scope):
        """`with`: suppression, a manager that counts, a file."""
        inner = scope.inner()
        body = self.suite(inner, self.r.randint(1, 2))
        if self.r.random() < 0.4:
            raising = Block([(f"if {self.e.condition(scope)}", [Line("raise ValueError('inside')")])])
            body.insert(self.r.randint(0, len(body)), raising)
            return [Block([("with contextlib.suppress(ValueError)", body)])]
        if self.r.random() < 0.3:
            body.append(Line(f"file.write(str({self.e.num(scope, 1)}))"))
            how, read = self.r.choice([("a", False), ("a", False), ("w", True), ("w", True), ("a", True)])  # a log; a result; both
            nodes = [Block([(f"with open('notes{how * (not read)}.txt', '{how}') as file", body)])]
            if read:
                text = self.fresh("text")
                nodes.append(Block([("with open('notes.txt') as file", [Line(f"{text} = file.read()[-20:]")])]))
                scope.add(text, "text")
            return nodes
        return [Block([(f"with counted({self.e.num(scope, 1)}) as entry", [*body, Line("entry.append(1)")])])]

    def matched(self, scope):
        """`match` with captures, guards and a wildcard."""
        point = self.fresh("m")
        inner = scope.inner()
        inner.add(point, "num")
        first = self.suite(inner, 1)
        clauses = [(f"case [{point}, _] if {point} > 9", first), ("case [3, rest] | [rest, 3]", self.suite(scope.inner(), 1)),
                   ("case _", self.suite(scope.inner(), 1))]
        subject = f"[int({self.e.num(scope, 1)}), int({self.e.num(scope, 1)})]"
        return [Block([(f"match {subject}", [Block([clause]) for clause in clauses])])]

    def local_function(self, scope):
        """A closure or lambda that is made here, and may live on."""
        text = self.fresh("call")
        numbers = [each for each in scope.of("num", bind=True) if each.text.isidentifier()]
        if self.r.random() < 0.4 or not numbers:
            held = self.r.choice(scope.of("list") or [None])
            body = f"{held.text}.append(v) or len({held.text})" if held and self.r.random() < 0.7 else self.e.num(scope, 1)
            default = f", k={self.e.num(scope, 1)}" if self.r.random() < 0.4 else ""
            scope.add(text, "function")
            return [Line(f"{text} = lambda v{default}: {body}"), Line(f"{text}({self.e.num(scope, 1)})")]
        held = self.r.choice(numbers).text
        word = "nonlocal" if scope.in_function and not held.startswith("g_") else "global"
        lines = [Line(f"{word} {held}"), Line(f"{held} = ({held} + by) % 97"), Line(f"return {held}")]
        if self.r.random() < 0.3:
            lines[:2] = [Line(f"{text}_seen.append(by + {held})")]
            lines[-1] = Line(f"return len({text}_seen)")
            before = [Line(f"{text}_seen = []")]
        else:
            before = []
        scope.add(text, "function")
        return [*before, Block([(f"def {text}(by=1)", lines)]), Line(f"{text}({self.e.num(scope, 1)})")]

    def reading_loop(self, scope):
        """Comprehensions that have effects, and accumulation."""
        lists, calls = scope.of("list"), scope.of("function")
        text = self.fresh("made")
        source = f"range({self.r.randint(1, 4)})"
        if calls and self.r.random() < 0.5:
            value = f"[{self.r.choice(calls).text}(v) for v in {source}]"
        elif lists and self.r.random() < 0.5:
            value = f"[{self.r.choice(lists).text}.append(v) or v for v in {source} if v != 1]"
        else:
            value = f"list(itertools.accumulate([{self.e.num(scope, 1)} for v in {source}]))"
        scope.add(text, "list")
        return [Line(f"{text} = {value}"), Line(f"{text} = [v or 0 for v in {text}]")]
