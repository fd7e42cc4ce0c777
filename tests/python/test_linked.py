"""Programs of several files: run as plainly, recorded, probed in any file, replayed."""

import json
import os
import subprocess
import sys

import pytest
from transparency import OWN_LINES

PLAIN = {k: v for k, v in os.environ.items() if not k.startswith(("FLORC_", "PYTHON"))}
FLORC = [sys.executable, "-m", "florc"]


def call(folder, *command, **env):
    done = subprocess.run(command, cwd=folder, env=PLAIN | env, capture_output=True, timeout=120)
    own = OWN_LINES.findall(done.stderr)
    done.notes = b"".join(own).decode()
    done.said = done.stdout.decode(), OWN_LINES.sub(b"", done.stderr).decode(), done.returncode
    return done


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def without_probes(files):
    keep = lambda text: "".join(it for it in text.splitlines(True) if "probe" not in it)
    return {name: keep(text) for name, text in files.items()}


LOOPS = "def work(n):\n    total = 0\n    for i in range(n):\n        for j in range(2):\n            total += i * j\n        print('work', i, total)\n    return total\n"
ABOUT = "import inspect, os\nimport a\nprint(type(a.__loader__), str(a.__spec__).partition(' at ')[0], a.__spec__.origin, a.__cached__, a.__file__, a.__package__, vars(a.__loader__))\nprint(inspect.getsource(a.work), inspect.getsourcefile(a), a.work.__code__.co_firstlineno, a.work(2))\nprint(sorted(os.listdir('__pycache__')))\n"

TRANSPARENT = {
    "about a module": {"t.py": ABOUT, "a.py": LOOPS},
    "error in a function": {"t.py": "import a\n\nfor i in range(2):\n    a.f(1 - i)\n", "a.py": "def f(x):\n    for i in range(2):\n        print(i,\n            1 / x)\n"},
    "error while imported": {"t.py": "import a\n", "a.py": "import b\n", "b.py": "for i in range(2):\n    print(i / (1 - i))\n"},
    "syntax error": {"t.py": "print(1)\nimport a\n", "a.py": "for i in range(2)\n    print(i)\n"},
    "warning of the compiler": {"t.py": "import a, b\n", "a.py": "for i in range(2):\n    print(i is 1)\n", "b.py": "import warnings\nfor i in range(2):\n    warnings.warn('once')\n    import c\n    warnings.warn_explicit('w', UserWarning, 'f', 1, registry=c.r)\n", "c.py": "r = {}\nfor i in range(2):\n    print(i)\n"},
    "star import": {"t.py": "from a import *\nprint(work(2), sorted(n for n in globals() if n[0] != '_' and n != 'florc'))\n", "a.py": LOOPS},
    "cyclic": {"t.py": "import a\nprint(a.x, a.b.y)\n", "a.py": "import b\nx = [print(i) for i in range(2)]\n", "b.py": "import a\ny = hasattr(a, 'x')\nprint(y)\n"},
    "the script by its name": {"t.py": "import a\nx = 3\nif __name__ == '__main__':\n    for i in range(2):\n        print(a.f())\n", "a.py": "def f():\n    import t\n    print(t.__name__)\n    return t.x\n"},
    "package": {"t.py": "from p.q.r import f\nimport p\nprint(f(2), p.x, p.q.r.__name__, p.__path__)\n", "p/__init__.py": "x = 1\n", "p/q/r.py": "from ... import p\nfrom .s import work as f\n".replace("from ... import p\n", ""), "p/q/s.py": LOOPS},
    "src layout": {"t.py": "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'src'))\nfrom a import work\nprint(work(2), sys.path[0])\n", "src/a.py": LOOPS},
    "reload": {"t.py": "import importlib, a\na.x = 4\nprint(importlib.reload(a) is a, a.x, a.__spec__.loader is a.__loader__)\n", "a.py": "x = 1\nfor i in range(2):\n    print(i)\n"},
    "runpy": {"t.py": "import runpy, a\nprint(runpy.run_module('a')['x'], runpy.run_path('a.py')['x'])\n", "a.py": "x = 1\nfor i in range(2):\n    print(i, __name__)\n"},
    "spawn": {"t.py": "import multiprocessing as mp\nfrom a import work\n\nif __name__ == '__main__':\n    pool = mp.get_context('spawn').Pool(1)\n    print(pool.map(work, [1, 2]), flush=True)\n    pool.close()\n    pool.join()\n", "a.py": LOOPS},
    "pickle": {"t.py": "import pickle, a\nfor i in range(1):\n    print(pickle.dumps(a.K), pickle.loads(pickle.dumps(a.K())).x, a.K.__module__)\n", "a.py": "class K:\n    for x in range(2):\n        print(x)\n"},
    "workers": {"t.py": "from torch.utils.data import DataLoader\nfrom a import Data\n\nif __name__ == '__main__':\n    for context in ('fork', 'spawn'):\n        for x in DataLoader(Data(), num_workers=1, multiprocessing_context=context):\n            print(x.item())\n", "a.py": "import torch\n\nclass Data(torch.utils.data.Dataset):\n    def __len__(self):\n        return 2\n    def __getitem__(self, i):\n        for j in range(2):\n            print('item', j, flush=True)\n        return torch.tensor(i)\n"},
    "named florc": {"t.py": "import a\nprint(a.florc)\n", "a.py": "florc = 3\nfor i in range(2):\n    print(i)\n"},
}


