"""Log statements that run in some iterations only: what the run recorded around them tells in which."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
from test_negative import rerun, small  # noqa: E402

STEPS = 40

# `# 1` and so on are places for log statements.
PARTS = {
    "imports": "import logging\nimport random\nrandom.seed(3)\n",
    "state": "EVERY = 10\nweights = [1.0, 2.0]\nseen = []\n",
    "helpers": """\
def evaluate(at):
    worst = max(weights)
    # 5
    print("evaluated", at, worst)
    # 6
    return worst


def total():
    # 7
    return sum(weights)


class Meter:
    def note(self, value):
        seen.append(value)
        print("noted", value)
        # 8


meter = Meter()
""",
    "loop": "for step in range(STEPS):\n",
    "body": """\
    for each in range(2):
        weights[each] += random.gauss(0, 1)
    if step % 7 == 3:
        # 1
        print("seven", step, weights[0])
        # 2
    if step % EVERY == 0:
        # 3
        seen.append(total())
    elif step > 30:
        # 4
        print("late", weights[1])
    if step % 15 == 14:
        evaluate(step)
    if abs(weights[0]) > 5:
        meter.note(weights[0])
""",
}
PLAIN = "".join(PARTS.values()).replace("STEPS", str(STEPS))
IN_A_FUNCTION = (
    "".join(PARTS[part] for part in ("imports", "state", "helpers")) + "\n\ndef main():\n"
    + "".join("    " + line + "\n" for line in (PARTS["loop"] + PARTS["body"]).splitlines()) + "\n\nmain()\n"
).replace("STEPS", str(STEPS))
ENUMERATED = PLAIN.replace("for step in range(40)", "for step, _ in enumerate(range(40))")
BAR = PLAIN.replace("for step in", "from tqdm import tqdm\nfor step in").replace("range(40)", "tqdm(range(40))", 1)
WHILE = PLAIN.replace("for step in range(40):\n", "step = -1\nwhile step < 39:\n    step += 1\n")
RENAMED = PLAIN.replace("for step in range(40):\n", "for epoch in range(40):\n    step = epoch\n")
SCRIPTS = {
    "plain": PLAIN, "function": IN_A_FUNCTION, "enumerate": ENUMERATED, "bar": BAR, "while": WHILE, "renamed": RENAMED,
}  # fmt: skip


def added(text, places, what="print('probe', {}, weights)"):
    for place in places:
        at = next(line for line in text.splitlines() if line.strip() == f"# {place}")
        text = text.replace(at, at.replace(f"# {place}", what.format(place)))
    return text


def asked(project):
    ran = project.replay("--dry-run", "--format", "json")
    assert ran.code == 0, ran.stderr
    return sum(loop["asked"] for loop in json.loads(ran.stdout)["loops"])


def check(tmp_path, script, edited, count, *options):
    """All rows and no others, verified. `count`: iterations in which they are looked for; `None`: all."""
    expected = rerun(tmp_path, edited)
    project = small(tmp_path, script)
    recorded = project.record()
    assert recorded.code == 0, recorded.stderr
    project.script.write_text(edited)
    looked_for = asked(project)
    ran = project.replay(*options)
    assert (ran.code, ran.stdout.splitlines()) == (0, expected), ran.stderr
    assert "verified" in ran.stderr, ran.stderr
    if count is not None:
        assert looked_for == count(recorded.stdout) if callable(count) else looked_for == count
    return project


def lines(word):
    return lambda text: sum(line.startswith(word) for line in text.splitlines())


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("place", ["1", "2"])
@pytest.mark.parametrize("name", list(SCRIPTS))
def test_beside_a_recorded_log_statement(tmp_path, name, place, workers):
    script = SCRIPTS[name]
    # behind it may have run in the last iteration, for all that the run shows: a test does not say of all names
    only_rows = name in ("while", "renamed") and place == "1"
    check(tmp_path, script, added(script, place), 6 + only_rows, "--workers", workers)


@pytest.mark.parametrize("name", ["plain", "function", "enumerate", "bar"])
def test_under_a_test_of_the_loop_variable(tmp_path, name):
    script = SCRIPTS[name]
    check(tmp_path, script, added(script, "3"), 4)


def test_a_test_of_other_variables_says_nothing(tmp_path):
    check(tmp_path, WHILE, added(WHILE, "3"), STEPS)


def test_in_the_other_branch(tmp_path):
    check(tmp_path, PLAIN, added(PLAIN, "4"), lines("late"))


@pytest.mark.parametrize("place", ["5", "6"])
def test_in_a_function_that_is_called_in_some_iterations(tmp_path, place):
    check(tmp_path, PLAIN, added(PLAIN, place), 2)


def test_in_a_function_without_log_statements(tmp_path):
    check(tmp_path, PLAIN, added(PLAIN, "7"), 4)


def test_a_method_may_be_called_by_whoever_likes(tmp_path):
    check(tmp_path, PLAIN, added(PLAIN, "8"), STEPS)


def test_at_several_places(tmp_path):
    tens, sevens = set(range(0, 40, 10)), set(range(3, 40, 7))
    check(tmp_path, PLAIN, added(PLAIN, ["2", "3"]), len(tens | sevens))


def test_a_condition_that_is_added_with_it(tmp_path):
    edited = PLAIN.replace("    if step % 15", "    if step % 9 == 4:\n        print('probe', step, weights)\n    if step % 15")
    check(tmp_path, PLAIN, edited, 4)


def test_values_of_other_statements_are_computed_where_they_are_shown(tmp_path):
    edited = PLAIN.replace("    if step % 7", "    norm = sum(x * x for x in weights)\n    if step % 7")
    edited = added(edited, "2", "print('probe', norm)")
    check(tmp_path, PLAIN, edited, 6)


def test_what_is_carried_from_one_iteration_to_the_next(tmp_path):
    edited = PLAIN.replace("seen = []\n", "seen = []\ncount = 0\n").replace("    if step % 7", "    count += 1\n    if step % 7")
    edited = added(edited, "2", "print('probe', count)")
    check(tmp_path, PLAIN, edited, 6)


def test_a_log_statement_that_says_more_now(tmp_path):
    edited = PLAIN.replace("print('probe'", "").replace('print("late", weights[1])', "print('probe', weights)")
    check(tmp_path, PLAIN, edited, lines("late"))


def test_with_where(tmp_path):
    edited = added(PLAIN, "2")
    project = check(tmp_path, PLAIN, edited, 6)
    ran = project.replay("--where", "step > 20")
    assert ran.code == 0 and "verified" in ran.stderr, ran.stderr
    assert ran.stdout.splitlines() == small(tmp_path / "scratch", edited).plain().probes()[3:]


def test_after_the_loop_too(tmp_path):
    edited = added(PLAIN, "2") + "print('probe', 'end', weights)\n"
    check(tmp_path, PLAIN, edited, 6)


# Where what stands beside a statement may be passed over, it says nothing.

CAUGHT = PLAIN.replace("    if step % 7 == 3:\n        # 1\n", """\
    try:
        if step in ODD:
            # 1
            if step > 15:
                raise ValueError
            print("odd")
    except ValueError:
        pass
    if step % 7 == 3:
