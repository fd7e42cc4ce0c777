"""Random simple statements: bindings, updates in place, aliases, tuple unpacking, `del`.

    window.append(loss % 97)        row = grid[0]         a, *rest = xs

Each entry of a table has holes as `Expressions.fill` knows them; `{0}` is the name, `{1}` another of its kind.
"""

from tree import Block, Line

UPDATE = {
    "num": ["{0} = {n}", "{0} = ({0} * 3 + {n}) % 97", "{0} += {n}\n{0} %= 97", "{0} = {0} * 0.5 + {n}",
            "{0} -= 1", "{0} = max({0}, {n})"],
    "list": ["{0}.append({n})", "{0}.append({n})", "if len({0}) > 2: del {0}[0]", "{0}.insert(0, {n})", "{0}.sort()",
             "{0}.reverse()", "{0} += [{n}, {n}]", "{0}[:1] = [{n}]", "{0}.extend({1}[:2])", "random.shuffle({0})",
             "if {0}: {0}[-1] = {n}", "{0}[1:2] = []", "while len({0}) > 5: {0}.pop()", "{0} = [v % 31 for v in {0}]",
             "{0} = {0}[-3:]", "{0}.clear()", "{0} *= 1", "{0}[:] = {0}[::-1]", "if {0}: {0}[0] %= 7"],
    "nested": ["{0}.append([{n}])", "if {0}: {0}[0].append({n})", "if {0}: {0}[-1] = {0}[0]", "if len({0}) > 4: {0}.pop()",
               "for row in {0}: row.append({n})", "{0} = [list(row[:2]) for row in {0}]", "{0}.reverse()", "{0}.sort()"],
    "table": ["{0}['{t}'] = {n}", "{0}.update({t}={n})", "{0}.setdefault('{t}', {n})", "{0}.pop('{t}', None)",
              "{0}['{t}'] = {0}.get('{t}', 0) + 1", "{0} |= {{'{t}': {n}}}", "if '{t}' in {0}: del {0}['{t}']",
              "{0} = dict({0})", "{0} = {{k: v for k, v in {0}.items() if v != 3}}",
              "if len({0}) > 3: {0}.popitem()", "for k in list({0}): {0}[k] = {0}[k] * 0.5"],
    "lists": ["{0}.setdefault('{t}', []).append({n})", "for v in {0}.values(): v.append({n})", "{0}['{t}'] = [{n}]",
              "if len({0}) > 2: {0}.pop(next(iter({0})))", "{0}['a'] = {0}.setdefault('b', [])"],
    "set": ["{0}.add({n})", "{0}.discard({n})", "{0} |= {{{n}, '{t}'}}", "{0}.update(['{t}', {n}])", "if {0}: {0}.pop()",
            "{0} -= {{'{t}'}}", "{0} = {0} & {1} | {{'{t}'}}", "{0} ^= {{{n}}}", "{0} = set(list({0})[:4])"],
    "deque": ["{0}.append({n})", "{0}.appendleft({n})", "{0}.rotate(1)", "if {0}: {0}.popleft()", "if len({0}) > 6: {0}.clear()"],
    "array": ["{0} += {n}", "{0} *= 0.5", "{0}[1:3] = {n}", "{0}[0] = {n}", "{0} = {0} + 1", "{0}[::2] *= 0.25",
              "np.clip({0}, 0, 9, out={0})", "{0}.sort()", "{0}[{0} > 5] = 1.0", "np.add({0}, 1, out={0})",
              "{0} = np.roll({0}, 1)", "np.random.shuffle({0})", "{0}.fill({n})", "{0} = {0}.copy()", "{0} -= {0}.mean()"],
    "matrix": ["{0} += 1", "{0}[0] = {n}", "{0}[:, 1] *= 0.5", "{0} *= 0.25", "{0}.T[0] += {n}", "{0}.ravel()[1] = {n}",
               "{0} = {0}[::-1]", "{0}[1] -= {0}[0]", "np.copyto({0}, {0} * 0.5)", "{0}.flat[0] = {n}"],
    "generator": ["{0}.random(2)", "{0} = np.random.default_rng({seed})", "{0}.shuffle(np.arange(3))", "{0}.integers(5, size=3)"],
    "legacy": ["{0}.rand(3)", "{0}.shuffle([1, 2])", "{0}.seed({seed})"],
    "random": ["{0}.random()", "{0}.seed({seed})", "{0}.shuffle([1, 2, 3])"],
    "iterator": ["pull({0})", "next({0}, None)", "{0} = iter([{n}, {n}])", "for _ in zip(range(2), {0}): pass"],
    "bytes": ["{0}.append(7)", "{0} += b'x'", "if {0}: {0}[0] = int({n}) % 200", "del {0}[6:]"],
    "text": ["{0} += '{t}'", "{0} = '{t}' + {0}[:4]", "{0} = {0}.replace('a', 'q')[-6:]"],
    "pair": ["{0}[0].append({n})", "{0} = ({0}[0], {n})", "del {0}[0][3:]"],
    "heap": ["heapq.heappush({0}, {n})", "if len({0}) > 2: heapq.heappop({0})", "bisect.insort({0}, {n})\nheapq.heapify({0})",
             "heapq.heapreplace({0}, {n})"],
    "object": ["{0}.update({n})", "{0}.update({n})", "{0}.kept.append({n})", "{0}.total += 1", "{0}({n})", "{0}.level = {n}",
               "setattr({0}, 'mark', {n})", "{0}.kept = {0}.kept[-2:]", "{0} += {n}", "{0}.reset()", "type({0}).made += 1",
               "{0}.partner = {1}", "{0}[int({n}) % 3] = {n}", "with {0}: {0}.update({n})", "{0}.partner = copy.deepcopy({1})",
               "{0} = copy.deepcopy({0})", "getattr({0}, 'update')({n})", "{0}.tally({n})", "{0} = copy.copy({0})"],
    "function": ["{0}({n})", "{0}({n})"],
    "counter": ["{0}()", "{0}({n})", "{0} = counter({n})"],
    "point": ["{0}.x = {n}", "{0}.ys.append({n})", "{0} = dataclasses.replace({0}, x={n})", "{0}.level += 1", "{0}.ys = {0}.ys[-2:]",
              "{0}.ys = {1}.ys"],
    "pairing": ["{0} = {0}._replace(a={n})", "if isinstance({0}.b, list): {0}.b.append({n})", "{0} = Pair({0}.b, {0}.a)"],
    "space": ["{0}.rate *= 0.5", "{0}.seen.append({n})", "setattr({0}, '{t}', {n})", "vars({0}).pop('{t}', None)",
              "{0}.__dict__.update(rate={n})", "{0}.seen = {1}.seen", "{0} = types.SimpleNamespace(**vars({0}))"],
    "stream": ["next({0}, 0)", "for _ in zip(range(2), {0}): pass", "{0}.at = {few}", "{0}.given = {1}.given"],
    "callbacks": ["{0}.append(lambda v, k={n}: (v * k) % 31)", "for call in {0}: call({n})", "if len({0}) > 3: {0}.pop(0)",
                  "{0}.append(functools.partial(max, {n}))", "{0}.reverse()"],
    "tree": ["prune({0}, {n})", "{0} = grow({few}, {n})", "{0}.setdefault('right', []).append({n})", "{0}['left'] = grow(1, {n})"],
    "registry": ["{0}[{o}] = {n}", "{0}[{o}] = {0}.get({o}, 0) + 1", "{0}.pop({o}, None)", "{0}[len({0})] = {n}"],
    "kept_state": ["random.setstate({0})", "{0} = random.getstate()", "{0} = random.getstate()"],
    "box": ["{0}.append({a})", "if len({0}) > 3: {0}.pop(0)", "{0}[:1] = [{a}]", "{0} = list({0})", "{0}.reverse()"],
}

