"""The oracle: replay(record(P), P + probes) must equal running P + probes, bit for bit.

A fixture is a folder with `train.py` (P; `run.json` names another command) and `probes.json`: groups of
log statements, each with the line it stands before or after, in the script or in the `file` it names. Probes print lines that begin with `probe`, so that what a run from
scratch prints of them can be told from its forward logs. Nothing here knows how florc works.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "scripts"
FLORC = Path(sys.executable).with_name("florc")


@dataclass
class Ran:
    """A finished process."""

    stdout: str
    stderr: str
    code: int

    def probes(self):
        return [line for line in self.stdout.splitlines() if line.startswith("probe")]


def run(command, cwd, **env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FLORC_")}
    clean["OMP_NUM_THREADS"] = "1"  # tiny models: threads that wait for each other are only slow
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean | env, capture_output=True, text=True,
        timeout=300, stdin=subprocess.DEVNULL,
    )
    return Ran(done.stdout, done.stderr, done.returncode)


def probe_groups(name):
    return list(json.loads((FIXTURES / name / "probes.json").read_text()))


def how_to_run(name):
    """The command of a fixture, and the file that it runs."""
    given = FIXTURES / name / "run.json"
    table = json.loads(given.read_text()) if given.exists() else {}
    return table.get("command", ["train.py"]), table.get("script", "train.py")


def with_probes(name, groups):
    """Texts of P plus the probes of `groups`, by file; every anchor must stand there exactly once."""
    table = json.loads((FIXTURES / name / "probes.json").read_text())
    texts = {}
    for probe in [probe for group in groups for probe in table[group]]:
        file = probe.get("file", how_to_run(name)[1])
        lines = texts.setdefault(file, (FIXTURES / name / file).read_text().split("\n"))
        anchor = probe.get("before", probe.get("after"))
        places = [i for i, line in enumerate(lines) if line == anchor]
        assert len(places) == 1, f"{name}: anchor {anchor!r} stands {len(places)} times"
        indent = anchor[: len(anchor) - len(anchor.lstrip())]
        lines.insert(places[0] + ("after" in probe), indent + probe["add"])
    return {file: "\n".join(lines) for file, lines in texts.items()}


def later(name, texts):
    """The texts as they are in a later version: `later.json` has names to change everywhere, then
    pieces of text to replace, by file."""
    texts = dict(texts)
    for file, edits in json.loads((FIXTURES / name / "later.json").read_text()).items():
        text = texts.get(file, (FIXTURES / name / file).read_text())
        for old, new in edits["rename"].items():
            text = re.sub(rf"(?<!['\"])\b{old}\b(?!['\"])", new, text)
        for old, new in edits["replace"]:
            assert text.count(old) == 1, f"{name}: {old!r} stands {text.count(old)} times"
            text = text.replace(old, new)
        texts[file] = text
    return texts


class Project:
    """A copy of a fixture in a folder of its own."""

    def __init__(self, root, name):
        self.name = name
        self.root = Path(root) / name
        self.command, self.entry = how_to_run(name)
        own = shutil.ignore_patterns("probes.json", "later.json", "run.json", "__pycache__")
        shutil.copytree(FIXTURES / name, self.root, ignore=own)

    @property
    def script(self):
        return self.root / self.entry

    def plain(self, *args):
        return run([sys.executable, *self.command, *args], self.root)

    def record(self, *args, checkpoints="all"):
        return run([FLORC, "run", "--checkpoints", checkpoints, *self.command, *args], self.root)

    def add_probes(self, groups, edit=lambda name, texts: texts):
        for file, text in edit(self.name, with_probes(self.name, groups)).items():
            (self.root / file).write_text(text)

    def reset(self):
        for path in (FIXTURES / self.name).rglob("*.py"):
            shutil.copy(path, self.root / path.relative_to(FIXTURES / self.name))

    def replay(self, *options):
        which = [] if "-m" in self.command else ["--script", self.entry]
        return run([FLORC, "replay", *which, *options], self.root)

    def logs(self):
        done = run([FLORC, "logs", "--format", "json"], self.root)
        assert done.code == 0, done.stderr
        return json.loads(done.stdout)

    def files(self):
        """Everything in the project outside of the store: path and bytes."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and ".florc" not in path.parts and "__pycache__" not in path.parts
        }


def check(project, expected, *options):
    """Replays: the probes' lines must be the expected ones, verified, and the user's files as they were."""
    before = project.files()
    ran = project.replay(*options)
    assert ran.code == 0, ran.stderr
    assert ran.stdout.splitlines() == expected, ran.stderr
    assert "verified" in ran.stderr, ran.stderr
    assert project.files() == before, "replay changed the user's files"
