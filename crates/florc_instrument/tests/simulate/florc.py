"""The hooks of a recording and of a replay, in plain Python and in memory.

Checks that a plan is sound without the real runtime: a run that skips every SkipBlock, and runs that
start at each iteration of each main loop, must print what the recorded run printed there. State is
copied with `copy.deepcopy` and put back by patching live objects in lockstep, as the runtime does.
"""
import copy
import importlib
import sys
import types

unbound = type("unbound", (), {"__deepcopy__": lambda self, memo: self})()

for kind in (types.ModuleType, types.GeneratorType):
    copy._deepcopy_dispatch[kind] = lambda value, memo: value


AFTER = 10**6


class Run:
    """One execution. A phase is the number of the main loop that was entered last and its iteration;
    `start` is the one to start at, `skip` whether blocks are skipped."""

    def __init__(self, manifest, saved=None, start=None, skip=False):
        self.mains = {main["id"]: main for main in manifest["main_loops"]}
        self.entered = 0
        self.blocks = {block["id"]: block for block in manifest["skip_blocks"]}
        self.saved, self.start, self.skip = saved, start, skip
        self.states, self.rows, self.counts = {}, [], {}
        self.phase, self.depth, self.block, self.muted = (0, AFTER), 0, None, False

    def carry(self, frame, site, roots, gives, maybe):
        main = self.mains[site]
        self.depth, self.block = 0, None  # an exception may have left a block
        if self.start is not None and self.phase < self.start and self.start[0] == self.entered:
            self.phase = self.start
            state = self.saved.get(("head", self.start))
            if state is not None:
                return put_back(frame, main, state, roots, main["returned"])
        else:
            self.phase = (self.entered, self.phase[1] + 1 if self.phase[0] == self.entered else 0)
        self.states["head", self.phase] = take(frame, main, roots)
        values = list(roots[:gives])
        values += [lookup(frame, name, "local") for name in maybe.split()]
        return packed(values)

    def key(self, site):
        return (site, self.phase, self.counts[site, self.phase])

    def step_into(self, site):
        if self.depth == 0:
            self.counts[site, self.phase] = self.counts.get((site, self.phase), -1) + 1
            if self.skip and self.phase[1] < AFTER and self.saved.get(self.key(site)) is not None:
                return False
            self.block = self.key(site)
        self.depth += 1
        return True

    def end(self, frame, site, roots):
        self.depth -= 1
        if self.depth == 0:
            self.states[self.block] = take(frame, self.blocks[site], roots)
            self.block = None

    def restore(self, frame, site, values):
        block = self.blocks[site]
        arguments = dict(zip(block["restore_arguments"], values))
        state = self.saved[self.key(site)]
        return put_back(frame, block, state, arguments, block["restore_results"])


def packed(values):
    if not values:
        return None
    return values[0] if len(values) == 1 else tuple(values)


def lookup(frame, name, place, module=""):
    if module and module not in sys.modules:
        return unbound
    names = frame.f_locals if place != "global" else namespace(frame, module)
    return names.get(name, unbound)


def namespace(frame, module):
    return vars(sys.modules[module]) if module else frame.f_globals


def value_of(frame, root):
    return lookup(frame, root["name"], root["place"], root.get("module", ""))


def take(frame, site, passed):
    """A copy of the live roots; `None` when something cannot be copied."""
    values = []
    for index, root in enumerate(site["roots"]):
        value = passed[index] if index < len(passed) else value_of(frame, root)
        values.append(value if root["live"] else unbound)
    try:
        return copy.deepcopy(values)
    except TypeError:
        return None


def load(name):
    """Imports a module that the recorded run had; what its body logs is no row."""
    if name not in sys.modules:
        run.muted = True
        importlib.import_module(name)
        run.muted = False


def put_back(frame, site, state, passed, returned):
    for value, root in zip(state, site["roots"]):
        if value is not unbound and root.get("module"):
            load(root["module"])
    saved, memo, values = copy.deepcopy(state), {}, []
    given = dict(enumerate(passed)) if isinstance(passed, tuple) else passed
    for index, root in enumerate(site["roots"]):
        if not root["live"]:
            values.append(unbound)
            continue
        saved[index] = named(saved[index])
        live = given[index] if index in given else value_of(frame, root)
        values.append(patch(saved[index], None if root["replaced"] else live, memo))
        if root["place"] == "global":
            if values[-1] is not unbound:
                namespace(frame, root.get("module", ""))[root["name"]] = values[-1]
            elif root.get("module", "") in {"", *sys.modules}:
                namespace(frame, root.get("module", "")).pop(root["name"], None)
    return packed([values[index] for index in returned])


