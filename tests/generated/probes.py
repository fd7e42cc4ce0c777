"""Random probes for a program: log statements at random places that read, and never change.

    for epoch in range(4):
        work(xs)
        print('probe', 7, xs, meter.total)      # added

Which names are in reach is found by running the program with candidates: those that raise are left out.
"""

import re

from tree import Block, Line, probes_of, remove, render, suites_of

NAMES = re.compile(r"^\s*(?:for )?((?:self\.)?[a-z_]+\d*)(?:, \*?([a-z_]+\d*))? (?:=|in) ", re.M)

FORWARD = ("epoch", "step", "episode", "end", "result", "failed ")


def add_probes(program, r, run, changing=False):
    """Puts one to six probes into the tree; with `changing` some change what they look at.

    `run(text)` gives what a program prints. Candidates are tried first.
    """
    places = [suite for suite in suites_of(program.suite) if suite is not program.suite]
    classes = [node.clauses[0][1] for node in program.suite if isinstance(node, Block) and node.clauses[0][0].startswith("class ")]
    places = [suite for suite in places if _runs(suite) and not any(suite is each for each in classes)]
    places += [program.suite] * 3
    for number in range(40):
        suite = r.choice(places[:12] if r.random() < 0.3 else places)
        begin = _first(suite) if suite is program.suite else _after_globals(suite)
        at = r.randint(begin, _last(suite, begin))
        text = _probe(r, _names(program.suite, suite, at), number, changing)
        calls = text is not None and "model(" in text  # of which some draw, and count
        if text is not None and (program.pure or changing or not calls):
            suite.insert(at, Line(text, probe=True))
    good = _good(program, run)
    kept = r.sample(good, min(len(good), r.randint(1, 6)))
    for probe in probes_of(program.suite):
        if not any(probe is each for each in kept):
            remove(program.suite, probe)


def _runs(suite):
    return not any(isinstance(node, Block) and node.clauses[0][0].startswith("case ") for node in suite)


def _first(suite):
    """Behind imports, helpers and seeds."""
    seeds = [i for i, node in enumerate(suite) if isinstance(node, Line) and node.text.startswith("random.seed")]
    return seeds[0] + 1 if seeds else 0


def _after_globals(suite):
    words = ("global ", "nonlocal ")
    return sum(isinstance(node, Line) and node.text.startswith(words) for node in suite)


def _last(suite, begin):
    """Nothing behind a statement that leaves the suite."""
    for at in range(begin, len(suite)):
        node = suite[at]
        if isinstance(node, Line) and node.text.split()[0] in ("return", "break", "continue", "raise"):
            return at
    return len(suite)


def _names(top, suite, at):
    """Names that statements before the place bind, with those of the module."""
    near = _bound(suite[:at])
    around = []
    for each in suites_of(top):
        for node in each:
            if isinstance(node, Block) and any(_holds(body, suite) for _, body in node.clauses):
                around += [name for head, _ in node.clauses for name in NAMES.findall(head + " ")]
                around += [(name, "") for head, _ in node.clauses if head.startswith("def ")
                           for name in re.findall(r"[(,] ?(\w+)", head)]
                around += _bound(each[: each.index(node)])
    found = [name for pair in [*around, *near, *near] for name in pair if name and name not in ("else",)]
    return [name for name in found if not name.startswith(("Meter", "import", "from"))]


def _holds(body, suite):
    return any(each is suite for each in suites_of(body))


def _bound(nodes):
    lines = [node.text for node in nodes if isinstance(node, Line) and not node.probe]
    return [pair for text in lines if not text.startswith(("def ", "class ", "@")) for pair in NAMES.findall(text)]


