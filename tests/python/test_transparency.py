"""A recorded script prints, raises, writes and returns what the plain one does."""

import subprocess
import sys

import pytest
from transparency import plain, recorded

LOOP = "for epoch in range(3):\n    for x in [1, 2]:\n        total = epoch * x\n    print('epoch', epoch, total)\n"

SCRIPTS = {
    "loop": LOOP,
    "arguments": "import sys\nprint(sys.argv, sys.path[0], __file__, sys.orig_argv[1:])\n",
    "globals": "print([n for n in globals() if n != 'florc'], __name__, __spec__, __package__, __doc__)\n",
    "docstring": "'''words'''\nfrom __future__ import annotations\nprint(__doc__, __annotations__)\nx: undefined = 1\nprint(__annotations__)\n",
    "objects that end with Python": (
        "class Part:\n    ended = 0\n    def __del__(self):\n        Part.ended += 1\n        print('ended', Part.ended)\n\n"
        "part, other = Part(), Part()\nfor epoch in range(2):\n    for step in range(3):\n        x = str(step).strip()\n    print(epoch, x)\n"
    ),
    "exit code": "import sys\nsys.exit(3)\n",
    "exit text": "import sys\nsys.exit('no data')\n",
    "exit in loop": LOOP + "    if epoch == 1: raise SystemExit(7)\n",
    "uncaught": "def f(x):\n    return 1 / x\n\nfor epoch in range(3):\n    print(f(2 - epoch))\n",
    "carets": "data = {'a': {'b': None}}\nfor i in range(2):\n    print(i, data['a']['b']['c'] + 1)\n",
    "chained": "def load():\n    try:\n        {}['k']\n    except KeyError as e:\n        raise ValueError('bad') from e\n\nfor i in range(2):\n    try:\n        load()\n    except ValueError:\n        raise RuntimeError('again')\n",
    "group": "for i in range(1):\n    for j in range(1):\n        raise ExceptionGroup('several', [ValueError(1), TypeError(2)])\n" if sys.version_info >= (3, 11) else "",
    "syntax error": "for i in range(3):\n    print(i\nx = 1\n",
    "indentation": "def f():\nreturn 1\n",
    "not utf-8": b"# coding: latin-1\nprint('\xe9t\xe9')\n",
    "bad encoding": b"print('\xe9')\n",
    "crlf": b"for i in range(2):\r\n    for j in range(2):\r\n        pass\r\n    print(i, '''a\r\nb''')\r\n",
    "latin-1 in loops": b"# coding: latin-1\nfor i in range(2):\n    for j in range(2):\n        t = '\xe9\xe8'; k = j\n    print('\xe9', t, i, '\xe9' + i)\n",
    "byte order mark": b"\xef\xbb\xbffor i in range(2):\n    for j in range(2):\n        pass\n    print(i + None)\n",
    "tabs": "for i in range(2):\n\tfor j in range(2):\n\t\tk = '\u00e9' * j; m = k + i\n\tprint(i)\n",
    "one line": "for i in range(2): print(i, 1 / (1 - i)); x = i\n",
    "backslash": "for i in range(2):\n    for j in \\\n            range(2):\n        t = i + \\\n            j\n    print(t,\n          1 / (1 - i))\n",
    "unbound in print": "def f():\n    for i in range(2):\n        for j in range(0):\n            k = j\n        print(i)\n    print(k)\n\nf()\n",
    "not iterable": "def f(x):\n    for i in range(2):\n        for j in x:\n            print(j)\n\nf(3)\n",
    "main not iterable": "def f(x):\n    for i in x:\n        for j in range(2):\n            print(j)\n\nf(3)\n",
    "iterator raises": "def numbers():\n    yield 1\n    raise KeyError('x')\n\nfor i in numbers():\n    for j in numbers():\n        print(i, j)\n",
    "unknown name": "for i in range(2):\n    for j in range(2):\n        pass\n    print(f'{i} {lossy:.3f}')\n",
    "wrong format": "for i in range(2):\n    for j in range(2):\n        pass\n    print(f'{i} {str(i):.3f}')\n",
    "log of nothing": "import logging\nlogger = None\nfor i in range(2):\n    logger.info('x %d', i)\n",
    "clock": "import time, datetime, uuid, os\nfor i in range(2):\n    t = time.time(); d = datetime.datetime.now(); u = uuid.uuid4(); b = os.urandom(3)\n    print(type(t), type(d), type(u), len(b), time.time() >= t)\n",
    "warnings": "import warnings\nfor i in range(2):\n    warnings.warn('careful')\n    print(1 is 1)\n",
    "deprecated escape": "print('\\d')\nfor i in range(2):\n    print(i)\n",
    "stdin": "import sys\nfor line in sys.stdin:\n    print(line.strip().upper())\nprint(sys.stdin.isatty())\n",
    "getsource": "import inspect\n\ndef f(a):\n    for x in range(a):\n        print(x)\n\nprint(inspect.getsource(f), f.__code__.co_firstlineno, f.__code__.co_filename)\n",
    "line numbers": "import sys\nfor epoch in range(2):\n    for x in range(2):\n        y = x\n    print(sys._getframe().f_lineno, y)\n",
    "interrupt": "import os, signal, time\nprint('a', flush=True)\nfor i in range(3):\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(1)\n",
    "excepthook": "import sys, traceback\nsys.excepthook = lambda t, v, tb: print('hook', t, v, len(traceback.extract_tb(tb)))\n1 / 0\n",
    "atexit": "import atexit\natexit.register(print, 'bye')\nfor i in range(2):\n    print(i)\n",
    "thread": "import threading\n\ndef work():\n    for i in range(3):\n        print(i)\n\nt = threading.Thread(target=work)\nt.start()\nt.join()\nprint(threading.main_thread() is threading.current_thread())\n",
    "thread error": "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='w')\nt.start()\nt.join()\n",
    "odd prints": "import sys\n\nclass Loud:\n    def __str__(self):\n        print('[', end='')\n        return 'loud]'\n\nfor i in range(2):\n    print(1, Loud(), None, sep='-', end='!\\n')\n    print('err', i, file=sys.stderr, flush=True)\n    print()\nprint(*[1, 2], sep=None)\n",
    "failing str": "class Bad:\n    def __str__(self):\n        raise ValueError('no text')\n\nfor i in range(2):\n    print('before', Bad(), 'after')\n",
    "wrong print": "for i in range(2):\n    print(i, sep=3)\n",
    "own print": "import builtins\nreal = builtins.print\nbuiltins.print = lambda *a, **k: real('mine', *[type(x).__name__ for x in a], **k)\nfor i in range(2):\n    print(i, 2.5, [1])\n",
    "logging": "import logging\nlogging.basicConfig(level=logging.INFO, format='%(lineno)d %(funcName)s %(message)s')\nlogger = logging.getLogger('x')\nfor i in range(2):\n    logger.info('epoch %d', i)\n    logger.debug('no %d', i)\n    logging.warning('w')\n",
    "while": "n = 0\nwhile True:\n    n += 1\n    for x in range(2):\n        y = x + n\n    print(n, y)\n    if n > 2:\n        break\nelse:\n    print('never')\nprint('end', n)\n",
    "for else": "for epoch in range(2):\n    for x in range(2):\n        pass\n    else:\n        print('inner else')\nelse:\n    print('else', epoch)\n",
    "return": "def main():\n    for epoch in range(5):\n        for x in range(2):\n            total = x\n        print(epoch, total)\n        if epoch == 2:\n            return epoch\n\nprint(main(), main())\n",
    "unbound": "def main(n):\n    for epoch in range(n):\n        for x in range(epoch):\n            last = x\n        if epoch:\n            print(last)\n    print(last)\n\nmain(3)\nmain(0)\n",
    "generator": "def numbers(n):\n    for i in range(n):\n        for j in range(2):\n            yield i * j\n\nfor x in numbers(3):\n    print(x)\n",
    "closure": "def main():\n    count = 0\n    def bump():\n        nonlocal count\n        count += 1\n    for epoch in range(3):\n        for x in range(2):\n            bump()\n        print(count)\n\nmain()\n",
    "recursion": "def walk(n):\n    for i in range(n):\n        for j in range(2):\n            pass\n        print('  ' * n, i)\n        walk(i)\n\nwalk(3)\n",
    "lifetime": "import weakref\n\nclass Model:\n    pass\n\ndef main():\n    model = Model()\n    ref = weakref.ref(model)\n    for epoch in range(2):\n        for x in range(2):\n            model.x = x\n        print(epoch)\n    del model\n    print(ref())\n\nmain()\n",
    "files": "for epoch in range(2):\n    with open('out.txt', 'a') as f:\n        print(epoch, file=f)\n        f.write('x')\nprint(open('out.txt').read())\n",
    "cached": "import os, sys\nprint(sorted(k for k in os.environ if 'FLORC' in k or 'HASH' in k))\nprint(sys.flags.hash_randomization)\n",
    "fork": "import os, warnings\nwarnings.simplefilter('ignore')\nfor i in range(2):\n    print('a', i, flush=True)\n    pid = os.fork()\n    if pid == 0:\n        print('child', flush=True)\n        os._exit(4)\n    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n",
    "fork exit": "import os, sys, warnings\nwarnings.simplefilter('ignore')\npid = os.fork()\nif pid == 0:\n    for i in range(2):\n        print('child', i)\n    sys.exit(4)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n",
    "spawn": "import multiprocessing as mp\n\ndef work(q):\n    for i in range(2):\n        print('w', i, flush=True)\n    q.put(__name__)\n\nif __name__ == '__main__':\n    c = mp.get_context('spawn')\n    q = c.Queue()\n    p = c.Process(target=work, args=(q,))\n    p.start()\n    print(q.get(), p.join(), p.exitcode)\n",
    "pickle": "import pickle\n\nclass A:\n    pass\n\nfor i in range(1):\n    print(type(pickle.loads(pickle.dumps(A()))), A.__module__)\n",
    "match": "for epoch in range(3):\n    match epoch:\n        case 0:\n            for x in range(2):\n                pass\n        case other:\n            print('case', other)\n",
    "lambda and comprehension": "for i in range(2):\n    f = lambda x: [x * j for j in range(i)]\n    print(f'{f(2)!r:>10} {i=}')\n",
    "nested f-string": "for i in range(2):\n    for j in range(2):\n        pass\n    print(f\"{'a' if i else 'b'} {i:{j + 3}d} {{}}\", f'{i}')\n",
    "deleted name": "for i in range(2):\n    t = i\n    for j in range(2):\n        t += j\n    print(t)\n    del t\n",
    "class body": "class A:\n    for i in range(3):\n        print(i)\n\nprint(A.i)\n",
    "async": "import asyncio\n\nasync def main():\n    for i in range(2):\n        await asyncio.sleep(0)\n        print(i)\n\nasyncio.run(main())\n",
    "named florc": "florc = 3\nfor i in range(2):\n    for j in range(2):\n        florc += j\n    print(florc)\n",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_recorded_script_behaves_as_the_plain_one(name, tmp_path):
    ran = []
    source = SCRIPTS[name]
    for run in (plain, recorded):
        folder = tmp_path / "project"
        folder.mkdir()
        (folder / "t.py").write_bytes(source if isinstance(source, bytes) else source.encode())
        ran.append(run(folder, "t.py", "--flag", "a b", stdin=b"one\ntwo\n"))
        folder.rename(tmp_path / run.__name__)
    check(*ran)


def check(expected, found):
    """Compares what both left."""
    assert found.stdout == expected.stdout
    assert found.stderr == expected.stderr
    assert found.code == expected.code
    assert found.files == expected.files


def both(folder, *command, **more):
    expected = plain(folder, *command, **more)
    check(expected, recorded(folder, *command, **more))
    return expected


def test_a_module_is_run_as_with_m(tmp_path):
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("print('init', __name__)\n")
    (package / "tool.py").write_text("import sys\nfrom . import other\nprint(__spec__.name, __package__, sys.argv[1:], other.x)\n1 / 0\n")
    (package / "other.py").write_text("x = 5\n")
    (package / "__main__.py").write_text("import sys\nprint(__spec__.name, sys.argv)\n")
    assert both(tmp_path, "-m", "pkg.tool", "-x").code == 1
    assert both(tmp_path, "-m", "pkg").code == 0
    both(tmp_path, "-m", "pkg.none")


def test_a_script_elsewhere_sees_its_own_folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "t.py").write_text("import sys, near\nprint(sys.path[0], __file__, near.x)\n")
    (tmp_path / "sub" / "near.py").write_text("x = 1\n")
    (tmp_path / "link.py").symlink_to("sub/t.py")
    for script in ("sub/t.py", "./sub/../sub/t.py", "link.py", str(tmp_path / "sub" / "t.py")):
        assert both(tmp_path, script).code == 0