@pytest.mark.parametrize("name", TRANSPARENT)
def test_a_program_of_several_files_behaves_as_plainly(name, tmp_path):
    results = []
    for kind, start in (("plain", [sys.executable]), ("recorded", [*FLORC, "run"])):
        folder = tmp_path / kind / "here"
        folder.mkdir(parents=True)
        write(folder, TRANSPARENT[name])
        ran = call(folder, *start, "t.py", PYTHONHASHSEED="0")
        caches = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.pyc"))
        said = [str(part).replace(str(folder), "HERE") for part in ran.said]
        results.append((said, caches))
        assert not any(b"florc" in p.read_bytes() and p.name[0] != "t" for p in folder.rglob("*.pyc")) or name == "named florc"
    assert results[0] == results[1]


SCRIPT = {
    "t.py": "import lib.loop as loop\nfrom lib import state\n\nif __name__ == '__main__':\n    print('probe start', state.seen)\n    loop.run(6)\n    print('end', state.seen, round(state.w[0], 3))\n    print('probe end', state.w)\n",
    "lib/__init__.py": "",
    "lib/state.py": "seen = 0\nw = [0.0]\nprint('probe import', w)\n",
    "lib/loop.py": "from . import state\nfrom .step import step\n\n\ndef run(n):\n    for epoch in range(n):\n        for x in range(4):\n            step(x * epoch)\n            print('probe batch', epoch, x, state.w)\n        state.seen += 1\n        print('epoch', epoch, state.w[0])\n        print('probe epoch', epoch, state.seen)\n",
    "lib/step.py": "from . import state\n\n\ndef step(x):\n    before = state.w[0]\n    state.w[0] += x + 0.5\n    print('probe step', before, state.w[0] - before)\n",
}


def probes(text):
    return [line for line in text.splitlines() if line.startswith("probe")]


def check_replays(folder, files, command, only=None):
    """Records without the probe lines, replays with those of one file or of all."""
    write(folder, without_probes(files))
    ran = call(folder, *FLORC, "run", "--checkpoints", "all", *command)
    assert ran.returncode == 0, ran.stderr.decode()
    write(folder, files if only is None else {only: files[only]})
    expected = probes(call(folder, sys.executable, *command).said[0])
    assert expected
    for workers in "13":
        ran = call(folder, *FLORC, "replay", "--workers", workers)
        assert ran.returncode == 0, ran.stderr.decode()
        assert ran.said[0].splitlines() == expected
        assert "verified" in ran.notes
    return ran


@pytest.mark.parametrize("only", [None, "t.py", "lib/state.py", "lib/loop.py", "lib/step.py"])
def test_probes_may_stand_in_any_file(tmp_path, only):
    check_replays(tmp_path, SCRIPT, ["t.py"], only)


def test_a_module_is_run_with_its_package(tmp_path):
    files = {f"pkg/{name}": text for name, text in SCRIPT.items()}
    files["pkg/t.py"] = files["pkg/t.py"].replace("import lib.loop", "from .lib import loop").replace("loop as loop", "loop").replace("from lib", "from .lib")
    check_replays(tmp_path, files, ["-m", "pkg.t"])