""").replace("seen = []", "seen = []\nODD = set(range(1, 40, 8))")
SKIPPED = PLAIN.replace("    if step % 7 == 3:\n        # 1\n", """\
    if step in ODD:
        # 1
        if step > 15:
            continue
        print("odd")
    if step % 7 == 3:
""").replace("seen = []", "seen = []\nODD = set(range(1, 40, 8))")
SUPPRESSED = CAUGHT.replace("    try:\n", "    with contextlib.suppress(ValueError):\n").replace(
    "    except ValueError:\n        pass\n", ""
).replace("import random\n", "import contextlib\nimport random\n")
LEFT = CAUGHT.replace("    try:\n", "    if True:\n").replace("    except ValueError:\n        pass\n", "").replace(
    "step > 15", "step == 33"
)
LEFT = LEFT.replace("for step in range(40):\n", "try:\n  for step in range(40):\n", 1)
HEAD, _, TAIL = LEFT.partition("  for step in range(40):\n")
LEFT = HEAD + "  for step in range(40):\n" + "".join("  " + line + "\n" for line in TAIL.splitlines()) + "except ValueError:\n    pass\n"
LEVELS = PLAIN.replace('print("seven", step, weights[0])', 'logging.info("seven %s", step)').replace(
    "    for each", "    logging.getLogger().setLevel(logging.INFO if step < 20 else logging.ERROR)\n    for each"
).replace("step % 7 == 3", "step in sevens").replace("seen = []", "seen = []\nsevens = set(range(3, 40, 7))")
CALLBACK = PLAIN.replace("        seen.append(total())", "        [each() for each in callbacks]").replace(
    "    elif step > 30", "    elif step == 5:\n        callbacks.clear()\n    elif step > 30"
).replace("meter = Meter()", "meter = Meter()\ncallbacks = [total]")
AGAIN = PLAIN.replace("    if step % EVERY == 0:\n        # 3\n", "    step = step // 2\n    if step % EVERY == 0:\n        # 3\n")
SET = PLAIN.replace("seen = []", "seen = []\nimport sys\nthis = sys.modules[__name__]\nthis.EVERY = 4")


FOLDS = """\
weights = [1.0]
def train(f):
    for step in range(40):
        weights[0] += step * f
        if step % 30 == 3:
            print('x', step)
            # 1
    return weights[0]