def test_a_script_may_name_its_modules_as_it_likes(tmp_path):
    (tmp_path / "json.py").write_text("x = 'mine'\n")
    (tmp_path / "random.py").write_text("x = 'mine too'\n")
    (tmp_path / "t.py").write_text("import json, random\nfor i in range(2):\n    for j in range(2):\n        pass\n    print(json.x, random.x)\n")
    assert both(tmp_path, "t.py").code == 0


def test_a_script_that_is_not_there(tmp_path):
    assert both(tmp_path, "none.py").code == 2


@pytest.mark.parametrize("options", [["-O"], ["-W", "error"], ["-B", "-u"], ["-X", "utf8"], ["-I"]])
def test_options_of_the_interpreter_count(options, tmp_path):
    (tmp_path / "t.py").write_text("import sys, warnings\nassert len(sys.argv) > 9, 'few'\nprint(sys.flags, sys.path[:1], sys.orig_argv)\nfor i in range(2):\n    warnings.warn('w')\n")
    both(tmp_path, "t.py", options=options)


def test_the_environment_of_the_script_is_the_users(tmp_path):
    (tmp_path / "t.py").write_text("import os\nprint(os.environ.get('PYTHONHASHSEED'), hash('a'))\n")
    both(tmp_path, "t.py", PYTHONHASHSEED="5")
    (tmp_path / "t.py").write_text("import os\nprint(os.environ.get('PYTHONHASHSEED'))\n")
    both(tmp_path, "t.py", PYTHONHASHSEED="random")
    both(tmp_path, "t.py")


