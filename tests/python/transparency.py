"""Runs a script plain and recorded, for comparison byte by byte."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass

OWN_LINES = re.compile(rb"^florc: .*\n", re.MULTILINE)


@dataclass
class Ran:
    """What a process left."""

    stdout: bytes
    stderr: bytes
    code: int
    files: dict


def execute(command, folder, stdin=b"", **env):
    """Runs a command in a folder; florc's own lines are cut from its stderr."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("FLORC_", "PYTHONHASH"))}
    done = subprocess.run(command, cwd=folder, env=clean | env, input=stdin, capture_output=True, timeout=120)
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".florc" not in path.parts and "__pycache__" not in path.parts
    }
    return Ran(done.stdout, OWN_LINES.sub(b"", done.stderr), done.returncode, files)


def config(folder, checkpoints="all"):
    """The file that `florc run` gives to the runner."""
    path = folder / ".florc" / "config.json"
    path.parent.mkdir(exist_ok=True)
    options = {"overhead": 0.02, "checkpoints": checkpoints, "name": None}
    content = {"mode": "record", "store": str(path.parent), "project": str(folder), "run_options": options}
    path.write_text(json.dumps(content | {"script": "t.py", "is_module": False}))
    return path


def plain(folder, *command, options=(), **more):
    return execute([sys.executable, *options, *command], folder, **more)


def recorded(folder, *command, options=(), **more):
    start = [sys.executable, *options, "-m", "florc._runner", str(config(folder))]
    return execute([*start, *command], folder, **more)
