"""A whole random program that looks like a training: globals, functions, a main loop, an end.

`program(seed)` is deterministic. The main loop is at module level, in `main()`, in a method, or in a
function that is called with what `main` made; its iterable is a range, a counter, a list, a generator.
"""

import random
import re
from dataclasses import dataclass

from definitions import Definitions
from expressions import EXTRA, MAKE, Expressions
from idioms import IMPORTS
from scope import Scope
from tree import Block, Line

COUNTING = '''
def counting(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.count += 1
        return function(*args, **kwargs)
    wrapper.count = 0
    return wrapper
'''


@dataclass
class Program:
    """The statements, the modules to have loaded, and the loop variable that `--where` may name."""

    suite: list
    modules: tuple
    variable: str
    loops: bool = True
    pure: bool = False  # whether a probe may call the model: it draws and counts nothing


def program(seed, mode="plain"):
    """The program of a seed; `mode` is `plain` or `torch`."""
    if mode == "torch":
        from training import torch_program

        return torch_program(seed)
    return Plain(random.Random(f"plain {seed}")).program()


def _defined(suite):
    """Names of functions and classes."""
    texts = [node.text if isinstance(node, Line) else node.clauses[0][0] for node in suite]
    found = [re.search(r"^(?:def|class) (\w+)|^(\w+) = collections.namedtuple", text, re.M) for text in texts]
    return sorted({each[1] or each[2] for each in found if each})


