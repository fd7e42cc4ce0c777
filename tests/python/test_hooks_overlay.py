"""In a replay worker files are led astray: the script sees its own writes, the user's files stay."""

import subprocess
import sys

import pytest

BEGIN = """\
import os, sys, tempfile
from florc._overlay import Overlay
os.makedirs('dir/sub')
for name in ('a.txt', 'dir/b.txt', 'dir/sub/c.txt'):
    open(name, 'w').write('old ' + name)
scratch = tempfile.mkdtemp()
Overlay(scratch, os.getcwd()).install()
"""

CASES = {
    "write and read": "open('a.txt', 'w').write('new')\nassert open('a.txt').read() == 'new'",
    "append": "open('a.txt', 'a').write('+')\nassert open('a.txt').read() == 'old a.txt+'",
    "update": "f = open('a.txt', 'r+')\nf.write('N')\nf.close()\nassert open('a.txt').read() == 'Nld a.txt'",
    "exclusive": "open('n', 'x').close()\ntry: open('n', 'x')\nexcept FileExistsError: pass\nelse: assert False",
    "new in old folder": "open('dir/n', 'w').write('n')\nassert sorted(os.listdir('dir')) == ['b.txt', 'n', 'sub']",
    "no such folder": "try: open('none/n', 'w')\nexcept FileNotFoundError: pass\nelse: assert False",
    "remove": "os.remove('a.txt')\nassert not os.path.exists('a.txt')\ntry: open('a.txt')\nexcept FileNotFoundError: pass\nelse: assert False",
    "remove and write": "os.unlink('a.txt')\nopen('a.txt', 'w').write('again')\nassert open('a.txt').read() == 'again'",
    "rename": "os.rename('a.txt', 'z.txt')\nassert open('z.txt').read() == 'old a.txt' and not os.path.exists('a.txt')",
    "replace": "open('t', 'w').write('t')\nos.replace('t', 'a.txt')\nassert open('a.txt').read() == 't'",
    "rename a folder": "os.rename('dir', 'moved')\nassert open('moved/sub/c.txt').read() == 'old dir/sub/c.txt' and not os.path.exists('dir')",
    "folders": "os.makedirs('x/y/z')\nopen('x/y/z/f', 'w').write('f')\nassert os.path.isdir('x/y') and os.listdir('x/y/z') == ['f']",
    "exist_ok": "os.makedirs('dir/sub', exist_ok=True)\ntry: os.mkdir('dir')\nexcept FileExistsError: pass\nelse: assert False",
    "rmtree": "import shutil\nshutil.rmtree('dir')\nassert not os.path.exists('dir')\nos.mkdir('dir')\nassert os.listdir('dir') == []",
    "walk": "open('dir/n', 'w').close()\nos.remove('dir/b.txt')\nfound = {(d, tuple(sorted(f))) for d, _, f in os.walk('dir')}\nassert found == {('dir', ('n',)), ('dir/sub', ('c.txt',))}, found",
    "glob": "import glob\nopen('dir/n.txt', 'w').close()\nassert sorted(glob.glob('dir/*.txt')) == ['dir/b.txt', 'dir/n.txt']",
    "pathlib": "from pathlib import Path\np = Path('dir') / 'p.txt'\np.write_text('p')\nassert p.read_text() == 'p' and p.exists()\np.rename('dir/q.txt')\nassert sorted(x.name for x in Path('dir').iterdir()) == ['b.txt', 'q.txt', 'sub']\nPath('dir/q.txt').unlink()\nPath('deep/er').mkdir(parents=True)\nassert Path('deep/er').is_dir()",
    "copy": "import shutil\nshutil.copy('a.txt', 'dir/copy.txt')\nassert open('dir/copy.txt').read() == 'old a.txt'\nshutil.move('dir/copy.txt', 'moved.txt')\nassert os.path.exists('moved.txt')",
    "descriptors": "fd = os.open('a.txt', os.O_WRONLY | os.O_TRUNC)\nos.write(fd, b'fd')\nos.close(fd)\nassert open('a.txt').read() == 'fd'",
    "chmod": "os.chmod('a.txt', 0o600)\nassert os.stat('a.txt').st_mode & 0o777 == 0o600",
    "temporary": "import tempfile\nwith tempfile.TemporaryDirectory() as d:\n    open(os.path.join(d, 'f'), 'w').write('x')\n    assert os.listdir(d) == ['f']\nassert not os.path.exists(d)",
    "numpy": "import numpy as np\nnp.save('x.npy', np.arange(3))\nnp.savez('y.npz', a=np.ones(2))\nassert np.load('x.npy').tolist() == [0, 1, 2] and np.load('y.npz')['a'].sum() == 2",
    "torch": "import torch\ntorch.save({'a': torch.ones(2)}, 'm.pt')\nassert torch.load('m.pt')['a'].sum() == 2\ntorch.save([1], 'a.txt')\nassert torch.load('a.txt') == [1]",
    "safetensors": "import torch\nfrom safetensors import safe_open\nfrom safetensors.torch import load_file, save_file\nsave_file({'a': torch.ones(2)}, 'a.txt')\nassert load_file('a.txt')['a'].sum() == 2\nos.mkdir('new')\nsave_file({'b': torch.ones(3)}, 'new/m.safetensors')\nwith safe_open('new/m.safetensors', framework='pt') as f: assert f.get_tensor('b').sum() == 3",
    "loader": "import torch\nloader = torch.utils.data.DataLoader(list(range(8)), batch_size=2, num_workers=2)\nassert sum(int(b.sum()) for b in loader) == 28",
    "sqlite": "import sqlite3\nc = sqlite3.connect('d.db')\nc.execute('create table t (x)')\nc.commit()\nassert os.path.exists('d.db')",
    "programs": "import subprocess\ntry: subprocess.run(['touch', 'touched'])\nexcept PermissionError as e: assert 'florc' in str(e)\nelse: assert False\ntry: os.system('touch touched')\nexcept PermissionError: pass\nelse: assert False",
}


@pytest.mark.parametrize("name", CASES)
def test_the_script_sees_its_files_and_the_user_keeps_theirs(name, tmp_path):
    (tmp_path / "case.py").write_text(BEGIN + CASES[name] + "\n")
    done = subprocess.run([sys.executable, "case.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    files = {str(p.relative_to(tmp_path)): p.read_text() for p in tmp_path.rglob("*") if p.is_file()}
    del files["case.py"]
    assert files == {name: f"old {name}" for name in ("a.txt", "dir/b.txt", "dir/sub/c.txt")}
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 != 0o600


BUILD = """
import os, subprocess, sys, tempfile
with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
    file.write("print(6 * 7)")
made = subprocess.run([sys.executable, file.name], capture_output=True, text=True).stdout
os.unlink(file.name)
"""


@pytest.mark.parametrize(("module", "answer"), [("triton.build", "42"), ("tritonish", "refused")])
def test_compilers_of_frameworks_work_as_ever(module, answer, tmp_path):
    """The program that is started finds the file that was written for it."""
    ran = f"names = {{'__name__': {module!r}}}\ntry: exec({BUILD!r}, names)\nexcept PermissionError: print('refused')\nelse: print(names['made'])"
    done = subprocess.run([sys.executable, "-c", BEGIN + ran], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == [answer], done.stderr
