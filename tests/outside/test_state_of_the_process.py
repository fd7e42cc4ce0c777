"""State that belongs to the process or to an object of a library: what a skipped block had done to it is there all the same."""

import pytest
from test_diff_logs import FLORC, run
from test_state_in_disguise import HEAD, answer, plan, recorded

LOOP = """\
for epoch in range(4):
    for step in range(3):
        x = random.random()
        y = str(x).strip()
        CHANGE
    print("epoch", epoch, x)
    print("probe", epoch, VALUE)
"""
CHANGED = {
    "the environment": ("import os\nos.environ['PHASE'] = 'warm'\n", "os.environ['PHASE'] = f'step {step + epoch}'", "os.environ['PHASE']"),
    "an event": ("import threading\ndone = threading.Event()\n", "done.set() if epoch % 2 else done.clear()", "done.is_set()"),
    "a semaphore": ("import threading\nfree = threading.Semaphore(100)\n", "free.acquire()", "free._value"),
    "a context variable": (
        "import contextvars\nseen = contextvars.ContextVar('seen', default=0)\n", "seen.set(seen.get() + 1)", "seen.get()",
    ),
    "a class in a class": ("class Config:\n    class Sched:\n        scale = 1.0\n", "Config.Sched.scale *= 0.9", "Config.Sched.scale"),
    "what logging is silent about": (
        "import logging\nlog = logging.getLogger('t')\n", "logging.disable(logging.ERROR if epoch % 2 else 0)", "log.isEnabledFor(40)",
    ),
    "a frozen object": (
        "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass State:\n    n: int = 0\n"
        "    def bump(self): object.__setattr__(self, 'n', self.n + 1)\nstate = State()\n",
        "state.bump()", "state.n",
    ),
    "an attribute that the base class sets": (
        "class State:\n    n = 0\n    def bump(self): super().__setattr__('n', self.n + 1)\nstate = State()\n", "state.bump()", "state.n",
    ),
    "a progress bar": (
        "import io\nfrom tqdm import tqdm\nbar = tqdm(total=12, file=io.StringIO())\n", "bar.update(1); bar.set_postfix(x=x)", "bar.n, bar.postfix",
    ),
    "a method that is replaced": (
        "class Policy:\n    def heat(self): return 1.0\n    old = heat\npolicy = Policy()\ndef cold(self): return 0.1\n",
        "Policy.heat = Policy.old if epoch == 2 else cold", "policy.heat()",
    ),
    "a handler of logs": (
        "import logging\nclass Kept(logging.Handler):\n    def __init__(self):\n        super().__init__()\n        self.kept = []\n"
        "    def emit(self, record): self.kept.append(record.getMessage())\n"
        "log, kept = logging.getLogger('t'), Kept()\nlog.addHandler(kept)\n",
        "log.warning('step %s', x)", "kept.kept[-1], len(kept.kept)",
    ),
    "what a logger was given": ("import logging\nlog = logging.getLogger('t')\nlog.steps = 0\n", "log.steps += 1", "log.steps"),
    "what is added to each line of a log": (
        "import logging\nlog = logging.LoggerAdapter(logging.getLogger('t'), {'n': 0})\n", "log.extra['n'] += 1", "log.extra",
    ),
    "a method that another library's function replaces": (
        "class Policy:\n    heat = lambda self: 7\npolicy = Policy()\nPolicy.heat = Policy.heat\n", "Policy.heat = str if epoch else repr", "policy.heat is not None, epoch",
    ),
    "attributes of a bar of the program's own": (
        "import io\nfrom tqdm import tqdm\nclass Bar(tqdm):\n    hits = 0\nbar = Bar(total=12, file=io.StringIO())\n",
        "bar.hits = bar.hits + 1", "bar.hits",
    ),
    "a bar that is not shown": (
        "from tqdm import tqdm\nbar, seen = tqdm(total=12, disable=True), []\n", "seen.append(step); bar.update(1)", "bar.n, len(seen)",
    ),
    "defaults of a setter": (
        "class Policy:\n    @property\n    def heat(self, v=[]): return len(v)\n    @heat.setter\n    def heat(self, v, log=[]): log.append(v)\n"
        "policy = Policy()\n",
        "policy.heat = x", "policy.heat, len(Policy.heat.fset.__defaults__[0])",
    ),
    "how deep calls may be": ("import sys\n", "sys.setrecursionlimit(3000 + epoch)", "sys.getrecursionlimit()"),
    "how arrays are shown": (
        "import numpy as np\n", "np.set_printoptions(precision=2 + epoch)", "np.array([1 / 3])",
    ),
    "an attribute of a module of Python": ("import sys\nsys.steps = 0\n", "sys.steps += 1", "sys.steps"),
}
RUN = {"an attribute of a module of Python", "a handler of logs"}


