"""Runs Python programs and florc's commands quickly, in forks of warm interpreters.

    with Forks() as forks:
        ran = forks.run(["train.py"], folder, ("numpy",))     # as `python train.py`
        ran = forks.florc(["replay", "--workers", "2"], folder, ("numpy",))

The workers that `florc replay` starts are forks as well: they go through a small client that stands
for the interpreter. Programs see the hash seed 0.
"""

import os
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import asking

HERE = Path(__file__).resolve().parent
LIBRARY = "bisect contextlib copy heapq importlib.metadata json mmap platform runpy secrets".split()
LATER = {"numpy": ["numpy.random"], "torch": ["torch._dynamo"]}  # what these import on first use, in seconds


@dataclass
class Ran:
    """A finished program."""

    stdout: str
    stderr: str
    code: int

    def probes(self):
        return [line for line in self.stdout.splitlines() if line.startswith("probe ")]


class Forks:
    """Warm interpreters, one for each set of modules."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="florc-forks-")
        self.servers = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process, _, _ in self.servers.values():
            process.stdin.close()
            process.wait()
        self.folder.cleanup()

    def run(self, argv, cwd, modules, timeout=60):
        """Runs what `python ARGV…` would run, and waits."""
        path, executable = self._server(modules)
        return self._ask(path, argv, cwd, executable, timeout)

    def florc(self, arguments, cwd, modules, timeout=120):
        """Runs `florc ARGUMENTS…`; the programs that it starts find `modules` loaded."""
        executable = self._server(modules)[1]
        return self._ask(self._server(())[0], ["-m", "florc", *arguments], cwd, executable, timeout)

    def _ask(self, path, argv, cwd, executable, timeout):
        request = {"argv": [str(each) for each in argv], "cwd": str(cwd), "env": self._environment()}
        request["executable"] = executable
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(os.devnull) as nothing:
            try:
                code = asking.ask(path, request, (nothing.fileno(), out.fileno(), err.fileno()), timeout)
            except TimeoutError:
                code = 198
            return Ran(_text(out), _text(err), code)

    def _environment(self):
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("FLORC_", "VIRTUAL_ENV", "CONDA_"))}
        return keep | {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}

    def _server(self, modules):
        if modules not in self.servers:
            number = len(self.servers)
            path = os.path.join(self.folder.name, f"socket-{number}")
            executable = os.path.join(self.folder.name, f"python-{number}")
            code = f"import sys; sys.path.insert(0, {str(HERE)!r}); import zygote; del sys.path[0]"
            warm = ["florc._florc", "florc.adapters", "florc._record", "florc._worker", *LIBRARY, *modules]
            warm += [each for name in modules for each in LATER[name]]
            process = subprocess.Popen(
                [sys.executable, "-c", f"{code}; zygote.serve({path!r}, {warm!r})"], stdin=subprocess.PIPE,
                env=self._environment(), cwd=self.folder.name,
            )
            _write_client(executable, path)
            while not os.path.exists(path):
                if process.poll() is not None:
                    raise RuntimeError(f"the interpreter for {modules} did not start")
                time.sleep(0.01)
            self.servers[modules] = (process, path, executable)
        _, path, executable = self.servers[modules]
        return path, executable


def _write_client(executable, path):
    with open(executable, "w", encoding="utf-8") as file:
        file.write(f"#!{os.path.realpath(sys.executable)} -ISE\n")
        file.write(f"import sys; sys.path.insert(0, {str(HERE)!r}); import asking; asking.client({path!r})\n")
    os.chmod(executable, stat.S_IRWXU)


def _text(file):
    file.seek(0)
    return file.read().decode(errors="replace")