def named(value):
    """A module, function or class of a recorded run is found again under its name."""
    if isinstance(value, types.ModuleType):
        return sys.modules.get(value.__name__, value)
    if isinstance(value, (type, types.FunctionType)) and value.__module__ in sys.modules:
        return getattr(sys.modules[value.__module__], value.__qualname__, value)
    return value


def patch(saved, live, memo):
    """Makes `live` equal to `saved` where it can be changed; gives what takes its place."""
    if id(saved) in memo:
        return memo[id(saved)][0]
    if type(saved) is tuple:
        others = list(live) if type(live) is tuple else []
        others += [None] * (len(saved) - len(others))
        return tuple(patch(item, other, memo) for item, other in zip(saved, others))
    attributes = hasattr(saved, "__dict__") and not callable(saved) and not isinstance(saved, types.ModuleType)
    if type(saved) not in (list, dict, set) and not attributes:
        return saved
    same = type(saved).__qualname__ == type(live).__qualname__  # classes are made anew in each run
    target = live if same else saved
    memo[id(saved)] = (target, saved)
    if type(saved) is list:
        others = list(live) if same else []
        others += [None] * (len(saved) - len(others))
        target[:] = [patch(item, other, memo) for item, other in zip(list(saved), others)]
    elif type(saved) is dict:
        items = [(key, patch(value, live.get(key) if same else None, memo)) for key, value in list(saved.items())]
        target.clear()
        target.update(items)
    elif type(saved) is set:
        items = list(saved)
        target.clear()
        target.update(items)
    else:
        patch(vars(saved), vars(target), memo)
    return target


run = None


def main_loop(site, iterable):
    enter(site)
    entered = run.entered
    for index, item in enumerate(iterable):
        if run.start is None or run.start[0] != entered or index >= run.start[1]:
            yield item


def loop(site, iterable):
    return iterable


def enter(site):
    run.entered += 1


def tick(site):
    pass


untick = tick


def entered(site):
    pass


def carry(site, *roots, gives=0, maybe=""):
    return run.carry(sys._getframe(1), site, roots, gives, maybe)


def leave(site, *roots):
    run.phase, run.depth, run.block = (run.entered, AFTER), 0, None


def step_into(site):
    return run.step_into(site)


def end(site, *roots):
    run.end(sys._getframe(1), site, roots)


def restore(site, *values):
    return run.restore(sys._getframe(1), site, values)


def v(site, value):
    return value


def print(site, *args, sep=" ", **kwargs):
    if not run.muted:
        run.rows.append((run.phase, run.block, site, sep.join(map(str, args))))


def call(site, function, *args, **kwargs):
    return function(*args, **kwargs)


clock = call


def log(name, value):
    pass


def execute(text, current):
    """Runs an instrumented program; gives how it ended."""
    global run
    run = current
    try:
        run_program(text)
    except BaseException as error:
        return repr(error)


def check(text, manifest):
    """What goes wrong when a program is replayed in parts; `None` when nothing does."""
    recorded = Run(manifest)
    ended = execute(text, recorded)
    if not manifest["main_loops"]:
        return None
    skipped = Run(manifest, recorded.states, skip=True)
    problem = execute(text, skipped)
    ended_blocks = {key for key, state in recorded.states.items() if state is not None and key[1][1] < AFTER}
    outside = [row for row in recorded.rows if row[1] not in ended_blocks]
    if (skipped.rows, problem) != (outside, ended):
        return f"skipped: {problem} {skipped.rows} instead of {ended} {outside}"
    if not all(main["recreatable"] for main in manifest["main_loops"]):
        return None
    for start in [key[1] for key in recorded.states if key[0] == "head"]:
        jumped = Run(manifest, recorded.states, start=start)
        problem = execute(text, jumped)
        rows = [row for row in jumped.rows if row[0] >= start]
        expected = [row for row in recorded.rows if row[0] >= start]
        if (rows, problem) != (expected, ended):
            return f"from {start}: {problem} {rows} instead of {ended} {expected}"
    return None