ALIAS = {  # another name for (a part of) the same object: pattern, kind of the part
    "nested": [("{0}[0] if {0} else []", "list")],
    "lists": [("{0}.setdefault('a', [])", "list")],
    "pair": [("{0}[0]", "list")],
    "array": [("{0}[1:]", "array"), ("{0}[::-1]", "array"), ("{0}.reshape(-1)", "array"), ("np.asarray({0})", "array")],
    "matrix": [("{0}[0]", "array"), ("{0}.ravel()", "array"), ("{0}.T", "matrix"), ("{0}[:, 0]", "array"), ("{0}.reshape(-1)", "array")],
    "object": [("{0}.kept", "list"), ("{0}.itself()", "object"), ("{0}.update", "function")],
    "point": [("{0}.ys", "list")],
    "space": [("{0}.seen", "list")],
    "stream": [("{0}.given", "list")],
}


class Statements:
    """Simple statements for a scope."""

    def __init__(self, expressions, kinds):
        self.e = expressions
        self.r = expressions.r
        self.kinds = kinds
        self.numbers = 0

    def allowed(self, kind, pattern):
        """Whether the pattern may be used for a name of that kind."""
        return True

    def fresh(self, stem):
        """A name that nothing has yet."""
        self.numbers += 1
        return f"{stem}{self.numbers}"

    def simple(self, scope):
        """One or two statements without suites."""
        choice = self.r.random()
        if choice < 0.52:
            return self.update(scope)
        if choice < 0.66:
            return self.bind(scope)
        if choice < 0.8:
            return self.alias(scope)
        if choice < 0.87:
            return self.unpack(scope)
        if choice < 0.93:
            return self.called(scope)
        return self.deleted(scope)

    def update(self, scope):
        """An update in place, or a binding of the name to a new value."""
        names = [name for name in scope.names if name.kind in UPDATE]
        if not names:
            return self.bind(scope)
        name = self.r.choice(names[-8:] if self.r.random() < 0.6 else names)
        choices = UPDATE[name.kind]
        if not name.bind:
            rebinds = ("{0} =", "{0} +=", "{0} |=", "{0} -=", "{0} ^=", "{0} *=", "{0} %=")
            choices = [each for each in choices if not any(line.startswith(rebinds) for line in each.split("\n"))]
        choices = [each for each in choices if self.allowed(name.kind, each)]
        if not choices:
            return self.bind(scope)
        pattern = self.r.choice(choices)
        if "{a}" in pattern:
            anything = [each for each in scope.names if each.kind not in ("box", "function", "iterator")]
            pattern = pattern.replace("{a}", self.r.choice(anything).text if anything else "0")
        other = self.r.choice(scope.of(name.kind))
        return [Line(self.e.fill(pattern, scope, 2, name.text, other.text))]

    def bind(self, scope):
        """A new name, or a name that is there, for a new value."""
        kind = self.r.choice(self.kinds)
        text = self.fresh(kind[0])
        value = self.e.make(scope, kind)
        scope.add(text, kind)
        return [Line(f"{text} = {value}")]

    def alias(self, scope):
        """Another name for an object or for a part of it."""
        names = [name for name in scope.names if name.kind not in ("num", "text", "function")]
        if not names:
            return self.bind(scope)
        name = self.r.choice(names)
        if name.kind in ALIAS and self.r.random() < 0.5:
            pattern, kind = self.r.choice([each for each in ALIAS[name.kind] if self.allowed(name.kind, each[0])])
            value = pattern.format(name.text)
        else:
            value, kind = name.text, name.kind
        old = [each for each in scope.of(kind, bind=True) if each.text != name.text]
        if old and self.r.random() < 0.4:
            return [Line(f"{self.r.choice(old).text} = {value}")]
        text = self.fresh("alias")
        scope.add(text, kind)
        return [Line(f"{text} = {value}")]

    def unpack(self, scope):
        """Several targets at once."""
        numbers = scope.of("num", bind=True)
        lists = scope.of("list")
        if len(numbers) > 1 and self.r.random() < 0.5:
            a, b = self.r.sample(numbers, 2)
            return [Line(f"{a.text}, {b.text} = {b.text}, {self.e.num(scope, 1)}")]
        if lists and self.r.random() < 0.6:
            first, rest = self.fresh("n"), self.fresh("rest")
            text = f"{first}, *{rest} = {self.r.choice(lists).text} or [0]"
            scope.add(first, "num")
            scope.add(rest, "list")
            return [Line(text)]
        same = [kind for kind in ("list", "table", "object", "array") if len(scope.of(kind, bind=True)) > 1]
        if not same:
            return self.update(scope)
        a, b = self.r.sample(scope.of(self.r.choice(same), bind=True), 2)
        return [Line(f"{a.text}, {b.text} = {b.text}, {a.text}")]

    def called(self, scope):
        """A call whose result is kept, dropped, or kept in a walrus."""
        kinds = sorted({each.gives for each in scope.functions if self.e.ready(each, scope)})
        if not kinds:
            return self.update(scope)
        gives = self.r.choice(kinds)
        call = self.e.call(scope, 2, gives)
        if gives == "none" or self.r.random() < 0.3:
            return [Line(call)]
        text = self.fresh(gives[0])
        scope.add(text, gives)
        if gives == "num" and self.r.random() < 0.3:
            return [Block([(f"if ({text} := {call}) > 5", [Line(f"{text} = {text} % 5")])])]
        return [Line(f"{text} = {call}")]

    def deleted(self, scope):
        """A name that goes, or may go, and is read with care afterwards."""
        names = [each for each in scope.of("num", bind=True) if each.text.isidentifier()]
        if not names or not scope.in_loop:
            return self.update(scope)
        name, text = self.r.choice(names), self.fresh("maybe")
        guard = Block([
            ("try", [Line(f"{name.text} = {text} + 1")]),
            ("except NameError", [Line(f"{name.text} = {self.r.randint(0, 9)}")]),
        ])
        bound = Block([(f"if {self.e.condition(scope)}", [Line(f"{text} = {self.e.num(scope, 1)}")])])
        gone = Block([("try", [Line(f"del {text}")]), ("except NameError", [Line("pass")])])
        parts = [[bound, guard], [guard, bound], [bound, guard, gone]]
        return self.r.choice(parts)
