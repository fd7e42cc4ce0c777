"""Random expressions: numbers that read what is in scope, new values of each kind, and what probes show.

Numbers stay small (`% 97`), reads of containers are guarded, so that most programs run to their end.
"""

TEXTS = ["a", "b", "c", "loss", "x1", "key", "zeta"]

MAKE = {
    "list": ["[{n}, {n}]", "[]", "[{n} for _ in range({few})]", "list(range({few}))", "sorted([{n}, {n}, {n}])"],
    "nested": ["[[{n}], [{n}, {n}]]", "[[] for _ in range({few})]", "[[{n}]] * 2"],
    "table": ["{{}}", '{{"{t}": {n}, "{t}": {n}}}', "dict.fromkeys(['a', 'b'], {n})", "dict(a={n}, loss={n})",
              "collections.Counter('abca')", "collections.OrderedDict(a={n}, b={n})", "collections.defaultdict(int)",
              "merged({n}, {n}, scale=2, a={n})", "dict(zip(['a', 'x1'], [{n}, {n}]))", "collections.Counter([1, 1])"],
    "lists": ["collections.defaultdict(list)", '{{"{t}": [{n}]}}', "dict.fromkeys(['a', 'b'], [{n}])"],
    "set": ["set()", "{{{n}, {n}}}", "{{'a', '{t}'}}", "set(range({few}))"],
    "deque": ["collections.deque(maxlen={few})", "collections.deque([{n}, {n}])"],
    "array": ["np.zeros({few})", "np.arange(6.0)", "np.ones(4) * {n}", "np.linspace(0, 1, 5)"],
    "matrix": ["np.zeros((3, 2))", "np.arange(12.0).reshape(4, 3)", "np.eye(3)"],
    "generator": ["np.random.default_rng({seed})"],
    "legacy": ["np.random.RandomState({seed})"],
    "random": ["random.Random({seed})"],
    "iterator": ["iter([{n}, {n}, {n}, {n}])", "iter(range({few}, 40))", "itertools.count({few})",
                 "itertools.cycle([{n}, {n}, {n}])", "enumerate([{n}, {n}])", "zip([{n}, {n}, {n}], range(9))",
                 "reversed([{n}, {n}, {n}])", "map(abs, [{n}, {n}])", "({n} for _ in range(20))",
                 "running([{n}, {n}, {n}])", "chained([{n}], range(3), [{n}])", "itertools.chain([{n}], [{n}, {n}])",
                 "itertools.islice(itertools.count({few}), 6)", "itertools.zip_longest([{n}], [{n}, {n}], fillvalue=0)"],
    "bytes": ["bytearray(b'abc')", "bytearray({few})"],
    "text": ["'{t}'", "'{t}' + str({n})", "'{t}' * {few}"],
    "pair": ["([{n}], {n})", "([], [{n}])"],
    "heap": ["[{n}]"],
    "num": ["{n}"],
    "counter": ["counter({n})", "counter({few})"],
    "point": ["Point({n})", "Point({n}, [{n}])"],
    "pairing": ["Pair({n}, [{n}])", "Pair([], {n})"],
    "space": ["types.SimpleNamespace(rate={n}, seen=[{n}])"],
    "stream": ["Stream({few})"],
    "callbacks": ["[abs, lambda v: v + 1]", "[lambda v, k={n}: (v + k) % 31]", "[]"],
    "tree": ["grow({few})", "grow({few}, {n})"],
    "registry": ["{{}}", "{{{o}: {n}}}"],
    "kept_state": ["random.getstate()"],
}
EXTRA = ["counter", "point", "pairing", "space", "stream", "callbacks", "tree", "registry", "kept_state"]