def _probe(r, names, number, changing):
    if not names:
        return None
    chosen = [r.choice(names) for _ in range(r.randint(1, 3))]
    shown = [_shown(r, name, names, changing) for name in chosen]
    head = f"'probe {number}'"
    kind = r.random()
    if kind < 0.55:
        return f"print({head}, {', '.join(shown)})"
    if kind < 0.7:
        inner = "{" + shown[0] + "}" if "'" not in shown[0] and "{" not in shown[0] else "{0}"
        return f"print(f'probe {number} {inner}')"
    if kind < 0.85:
        return f"extra_{number} = [{shown[0]}, 1]\nprint({head}, extra_{number})"
    if kind < 0.93:
        return f"for extra_{number} in range(2):\n    print({head}, extra_{number}, {shown[0]})"
    return f"if len(show({chosen[0]})) > 1:\n    print({head}, {shown[0]})"


TRAINED = ["loss.item()", "total", "{p}.norm().item()", "{p}.flatten()[:2].tolist()", "optimizer.param_groups[0]['lr']",
          "model.seen.item()", "model.calls", "model.kept", "{p}.grad.norm().item()", "best", "history", "scheduler.last_epoch",
          "sum(q.abs().sum().item() for q in model.parameters())", "torch.get_rng_state()[:8].tolist()", "len(optimizer.state)",
          "average.last.bias.tolist()", "[g['lr'] for g in optimizer.param_groups]", "model.training", "kept['last.bias'].tolist()",
          "next(iter(optimizer.state.values()))", "x.sum().item()", "out.argmax(1).tolist()", "steps", "waited",
          "model(torch.ones(2, 4)).tolist()", "sorted(model.state_dict())", "scaler.get_scale()", "meter.total"]
READS = ["show({0})"] * 6 + [
    "str({0})[:60]", "str({0})[:60]", "repr({0})", "len({0})", "{0}.total", "{0}.kept", "{0} % 7",
    "{0}.tolist()", "{0}.get('a', 0)", "vars({0})", "{0}.value()", "random.getstate()[1][-1]", "isinstance({0}, int)",
    "{0}.bit_generator.state['state']['state']", "{0}.sum()", "type({0}).__name__", "copy.copy({0})", "{0}.copy()", "{0}[-2:]", "{0}.mean()",
]
ITERATING = ["sum({0})", "sorted(map(str, {0}))", "max({0}, default=0)", "[v for v in {0}][:3]"]
CHANGING = ["next({0}, None)", "random.random()", "{0}.update(3)", "{0}.append(1)", "list({0})", "{0}(1)", "{0}.pop()", "pull({0})"]


def _shown(r, name, names, changing):
    if changing and r.random() < 0.4:
        return r.choice(CHANGING).format(name)
    if "model" in names and r.random() < 0.7:
        return r.choice(TRAINED).replace("{p}", r.choice(["model.first.weight", "model.last.bias"]))
    if r.random() < 0.08:
        return f"{name} is {r.choice(names)}"
    draws = name.startswith(("i", "alias", "g_i", "self.i", "self.alias"))  # iterators would go on
    return r.choice(READS if draws else READS + ITERATING).format(name)


def _good(program, run):
    """Probes that are reached, do not raise, and print one line without an address."""
    probes = probes_of(program.suite)
    texts = [probe.text for probe in probes]
    for number, probe in enumerate(probes):
        body = probe.text.replace("\n", "\n    ")
        probe.text = f"try:\n    {body}\nexcept Exception: print('failed', {number})"
    lines = run(render(program.suite, True)).splitlines()
    for probe, text in zip(probes, texts):
        probe.text = text
    failed = {int(line.split()[1]) for line in lines if line.startswith("failed ")}
    reached, spoilt, last = set(), set(), None
    for line in lines:
        if line.startswith("probe "):
            last = line.split()[1]
            reached.add(last)
        elif line.startswith(FORWARD):
            last = None
        if last and (" at 0x" in line or not line.startswith("probe ")):
            spoilt.add(last)
    number_of = [re.search(r"probe (\d+)", text).group(1) for text in texts]
    return [
        probe for i, probe in enumerate(probes)
        if i not in failed and number_of[i] in reached and number_of[i] not in spoilt
    ]