def test_rows_name_their_file(tmp_path):
    check_replays(tmp_path, SCRIPT, ["t.py"])
    rows = json.loads(call(tmp_path, *FLORC, "logs", "--format", "json").stdout)
    found = {(row["source"], row["file"], row["line"]) for row in rows}
    assert ("record", "lib/loop.py", 10) in found and ("record", "t.py", 6) in found
    assert ("replay", "lib/loop.py", 9) in found and ("replay", "lib/step.py", 7) in found
    table = call(tmp_path, *FLORC, "logs").said[0]
    assert "lib/step.py:7" in table and "t.py:6" in table
    shown = call(tmp_path, *FLORC, "show").said[0]
    assert "lib/step.py" in shown


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("lib/step.py", "x + 0.5", "x + 0.6", "lib/step.py:6"),
        ("lib/state.py", "seen = 0", "seen = 1", "lib/state.py:1"),
        ("lib/step.py", "    state.w[0] +=", "    print(state.w.pop())\n    state.w[0] +=", "state.w.pop()"),
        ("lib/step.py", "from . import state\n", "from . import state, more\n", "lib/step.py:1"),
        ("lib/step.py", "def step", "from . import more\n\n\ndef step", "`lib.more`"),
    ],
)
def test_other_changes_are_refused_with_their_file(tmp_path, file, old, new, words):
    files = without_probes(SCRIPT)
    write(tmp_path, files | {"lib/more.py": "x = 1\n"})
    assert call(tmp_path, *FLORC, "run", "t.py").returncode == 0
    text = files[file].replace(old, new)
    assert text != files[file]
    write(tmp_path, {file: text, "t.py": SCRIPT["t.py"]})
    ran = call(tmp_path, *FLORC, "replay", "--strict")
    assert (ran.returncode, ran.stdout) in ((2, b""), (1, b"")), ran.stdout
    assert words in ran.stderr.decode(), ran.stderr.decode()


def test_a_missing_file_is_named(tmp_path):
    write(tmp_path, without_probes(SCRIPT))
    assert call(tmp_path, *FLORC, "run", "t.py").returncode == 0
    write(tmp_path, {"t.py": SCRIPT["t.py"]})
    (tmp_path / "lib" / "step.py").unlink()
    ran = call(tmp_path, *FLORC, "replay", "--strict")
    assert ran.returncode == 2 and "lib/step.py" in ran.stderr.decode()
    ran = call(tmp_path, *FLORC, "replay")
    assert ran.returncode == 0 and "lib/step.py" in ran.stderr.decode(), "the recorded file is replayed"


@pytest.mark.parametrize(
    "files",
    [
        {"t.py": "import sys, types\nsys.modules['a'] = types.ModuleType('a')\nimport a\nfor i in range(3):\n    print(i)\n", "a.py": "x = 1\n"},
        {"t.py": "import sys\nsys.path.insert(0, ''.join(['other']))\nimport a\nfor i in range(3):\n    print(i)\n", "a.py": "x = 1\n", "other/a.py": "x = 2\n"},
        {"t.py": "import a, importlib, sys\nsys.path.append('..')\nimportlib.import_module('here.a')\nfor i in range(3):\n    print(i)\n", "a.py": "x = 1\n"},
        {"t.py": "import a, importlib\nimportlib.reload(a)\nfor i in range(3):\n    print(i)\n", "a.py": "x = 1\n"},
    ],
)
def test_what_is_not_as_it_was_analysed_cannot_be_replayed(tmp_path, files):
    tmp_path = tmp_path / "here"
    write(tmp_path, files)
    ran = call(tmp_path, *FLORC, "run", "t.py")
    assert ran.returncode == 0 and "module `a`" in ran.notes, ran.stderr
    write(tmp_path, {"t.py": files["t.py"] + "    print('probe', i)\n"})
    ran = call(tmp_path, *FLORC, "replay")
    assert ran.returncode == 2 and "in part only" in ran.stderr.decode()


def test_commands_show_all_files(tmp_path):
    write(tmp_path, without_probes(SCRIPT))
    explained = call(tmp_path, *FLORC, "explain", "t.py").said[0]
    assert "lib/loop.py\n" in explained and "epoch" in explained
    diff = call(tmp_path, *FLORC, "instrument", "--diff", "t.py").said[0]
    assert "lib/loop.py (instrumented)" in diff and "lib/state.py" not in diff
    assert call(tmp_path, *FLORC, "instrument", "-o", "out.py", "t.py").returncode == 2
    assert call(tmp_path, *FLORC, "instrument", "-o", "out", "t.py").returncode == 0
    expected = call(tmp_path, sys.executable, "t.py").said
    assert call(tmp_path / "out", sys.executable, "t.py").said == expected