READ = {
    "list": ["len({0})", "sum({0}) % 97", "({0}[-1] if {0} else {n})", "({0}[{few} % len({0})] if {0} else 1)",
             "max({0}, default=0)", "sum(v * v for v in {0}) % 89", "len({0}[1:3])", "next(iter({0}), 7)"],
    "nested": ["len({0})", "sum(len(row) for row in {0})", "sum(map(sum, {0})) % 97", "len({0}[0] if {0} else '')"],
    "table": ["len({0})", "{0}.get('{t}', 0)", "sum({0}.values()) % 83", "int('{t}' in {0})",
              "sum(i * v for i, v in enumerate({0}.values())) % 91"],
    "lists": ["len({0})", "sum(len(v) for v in {0}.values())", "sum({0}.get('{t}', [])) % 97"],
    "set": ["len({0})", "sum(v for v in {0} if not isinstance(v, str)) % 97",
            "sum(i * len(str(v)) for i, v in enumerate({0})) % 89"],
    "deque": ["len({0})", "sum({0}) % 97", "({0}[0] if {0} else 3)"],
    "array": ["float({0}.sum()) % 97", "float({0}[0])", "{0}.size", "float({0}[::2].max())", "float(np.dot({0}, {0})) % 79"],
    "matrix": ["float({0}.sum()) % 97", "float({0}[1, 1])", "float({0}.T[0].mean())"],
    "bytes": ["len({0})", "sum({0}) % 97"],
    "text": ["len({0})", "sum(map(ord, {0})) % 97", "{0}.count('a')"],
    "pair": ["len({0}[0])"],
    "heap": ["{0}[0]", "len({0})"],
    "num": ["{0}", "{0}", "{0}", "int({0}) % 7"],
    "object": ["{0}.total % 97", "len({0}.kept)", "{0}.value()"],
    "point": ["{0}.x % 97", "len({0}.ys)", "dataclasses.astuple({0})[2]"],
    "pairing": ["len(str({0}.a)) % 7"],
    "space": ["{0}.rate", "len({0}.seen)"],
    "stream": ["{0}.at", "sum({0}.given) % 97"],
    "callbacks": ["len({0})", "sum(call(3) for call in {0}) % 97"],
    "tree": ["weigh({0}) % 97", "len({0}.get('right', []))"],
    "registry": ["len({0})", "sum({0}.values()) % 97"],
    "kept_state": ["{0}[1][0] % 97"],
}

DRAW = {
    "generator": ["float({0}.random())", "int({0}.integers(50))", "float({0}.normal())", "int({0}.choice(5))"],
    "legacy": ["float({0}.rand())", "int({0}.randint(50))", "float({0}.randn())"],
    "random": ["{0}.random()", "{0}.randint(0, 50)", "{0}.gauss(0, 1)", "{0}.choice([1, 2, 3])"],
    "iterator": ["pull({0})"],
    "counter": ["{0}()", "{0}(3)"],
    "stream": ["next({0}, 0)"],
}

GLOBAL_DRAWS = ["cached(random.randint(0, 6))", "random.sample(range(9), 2)[0]", "random.random()", "random.randint(0, 40)", "random.gauss(0, 1)", "random.choice([2, 3, 5])"]
NUMPY_DRAWS = ["float(np.random.rand())", "int(np.random.randint(40))", "float(np.random.standard_normal())"]

SHOW = {
    "array": ["{0}.tolist()", "{0}[:2].tolist()", "float({0}.sum())", "{0}"],
    "matrix": ["{0}.tolist()", "{0}.shape", "{0}[0].tolist()"],
    "generator": ["{0}.bit_generator.state['state']['state']"],
    "legacy": ["int({0}.get_state()[2])", "{0}.get_state()[1][:3].tolist()"],
    "random": ["{0}.getstate()[1][-1]", "hash({0}.getstate())"],
    "iterator": [],
    "object": ["show(vars({0}))", "vars({0})", "{0}.total", "show({0})", "{0}.kept"],
    "function": [],
    "set": ["{0}", "len({0})", "sorted(map(str, {0}))"],
    "num": ["{0}", "repr({0})", "{0} * 2"],
}


