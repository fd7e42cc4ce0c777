"""Hooks with a run: small scripts are recorded, probed and replayed, and compared with a run from scratch."""

import json
import math
import os
import subprocess
import sys

import pytest
from florc import _modules

PLAIN = {k: v for k, v in os.environ.items() if not k.startswith("FLORC_")}


def call(folder, *command):
    command = [sys.executable, *command]
    return subprocess.run(command, cwd=folder, env=PLAIN, capture_output=True, text=True, timeout=120)


def florc(folder, *arguments):
    return call(folder, "-m", "florc", *arguments)


def probes(text):
    lines = [line.removeprefix("[approximate] ") for line in text.splitlines()]
    return [line for line in lines if line.startswith("probe")]


def record(folder, script, **modules):
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    lines = [line for line in script.splitlines(keepends=True) if "probe" not in line]
    (folder / "t.py").write_text("".join(lines))
    ran = florc(folder, "run", "--checkpoints", "all", "t.py")
    (folder / "t.py").write_text(script)
    return ran


def check(folder, script, **modules):
    """Records the script without its probe lines; replays it with them, on 1 and 3 workers."""
    recorded = record(folder, script, **modules)
    expected = call(folder, "t.py")
    assert recorded.returncode == expected.returncode, recorded.stderr
    for workers in ("1", "3"):
        ran = florc(folder, "replay", "--workers", workers)
        assert ran.returncode == 0, ran.stderr
        assert probes(ran.stdout) == probes(expected.stdout) != []


BODY = "        for x in range(4):\n            w[0] += x * epoch + 0.5\n"