for f in range(3):
    s = train(f)
    # 2
    print('fold', f)
    # 3
"""
HEADER = """\
weights = [1.0]
def helper(i):
    # 1
    return i
def steps():
    for i in range(20):
        yield helper(i)
for step in steps():
    weights[0] += step
    print("w", weights)
"""
DUNDER = """\
weights = [1.0]
def helper(step):
    # 1
    print("gone", step)
class Held:
    def __init__(self, step):
        self.step = step
    def __del__(self):
        helper(self.step)
held = None
for step in range(20):
    weights[0] += step
    if step % 4 == 1:
        held = Held(step)
        held = None
    print("w", weights)
"""
LOGGERS = PLAIN.replace('print("seven", step, weights[0])', '(loud if step < 20 else quiet).info("seven %s", step)').replace(
    "seen = []", "seen = []\nlogging.basicConfig(level=logging.INFO)\nloud, quiet = logging.getLogger('loud'), logging.getLogger('quiet')\nquiet.setLevel(50)"
).replace("step % 7 == 3", "step in sevens").replace("seen = []", "seen = []\nsevens = set(range(3, 40, 7))")
GLOBALS = PLAIN.replace("for step in", "evaluate.__globals__['EVERY'] = 4\nfor step in")
QUOTES = PLAIN.replace("step % EVERY == 0", "NAME == 'don\\'t while'").replace("seen = []", 'seen = []\nNAME = "don\'t while"')
HUGE = PLAIN.replace("range(40)", "range(10**19 + 3, 10**19 + 43)").replace("step > 30", "step > 10**19 + 30")
RECURSIVE = """\
weights = [1.0]
def train(depth):
    for step in range(6):  # florc: main-loop
        weights[0] += step
        if step in (2, 4):
            # 1
            if depth:
                raise ValueError
            try:
                train(1)
            except ValueError:
                pass
            print("told", step)
    return weights[0]