class Expressions:
    """Expressions for a scope; all choices come from one random generator."""

    def __init__(self, random, numpy):
        self.r = random
        self.numpy = numpy

    def fill(self, pattern, scope, depth, *names):
        """A pattern with its holes filled: `{n}` number, `{few}`, `{t}` text, `{seed}`."""
        text = pattern
        while "{n}" in text:
            text = text.replace("{n}", self.num(scope, depth - 1).replace("{", "{{").replace("}", "}}"), 1)
        while "{t}" in text:
            text = text.replace("{t}", self.r.choice(TEXTS), 1)
        while "{o}" in text:
            objects = scope.of("object")
            text = text.replace("{o}", self.r.choice(objects).text if objects else "'none'", 1)
        text = text.replace("{few}", str(self.r.randint(1, 4))).replace("{seed}", str(self.r.randint(0, 99)))
        return text.format(*names)

    def num(self, scope, depth=2):
        """An expression that gives a number; it may draw random numbers and call functions."""
        r = self.r
        if depth <= 0 or not scope.names:
            names = scope.of("num")
            if names and r.random() < 0.6:
                return r.choice(names).text
            return r.choice([str(r.randint(0, 30)), str(r.randint(0, 99) / 8)])
        choice = r.random()
        if choice < 0.35:
            return self.reading(scope, depth)
        if choice < 0.5:
            return self.drawing(scope)
        if choice < 0.62:
            return self.call(scope, depth) or self.reading(scope, depth)
        return self.compound(scope, depth)

    def compound(self, scope, depth):
        """Operators, conditionals, lambdas, comprehensions over smaller numbers."""
        a, b = self.num(scope, depth - 1), self.num(scope, depth - 1)
        pattern = self.r.choice([
            "({0} + {1}) % 97", "({0} * {1}) % 89", "({0} - {1}) % 53", "({0} * 0.5 + {1}) % 61",
            "({0} if {1} > 10 else {1})", "(lambda v: v * 2 % 31)({0})", "sum(v + {0} for v in range(3)) % 41",
            "[{0}, {1}][int({1}) % 2]", "max({0}, {1})", "abs({0} - {1})", "len([v for v in range(5) if v < {0}])",
            "({0} or {1})", "cached(int({0}))", "cached.cache_info().currsize + {0}", "sum(map(lambda v: v % 3, ({0}, {1})))",
            "(lambda *vs, k=2: sum(vs) * k % 43)({0}, {1})", "round({0} / 3, 3)", "min((v for v in ({0}, {1})), default=0)",
        ])
        return pattern.format(a, b)

    def reading(self, scope, depth=1):
        """A number read from what is in scope, without effects."""
        names = [name for name in scope.names if name.kind in READ]
        if not names:
            return str(self.r.randint(0, 9))
        name = self.r.choice(names[-8:] if self.r.random() < 0.7 else names)
        return self.fill(self.r.choice(READ[name.kind]), scope, min(depth, 1) - 1, name.text)

    def drawing(self, scope):
        """A number that changes some hidden state."""
        names = [name for name in scope.names if name.kind in DRAW]
        if names and self.r.random() < 0.7:
            name = self.r.choice(names)
            return self.r.choice(DRAW[name.kind]).format(name.text)
        return self.r.choice(GLOBAL_DRAWS + NUMPY_DRAWS * self.numpy)

    def call(self, scope, depth, gives="num"):
        """A call of a function of the program, or nothing where none has all it needs."""
        ready = [each for each in scope.functions if each.gives == gives and self.ready(each, scope)]
        if not ready:
            return None
        return self.call_of(self.r.choice(ready), scope, depth)

    def ready(self, function, scope):
        return all(kind == "num" or scope.of(kind) for kind in function.parameters)

    def call_of(self, function, scope, depth):
        """`name(arguments)` with names of the right kinds."""
        given = [
            self.num(scope, depth - 1) if kind == "num" else self.r.choice(scope.of(kind)).text
            for kind in function.parameters
        ]
        return f"{function.name}({', '.join(given)})"

    def make(self, scope, kind, depth=2):
        """A new value of a kind."""
        return self.fill(self.r.choice(MAKE[kind]), scope, depth)

    def condition(self, scope):
        """Something to test."""
        a = self.num(scope, 1)
        return self.r.choice([
            f"{a} > {self.r.randint(0, 40)}", f"int({a}) % {self.r.randint(2, 4)} == {self.r.randint(0, 1)}",
            f"{a} < {self.num(scope, 1)}", f"not {a}", f"{a} > 3 and {self.num(scope, 1)} < 30",
        ])

    def shown(self, scope):
        """What a probe prints of one name, or nothing."""
        names = [name for name in scope.names if name.kind in SHOW or name.kind in READ]
        if not names:
            return None
        name = self.r.choice(names[-10:] if self.r.random() < 0.6 else names)
        choices = SHOW.get(name.kind, ["{0}", "repr({0})", "len({0})", "show({0})"])
        if not choices:
            return None
        if self.r.random() < 0.08:
            others = scope.of(name.kind)
            return f"{name.text} is {self.r.choice(others).text}" if name.kind not in ("num", "text") else name.text
        return self.r.choice(choices).format(name.text)