PROGRAMS = {
    "module level": "w = [0.0]\nfor epoch in range(6):\n    for x in range(4):\n        w[0] += x * epoch\n        print('probe', epoch, x, w)\n    print('epoch', epoch, w[0])\nprint('probe end', w)\n",
    "function": f"def main(n):\n    w = [0.0]\n    best = 0\n    for epoch in range(n):\n{BODY}        best = max(best, w[0])\n        print('epoch', epoch)\n        print('probe', best, w)\n    return best\n\nprint('best', main(6))\n",
    "while": "import torch\ntorch.manual_seed(1)\n\ndef main():\n    model = torch.nn.Linear(2, 1)\n    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)\n    n = 0\n    while True:\n        for x in range(2):\n            opt.zero_grad()\n            loss = model(torch.randn(3, 2)).square().mean()\n            loss.backward()\n            opt.step()\n        n += 1\n        print('step', n, loss.item())\n        print('probe', n, loss.item(), float(model.weight.norm()))\n        if n > 4:\n            break\n    print('probe after', n, float(model.weight.norm()))\n\nmain()\n",
    "global": f"steps = 0\nw = [0.0]\n\ndef bump():\n    global steps\n    steps += 1\n\ndef main():\n    for epoch in range(5):\n{BODY}            bump()\n        print('epoch', epoch)\n        print('probe', steps, w)\n\nmain()\nprint('steps', steps)\n",
    "unbound at first": f"def main():\n    w = [0.0]\n    for epoch in range(5):\n{BODY}        print('probe', last if epoch > 1 else None)\n        last = w[0] * 2\n        print('epoch', epoch)\n\nmain()\n",
    "entered twice": f"def main(n):\n    w = [0.0]\n    for epoch in range(n):\n{BODY}        print('epoch', epoch)\n        print('probe', n, epoch, w)\n    return w\n\nprint(main(3), main(4))\n",
    "enumerate and zip": "w = [0.0]\nfor epoch, (a, b) in enumerate(zip([1, 2, 3, 4], 'wxyz')):\n    for x in range(3):\n        w.append(w[-1] + a * x)\n    print('epoch', epoch, b)\n    print('probe', b, w)\n",
    "methods": "class Trainer:\n    def __init__(self):\n        self.w, self.seen = 0.0, []\n\n    def step(self, x):\n        self.w += x\n        print('probe step', self.w)\n\n    def fit(self):\n        for epoch in range(5):\n            for x in range(3):\n                self.step(x * epoch)\n            self.seen.append(self.w)\n            print('epoch', epoch, len(self.seen))\n\nt = Trainer()\nt.fit()\nprint('probe', t.seen)\n",
    "a list of unknown origin": f"import operator\nw = [0.0]\n\ndef fit(rows):\n    for epoch in rows:\n{BODY}        print('epoch', epoch)\n        print('probe', epoch, w)\n\nfit(operator.itemgetter('x')({{'x': [1, 2, 5, 7]}}))\n",
    "an iterator that the body draws from too": f"import operator\nw = [0.0]\nrows = iter(range(12))\nfor epoch in operator.itemgetter(0)([rows]):\n    if True:\n{BODY}    w.append(next(rows))\n    print('epoch', epoch)\n    print('probe', epoch, w)\n",
    "a generator that reads what the body changes": f"import operator\nw = [0.0]\n\ndef items():\n    for k in range(5):\n        yield k + len(w)\n\nfor epoch in operator.methodcaller('__call__')(items):\n    if True:\n{BODY}    w.append(epoch)\n    print('epoch', epoch)\n    print('probe', epoch, w)\n",
    "a bar that its own loop makes": f"w = [0.0]\nimport operator\nfor epoch in (bar := operator.itemgetter(0)([range(5)])):\n    if True:\n{BODY}    print('epoch', epoch, bar)\n    print('probe', epoch, bar, w)\n",
    "two loops": f"w = [0.0]\nseen = []\nbest = 0\nfor epoch in range(4):\n    if True:\n{BODY}    best = max(best, w[0])\n    print('epoch', epoch)\n    print('probe', epoch, best, w)\nseen.append(best)\nprint('between')\nprint('probe between', best, seen)\nstep = 0\nwhile step < 5:\n    w[0] += step * best\n    seen.append(w[0])\n    print('step', step)\n    print('probe', step, seen)\n    step += 1\nprint('end')\nprint('probe end', seen, w, best)\n",
    "two loops, only the second is asked": f"w = [0.0]\nfor epoch in range(4):\n    if True:\n{BODY}    print('epoch', epoch)\nfor step in range(4):\n    w.append(w[0] * step)\n    print('step', step)\n    print('probe', step, w)\n",
    "two loops, the first is left by return": f"w = [0.0]\n\ndef first():\n    for epoch in range(9):\n{BODY}        print('epoch', epoch)\n        print('probe', epoch, w)\n        if w[0] > 30:\n            return epoch\n\ndef second(n):\n    best = n\n    for step in range(5):\n        best += w[0] * step\n        w.append(best)\n        print('step', step)\n        print('probe', step, best, w)\n    print('second')\n\nsecond(first())\n",
    "two loops, the first may not be started inside": f"w = [0.0]\n\ndef items():\n    for k in range(5):\n        yield k + len(w)\n\nfor epoch in items():\n    if True:\n{BODY}    w.append(epoch)\n    print('epoch', epoch)\nfor step in range(5):\n    w[0] += step\n    print('step', step)\n    print('probe', step, w)\n",
    "two loops, one runs inside of the other as well": f"import operator\nw = [0.0]\n\ndef inner(n):\n    for step in range(n):\n        w[0] += step\n        print('step', step)\n        print('probe step', step, w)\n\ndef outer():\n    for epoch in range(4):\n{BODY}        operator.methodcaller('__call__', 2)(inner)\n        w.append(epoch)\n        print('epoch', epoch)\n        print('probe', epoch, w)\n\nouter()\ninner(5)\n",
    "two loops again and again": f"w = [0.0]\n\ndef one(k):\n    for epoch in range(3):\n{BODY}        print('epoch', k, epoch)\n        print('probe', k, epoch, w)\n\ndef other(k):\n    for step in range(3):\n        w.append(w[0] + step * k)\n        print('step', k, step)\n        print('probe', k, step, w)\n\none(1)\nother(2)\none(3)\nother(4)\n",
    "a parameter that is changed and then lost": f"w = [0.0]\n\ndef fit(rows, n):\n    for epoch in range(n):\n        rows.append(w[0])\n        if epoch == 3:\n            rows = rows[1:]\n{BODY}        print('epoch', epoch, rows)\n        print('probe', epoch, rows)\n    return rows\n\nfirst = [1]\nfit(first, 6)\nprint('end', first)\nprint('probe end', first)\n",
    "seeded random": "import random\nrandom.seed(3)\nw = 0.0\nfor epoch in range(5):\n    for x in range(3):\n        w += random.gauss(0, 1)\n        print('probe', w)\n    print('epoch', epoch)\n",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_probe_tells_what_it_would_have_printed(name, tmp_path):
    check(tmp_path, PROGRAMS[name])


RETURNS = f"def main():\n    w = [0.0]\n    for epoch in range(9):\n{BODY}        print('epoch', epoch)\n        print('probe', w)\n        if w[0] > 40:\n            return epoch\n\nprint('done', main())\nprint('probe done')\n"


def test_a_loop_that_was_left_by_return_is_replayed(tmp_path):
    record(tmp_path, RETURNS)
    ran = florc(tmp_path, "replay", "--approximate")
    assert probes(ran.stdout) == probes(call(tmp_path, "t.py").stdout)


RAISES = f"def main():\n    w = [0.0]\n    for epoch in range(5):\n{BODY}        print('epoch', epoch)\n        print('probe', w)\n        if epoch == 3:\n            raise ValueError('bad data')\n\nmain()\n"


def test_the_whole_iterations_of_a_run_that_raised_are_replayed(tmp_path):
    assert record(tmp_path, RAISES).returncode == 1
    ran = florc(tmp_path, "replay", "--workers", "2")
    assert ran.returncode == 0, ran.stderr
    assert probes(ran.stdout) == probes(call(tmp_path, "t.py").stdout)[:3]


HELPER = "total = 0\nlog = []\n\ndef add(x):\n    global total\n    total += x\n    log.append(total)\n    return total\n"
USES_HELPER = "import helper\nw = [0]\nfor epoch in range(5):\n    for x in range(3):\n        w[0] = helper.add(x + epoch)\n    print('epoch', epoch)\n    print('probe', w, helper.total, len(helper.log))\n"


def test_state_of_imported_modules_is_restored(tmp_path):
    check(tmp_path, USES_HELPER, helper=HELPER)


@pytest.mark.parametrize("link, goal", [("lib", "pkg"), ("lib/helper.py", "pkg/helper.py")])
def test_a_module_that_is_reached_through_a_link_is_of_the_project_of_its_file(link, goal, tmp_path):
    (tmp_path / "outside" / "lib").mkdir(parents=True)
    (tmp_path / "project" / "pkg").mkdir(parents=True)
    (tmp_path / "project" / "pkg" / "helper.py").write_text("")
    (tmp_path / "outside" / "lib").rmdir() if link == "lib" else None
    (tmp_path / "outside" / link).symlink_to(tmp_path / "project" / goal)
    found = _modules._is_project_file(str(tmp_path / "outside" / "lib" / "helper.py"), str(tmp_path / "project"))
    assert found and not _modules._is_project_file(json.__file__, str(tmp_path))


def test_a_changed_module_of_the_project_takes_no_part(tmp_path):
    record(tmp_path, USES_HELPER, helper=HELPER)
    expected = probes(call(tmp_path, "t.py").stdout)
    (tmp_path / "helper.py").write_text(HELPER.replace("total += x", "total += 2 * x"))
    ran = florc(tmp_path, "replay")
    assert (ran.returncode, probes(ran.stdout)) == (0, expected), ran.stderr
    assert "helper.py" in ran.stderr
    strict = florc(tmp_path, "replay", "--strict")
    assert strict.returncode == 2 and probes(strict.stdout) == []


UNSEEDED = "import random\nimport numpy as np\nimport torch\nw = [random.random() + np.random.rand() + torch.rand(1).item()]\nfor epoch in range(4):\n    for x in range(3):\n        w[0] += random.random()\n    print('epoch', w[0])\n    print('probe', w[0])\n"


def test_an_unseeded_run_is_replayed_all_the_same(tmp_path):
    said = record(tmp_path, UNSEEDED).stdout.split()[1::2]
    ran = florc(tmp_path, "replay", "--workers", "2")
    assert ran.returncode == 0, ran.stderr
    assert [line.split()[1] for line in probes(ran.stdout)] == said


CLOCKS = "import resource, time\nw = [0.0]\nfor epoch in range(4):\n    t = time.time()\n    for x in range(3):\n        w[0] += t % 7\n    print('epoch', t, w[0])\n    print('probe', t, w[0])\n"


@pytest.mark.parametrize("read", ["time.time()", "time.mktime(time.localtime()) + time.time() % 1", "resource.getrusage(0).ru_utime + time.time()"])
def test_the_clock_says_what_it_said(tmp_path, read):
    script = CLOCKS.replace("time.time()", read)
    said = [line.split()[1:] for line in record(tmp_path, script).stdout.splitlines()]
    ran = florc(tmp_path, "replay", "--workers", "2")
    assert ran.returncode == 0, ran.stderr
    assert [line.split()[1:] for line in probes(ran.stdout)] == said


WRITES = "import os, shutil\nfrom pathlib import Path\nw = [0]\nos.makedirs('out', exist_ok=True)\nfor epoch in range(4):\n    for x in range(3):\n        w[0] += x\n    Path('out', f'{epoch}.txt').write_text(str(w))\n    with open('all.txt', 'a') as f:\n        f.write(f'{epoch}')\n    os.replace(f'out/{epoch}.txt', 'out/last.txt')\n    print('epoch', epoch)\n    print('probe', w)\nshutil.rmtree('out')\nos.remove('all.txt')\nprint(os.path.exists('out'), os.path.exists('all.txt'))\n"


def test_the_users_files_stay_as_they_are(tmp_path):
    record(tmp_path, WRITES)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0.txt").write_text("mine")
    (tmp_path / "all.txt").write_text("mine too")
    florc(tmp_path, "replay", "--workers", "2")
    assert (tmp_path / "out" / "0.txt").read_text() == "mine"
    assert (tmp_path / "all.txt").read_text() == "mine too"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.txt"]


def test_a_run_without_loops_is_recorded(tmp_path):
    (tmp_path / "t.py").write_text("x = 3\nprint('value', x * 2)\n")
    assert "recorded run" in florc(tmp_path, "run", "t.py").stderr
    assert "x * 2" in florc(tmp_path, "logs").stdout


SABOTAGE = "import florc.adapters, florc._modules\n{what} = None\nw = [0]\nfor epoch in range(4):\n    for x in range(3):\n        w[0] += x\n    print('epoch', epoch)\n    print('probe', w)\n"


@pytest.mark.parametrize("what", ["florc.adapters.read_hidden", "florc._modules.loaded"])
def test_trouble_inside_florc_never_reaches_the_script(what, tmp_path):
    ran = record(tmp_path, SABOTAGE.format(what=what))
    assert (ran.returncode, ran.stdout) == (0, "".join(f"epoch {epoch}\n" for epoch in range(4)))
    assert "Traceback" not in ran.stderr and "recorded run" in ran.stderr
    replayed = florc(tmp_path, "replay")
    assert replayed.returncode != 0 and probes(replayed.stdout) == []


THREADS = "import threading\n\ndef work():\n    for i in range(2):\n        print('on a thread', i)\n\nt = threading.Thread(target=work)\nt.start()\nt.join()\n"


def test_logs_of_other_threads_are_said_to_be_left_out(tmp_path):
    ran = record(tmp_path, THREADS)
    assert ran.stdout == "on a thread 0\non a thread 1\n"
    assert "other threads" in ran.stderr


CHILDREN = "import os, warnings\nwarnings.simplefilter('ignore')\n\ndef work(x):\n    y = x * 2\n    print('probe', y, flush=True)\n    return y\n\nw = [0]\nfor epoch in range(3):\n    for x in range(2):\n        w[0] += x\n    if os.fork() == 0:\n        work(epoch)\n        os._exit(0)\n    os.wait()\n    print('epoch', epoch)\n    print('probe', w)\n"


def test_probes_in_child_processes_are_said_to_be_left_out(tmp_path):
    record(tmp_path, CHILDREN)
    ran = florc(tmp_path, "replay")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "child processes" in ran.stderr


VALUES = "import math\nx = 10 ** 30\nprint(f'{x} {math.pi:.2f} {True} {None} {-0.0}', 'text', [1, 2.5], sep='|')\nprint(f'{float(\"nan\")}', (1,))\n"


def test_values_are_kept_typed_and_whole(tmp_path):
    record(tmp_path, VALUES)
    rows = json.loads(florc(tmp_path, "logs", "--format", "json").stdout)
    found = {row["name"]: row["value"] for row in rows}
    assert found["math.pi"] == math.pi
    assert 10**30 in found.values() or str(10**30) in str(found["x"])
    assert found["-0.0"] == 0.0 and math.copysign(1, found["-0.0"]) == -1
    assert "[1, 2.5]" in [row["value"] for row in rows]


INSIDE = "import threading\n\nclass Model:\n    def __str__(self):\n        self.asked = getattr(self, 'asked', 0) + 1\n        return f'asked {self.asked}'\n\nm = Model()\nfor epoch in range(3):\n    for x in range(2):\n        m.x = x\n    print(m, f'{m}')\nprint(m.asked)\n"


def test_text_is_asked_for_as_often_as_in_a_plain_run(tmp_path):
    (tmp_path / "t.py").write_text(INSIDE)
    expected = call(tmp_path, "t.py")
    assert florc(tmp_path, "run", "t.py").stdout == expected.stdout