train(0)
print("end", weights)
"""


@pytest.mark.parametrize(
    "script, place",
    [
        (FOLDS, "1"), (FOLDS, "2"), (FOLDS, "3"), (FOLDS, ["1", "2"]), (HEADER, "1"), (DUNDER, "1"), (LOGGERS, "1"), (LOGGERS, "2"),
        (GLOBALS, "3"), (QUOTES, "3"), (HUGE, "3"),
        (CAUGHT, "1"), (SKIPPED, "1"), (SUPPRESSED, "1"), (LEFT, "1"), (LEVELS, "1"),
        (CALLBACK, "7"), (AGAIN, "3"), (SET, "3"),
    ],
    ids=[
        "folds 1", "folds 2", "folds 3", "folds", "header", "dunder", "loggers 1", "loggers 2", "globals", "quotes", "huge",
        "caught", "skipped", "suppressed", "left", "levels", "callback", "bound again", "set from outside",
    ],
)  # fmt: skip
def test_no_row_is_missed(tmp_path, script, place):
    check(tmp_path, script, added(script, place), None)


# A main loop that leaps goes on with the item that it would have come to.

LOADER = """\
import time
import torch
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(2)
torch.set_num_threads(1)
data = torch.randn(60, 3)
model = torch.nn.Linear(3, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
loader = DataLoader(TensorDataset(data), batch_size=2, shuffle=True, num_workers=WORKERS)
seen = 0
for TARGET in ITERABLE:  # florc: main-loop
    optimizer.zero_grad()
    loss = (model(batch) - batch.flip(1)).square().mean()
    loss.backward()
    optimizer.step()
    seen += 1
    time.sleep(0.01)
    if seen % 8 == 4:
        # 1
        print("seen", seen, loss.item())
"""
ITERABLES = {
    "loader": ("(batch,)", "loader"),
    "enumerate": ("step, (batch,)", "enumerate(loader, 1)"),
    "zip": ("step, (batch,)", "zip(range(100), loader)"),
    "list": ("(batch,)", "list(loader)"),
    "indices": ("index", "torch.randperm(30).tolist()"),
    "array": ("index", "list(range(30))[::-1]"),
}


@pytest.mark.parametrize("name, workers", [(name, 0) for name in ITERABLES] + [("loader", 2)])
def test_a_leap_draws_what_is_left_out(tmp_path, name, workers):
    target, iterable = ITERABLES[name]
    script = LOADER.replace("TARGET", target).replace("ITERABLE", iterable).replace("WORKERS", str(workers))
    if target == "index":
        script = script.replace("    optimizer.zero_grad()", "    batch = data[index : index + 2]\n    optimizer.zero_grad()")
    project = check(tmp_path, script, added(script, "1", "print('probe', seen, batch.sum().item(), model.bias.tolist())"), None)
    told = json.loads(project.replay("--dry-run", "--format", "json").stdout)["loops"]
    assert [(loop["asked"], loop["iterations"]) for loop in told] == [(5, 30)]


def test_a_helper_that_runs_on_a_thread_too(tmp_path):
    script = PLAIN.replace("    if step % 15", "    if step % 8 == 2:\n        thread = threading.Thread(target=evaluate, args=(step,))\n        thread.start()\n        thread.join()\n    if step % 15")
    script = script.replace("import random\n", "import random\nimport threading\n")
    project = small(tmp_path, script)
    assert project.record().code == 0
    project.script.write_text(added(script, "5"))
    ran = project.replay()
    assert (ran.code, ran.stdout) == (1, "") and "threads" in ran.stderr, ran.stderr


# The first item after a leap, or where a worker starts, is drawn before the state is put back.

SAMPLES = """\
import random
import time
import torch
from torch.utils.data import DataLoader, Dataset
torch.manual_seed(0)
random.seed(1)
torch.set_num_threads(1)
X = torch.randn(60, 3)
scale = [1.0]


class Own(Dataset):
    def __len__(self):
        return 60

    def __getitem__(self, index):
        return ITEM


model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loader = DataLoader(Own(), batch_size=2, shuffle=True)
step = 0
for batch in loader:  # florc: main-loop
    loss = model(batch).square().mean()
    TRAIN
    step += 1
    scale[0] += 0.5
    time.sleep(0.01)
    if step % 9 == 4:
        print("step", step)
        # 1
"""
ITEMS = {"torch": "X[index] + 0.1 * torch.randn(3)", "random": "X[index] * random.random()", "state": "X[index] * scale[0]"}


@pytest.mark.parametrize("options", [[], ["--workers", "2"], ["--where", "step == 22"]], ids=["one", "two", "where"])
@pytest.mark.parametrize("trains", [False, True])
@pytest.mark.parametrize("item", list(ITEMS))
def test_samples_that_are_made_as_they_are_drawn(tmp_path, item, trains, options):
    train = "optimizer.zero_grad(); loss.backward(); optimizer.step()" if trains else "pass"
    script = SAMPLES.replace("ITEM", ITEMS[item]).replace("TRAIN", train)
    edited = added(script, "1", "print('probe', step, batch.mean().item(), loss.item())")
    expected = rerun(tmp_path, edited)
    project = small(tmp_path, script)
    assert project.record().code == 0
    project.script.write_text(edited)
    ran = project.replay(*options)
    wanted = [line for line in expected if "--where" not in options or line.split()[1] == "22"]
    assert (ran.code, ran.stdout.splitlines()) == (0, wanted), ran.stderr


CHANGED = """\
import time
table = {n: n for n in range(30)}
rows = [n for n in range(30)]
total = 0
for item in ITERABLE:  # florc: main-loop
    total += 1
    rows[(item + 1) % 30] += 5
    table[(item + 1) % 30] += 5
    time.sleep(0.005)
    if total % 9 == 4:
        print("total", total)
        # 1
"""


@pytest.mark.parametrize("iterable", ["rows", "enumerate(rows)", "zip(rows, range(30))", "table.values()", "list(rows)"])
def test_items_that_the_loop_changes(tmp_path, iterable):
    script = CHANGED.replace("ITERABLE", iterable)
    if "enumerate" in iterable:
        script = script.replace("for item in", "for item, value in")
    if "zip" in iterable:
        script = script.replace("for item in", "for value, item in")
    script = script.replace("item + 1", "total") if iterable in ("rows", "table.values()", "list(rows)") else script
    check(tmp_path, script, added(script, "1", "print('probe', total, item, sum(rows))"), None)