def script(before, change, value):
    return HEAD + before + LOOP.replace("CHANGE", change).replace("VALUE", value)


@pytest.mark.parametrize("what", CHANGED)
def test_it_is_found_again(tmp_path, what):
    expected = recorded(tmp_path, script(*CHANGED[what]))
    assert len(set(expected)) == 4
    if what not in RUN:
        assert plan(tmp_path)["executed_blocks"] == []
    assert answer(tmp_path, "--workers", "2") == expected
    assert answer(tmp_path, "--where", "epoch == 2") == [expected[2]]


LOST = {
    "a method that is deleted": (
        "class Base:\n    def heat(self): return 1\nclass Policy(Base):\n    def heat(self): return 2\npolicy = Policy()\n",
        "if epoch == 1 and step == 1: del Policy.heat", "policy.heat()", "heat",
    ),
    "a property that is put into a class": (
        "class Policy:\n    pass\npolicy = Policy()\nPolicy.heat = 0\n", "Policy.heat = property(lambda self: epoch)", "policy.heat",
        "Policy.heat",
    ),
    "what waits in a queue": (
        "import queue\nwaiting = queue.SimpleQueue()\n", "waiting.put(x)", "waiting.qsize()", "what waits in a `queue.SimpleQueue`",
    ),
    "a handler that is added": (
        "import logging\nlog = logging.getLogger('t')\n", "log.addHandler(logging.NullHandler())", "len(log.handlers)",
        "other handlers",
    ),
}


@pytest.mark.parametrize("what", LOST)
def test_it_is_not_shown_where_it_is_lost(tmp_path, what):
    *program, reason = LOST[what]
    recorded(tmp_path, script(*program))
    done = run(tmp_path, FLORC, "replay")
    assert done.returncode == 1 and not done.stdout and reason in done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("size", ["None", "8"])
def test_results_of_a_cache_that_change_are_not_shown(tmp_path, size):
    before = f"import functools\n@functools.lru_cache(maxsize={size})\ndef stats():\n    return {{'n': 0}}\n"
    recorded(tmp_path, script(before, "stats()['n'] += 1", "stats()['n']"))
    done = run(tmp_path, FLORC, "replay")
    assert done.returncode == 1 and not done.stdout and "stats" in done.stderr, done.stdout


KEPT = {
    "a cache of what does not change": (
        "import functools, decimal\n@functools.lru_cache\ndef scale(n):\n    return decimal.Decimal(n)\nclass Net: pass\nnet = Net()\nnet.scale = scale\n",
        "net.last = net.scale(step)", "net.scale(2), net.last",
    ),
    "an encoder that changes nothing": (
        "import json\nclass Encoder(json.JSONEncoder):\n    def default(self, value):\n        return 'x'\n", "text = json.dumps({'a': {1}.pop}, cls=Encoder)", "x",
    ),
    "a variable that a library sets": (
        "import os, tempfile\nset = lambda: os.environ.__setitem__('OF_A' + '_LIBRARY', str(os.getpid()))\n", "set()", "x",
    ),
}


@pytest.mark.parametrize("what", KEPT)
def test_blocks_are_skipped_all_the_same(tmp_path, what):
    expected = recorded(tmp_path, script(*KEPT[what]))
    assert plan(tmp_path, "--where", "epoch == 2")["executed_blocks"] == []
    assert answer(tmp_path, "--workers", "2") == expected


def test_the_first_look_is_where_the_main_loop_begins(tmp_path):
    """Also of a worker that first restores something when its block has run."""
    before = "import os\nos.environ['PHASE'] = 'warm'\n"
    inner = "os.environ['PHASE'] = 'train'\n        print('probe', os.environ['PHASE'], epoch)"
    expected = recorded(tmp_path, HEAD + before + LOOP.replace("CHANGE", inner).replace('    print("probe", epoch, VALUE)\n', ""))
    assert len(expected) == 12 and answer(tmp_path, "--workers", "2") == expected


def test_secrets_of_the_environment_are_in_no_checkpoint(tmp_path):
    before = "import os\nos.environ['PHASE'] = 'warm'\n"
    text = script(before, "os.environ['PHASE'] = f'step {step}'", "os.environ['PHASE']")
    (tmp_path / "train.py").write_text(text)
    assert run(tmp_path, FLORC, "run", "--checkpoints", "all", "train.py", TOKEN="do-not-tell").returncode == 0
    for file in (tmp_path / ".florc").rglob("*"):
        assert not file.is_file() or b"do-not-tell" not in file.read_bytes(), file