def test_an_unwritable_store_does_not_stop_the_script(tmp_path):
    (tmp_path / "t.py").write_text(LOOP)
    (tmp_path / ".florc").mkdir()
    (tmp_path / ".florc" / "runs").write_text("not a folder")
    both(tmp_path, "t.py")


def test_code_that_a_compiler_looks_through(tmp_path):
    """Compiled whole: a hook that the compiler does not know would end the program."""
    pytest.importorskip("torch")
    (tmp_path / "t.py").write_text(
        "import torch\n\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.inner, self.calls = torch.nn.Linear(2, 1), 0\n\n    def forward(self, x):\n        self.calls += 1\n        return self.inner(x)\n\n"
        "torch.manual_seed(0)\nnet = Net()\nstep = getattr(torch, 'comp' + 'ile')(net, fullgraph=True, backend='eager')\n"
        "print(step(torch.ones(3, 2)).sum().item())\nfor epoch in range(2):\n    for k in range(3):\n        y = str(k).strip()\n        z = str(y).strip()\n    print(epoch, y)\n"
    )
    shown = subprocess.run([sys.executable, "-m", "florc", "instrument", "t.py"], cwd=tmp_path, capture_output=True, text=True)
    assert "florc.entered(" in shown.stdout
    assert both(tmp_path, "t.py").code == 0