class Plain(Definitions):
    """A program without torch."""

    def __init__(self, r):
        self.numpy = r.random() < 0.6
        arrays = ["array", "matrix", "generator", "legacy"]
        kinds = [kind for kind in MAKE if kind not in arrays or self.numpy]
        chosen = r.sample([kind for kind in kinds if kind not in EXTRA], r.randint(4, 7)) + r.sample(EXTRA, r.randint(0, 3))
        weights = ["num", "num", "num", "list", *chosen]
        super().__init__(Expressions(r, self.numpy), weights)

    def program(self):
        """Everything, in order."""
        r = self.r
        suite = [Line(f"import {IMPORTS}")]
        if self.numpy:
            suite.append(Line("import numpy as np"))
        seeds = [Line(f"random.seed({r.randint(0, 99)})")]
        if self.numpy:
            seeds.append(Line(f"np.random.seed({r.randint(0, 99)})"))
        plain, apart = Scope(), r.random() < 0.15
        begin = [*suite, *self.helpers(), Line(COUNTING.strip("\n"))]
        made = []
        for _ in range(0 if apart else r.randint(0, 4)):
            kind = r.choice(self.kinds)
            text = self.fresh("g_" + kind[0])
            made.append(Line(f"{text} = {self.e.make(plain, kind, 1)}"))
            plain.add(text, kind)
        made += self.classes()
        for _ in range(r.randint(1, 4)):
            made += self.function(plain, plain)
        modules = ("numpy",) if self.numpy else ()
        if not apart:
            return Program(self.without_unused([*begin, *seeds, *made, *self.trained(plain)]), modules, self.variable)
        trained = [*seeds, *self.trained(plain)]
        whole = self.without_unused([*begin, *made, *trained])
        helper = [node for node in whole if not any(node is each for each in trained)]
        given = Line(f"from helper import {', '.join(_defined(helper))}")
        return Program([Line("#--- helper.py"), *helper, Line("#--- train.py"), *suite, given, *trained], modules, self.variable)

    def classes(self):
        """One to three classes; later ones may inherit."""
        self.made = []
        nodes = []
        for _ in range(self.r.randint(1, 3)):
            name = self.fresh("Meter")
            nodes.append(self.one_class(name, self.r.sample(self.made, 1) if self.made and self.r.random() < 0.5 else []))
            self.made.append(name)
        return nodes

    def preamble(self, scope):
        """Objects and variables of the training."""
        r = self.r
        nodes = []
        for _ in range(r.randint(1, 2)):
            text = self.fresh("meter")
            nodes.append(Line(f"{text} = {r.choice(self.made)}({r.randint(0, 5)})"))
            scope.add(text, "object")
        for _ in range(r.randint(3, 7)):
            nodes += self.bind(scope)
        for _ in range(r.randint(0, 3)):
            nodes += self.alias(scope)
        if r.random() < 0.3:
            parts = ", ".join(each.text for each in r.sample(scope.names, min(3, len(scope.names))))
            nodes.append(Line(f"box = [{parts}]"))
            scope.add("box", "box")
        return nodes

    def trained(self, plain):
        """The part with the main loop, in one of its manners."""
        r = self.r
        self.variable = r.choice(["epoch", "epoch", "step", "episode"])
        manner = r.random()
        if manner < 0.35:
            scope = plain.inner(depth=0)
            return [*self.preamble(scope), *self.main_loop(scope, scope), *self.second(scope), *self.ending(scope)]
        scope = Scope(functions=list(plain.functions), in_function=True)
        scope.names = [type(each)(each.text, each.kind, False) for each in plain.names]
        start = self.preamble(scope)
        if manner < 0.75:
            body = [*start, *self.main_loop(scope, scope), *self.second(scope), *self.ending(scope)]
            return [Block([("def main()", body)]), Block([("if __name__ == '__main__'", [Line("main()")])])]
        return self.apart(scope, start, manner)

    def apart(self, scope, start, manner):
        """The main loop in a function of its own, or in a method."""
        r = self.r
        local = [each for each in scope.names if each.bind and each.kind != "function"]
        passed = r.sample(local, min(len(local), r.randint(2, 6)))
        inner = Scope(functions=list(scope.functions), in_function=True)
        inner.names = [each for each in scope.names if not each.bind]
        if manner < 0.88:
            for each in passed:
                inner.add(each.text, each.kind)
            arguments = ", ".join(each.text for each in passed)
            body = [*self.main_loop(inner, inner), Line(f"return {passed[0].text}")]
            train = Block([(f"def train({arguments})", body)])
            call = Line(f"result = train({arguments})")
        else:
            for each in passed:
                inner.add(f"self.{each.text}", each.kind)
            arguments = ", ".join(each.text for each in passed)
            init = Block([(f"def __init__(self, {arguments})", [Line(f"self.{each.text} = {each.text}") for each in passed])])
            body = [*self.main_loop(inner, inner), Line(f"return self.{passed[0].text}")]
            train = Block([("class Trainer", [init, Block([("def run(self)", body)])])])
            call = Line(f"result = Trainer({arguments}).run()")
        main = Block([("def main()", [*start, call, Line("print('result', show(result))"), *self.ending(scope)])])
        return [train, main, Line("main()")]

    def main_loop(self, scope, outer):
        """The main loop with its body and its forward log."""
        r = self.r
        count = r.randint(3, 6)
        variable = self.variable
        inner = scope.inner(in_loop=True)
        inner.add(variable, "num", bind=False)
        gradient = f"gradient = weights[1] - {self.e.num(inner, 1)}\nweights[0] -= rate * gradient"
        body = self.suite(inner, r.randint(2, 6))
        body += self.logs(inner, f"'{variable}', {variable}")
        body += self.suite(inner, r.randint(0, 2))
        manner = r.random()
        begin = []
        if manner < 0.5:  # florc takes a loop without a telling name for the main loop when it trains
            begin = [Line("weights, rate = [0.5, 0.25], 0.1")]
            body.insert(0, Line(gradient))
        if manner < 0.15:
            loop = [*begin, Line(f"{variable} = 0"), Block([(f"while {variable} < {count}", [Line(f"{variable} += 1"), *body])])]
        elif manner < 0.25:
            stop = Block([(f"if {variable} >= {count}", [Line("break")])])
            loop = [*begin, Line(f"{variable} = 0"), Block([("while True", [Line(f"{variable} += 1"), stop, *body])])]
        else:
            iterable = r.choice([f"range({count})", f"range({count})", f"range(1, {count} + 1)", "[1, 3, 4, 7]",
                                 f"batches({count})", f"itertools.islice(itertools.count(2), {count})", f"reversed(range({count}))",
                                 f"chained(range({count - 1}), [9])", f"iter(range({count}))", f"itertools.islice(Stream({count}), 4)"])
            clauses = [(f"for {variable} in {iterable}", self.with_jump(inner, body))]
            if r.random() < 0.08:
                clauses.append(("else", self.suite(scope.inner(), 1)))
            loop = [*begin, Block(clauses)]
        if r.random() < 0.3:
            self.keep_some(outer, inner)
        return self.around(outer, loop)

    def second(self, scope):
        """Sometimes another main loop after the first."""
        if self.r.random() >= 0.12:
            return []
        return [*self.suite(scope.inner(depth=2), 1), *self.main_loop(scope, scope)]

    def logs(self, scope, first):
        """A forward log of a few numbers."""
        values = [each.text for each in scope.of("num")][-3:]
        if self.r.random() < 0.25:
            values = ["f'" + " ".join(f"{text} {{{text}:.3f}}" for text in values if "[" not in text) + "'"]
        return [Line(f"print({', '.join([first, *values])})")]

    def ending(self, scope):
        """Statements after the loop, and a last log."""
        return [*self.suite(scope.inner(depth=2), self.r.randint(0, 3)), *self.logs(scope, "'end'")]
