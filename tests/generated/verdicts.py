"""The oracle over one generated program: what florc says is compared with a run from scratch.

A case is a program without and with probes, and a choice of options. Its outcome is one word: `verified` (and
equal), `refused` (florc said that it cannot), `refused rightly`, `odd` (the program itself is of no use), or a failure:
`wrong value`, `wrong where`, `not transparent`, `crash`. Nothing here knows how florc works.
"""

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

FAILURES = ("wrong value", "not transparent", "crash", "wrong where")


@dataclass
class Texts:
    """A program without and with its probes, what it imports, and its main loop's variable; `own_draws` is
    the program with probes after each of which the generators are put back: what stands in the main loop draws so in a replay."""

    recorded: str
    probed: str
    modules: tuple
    variable: str = "epoch"
    own_draws: str = ""


@dataclass
class Options:
    """How a case is recorded and replayed."""

    checkpoints: str = "all"
    workers: int = 1
    where: bool = False
    changing: bool = False  # some probes change what they look at: to refuse is right


@dataclass
class Outcome:
    """What became of a case, with what is needed to understand it."""

    word: str
    told: str = ""
    options: Options = field(default_factory=Options)

    @property
    def failed(self):
        return self.word in FAILURES


def write(folder, text):
    """The files of a program: `train.py`, and what stands behind a line `#--- NAME`."""
    first, *others = re.split(r"^#--- (\S+)\n", text, flags=re.M)
    files = {"train.py": first} | dict(zip(others[::2], others[1::2]))
    for name, content in files.items():
        (Path(folder) / name).write_text(content)


def judge(texts, options, forks, folder):
    """Runs everything in `folder`, which is emptied first and removed afterwards."""
    try:
        return _judge(texts, options, forks, Path(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _judge(texts, options, forks, folder):
    shutil.rmtree(folder, ignore_errors=True)
    plain, scratch, project = (folder / name for name in ("plain", "scratch", "project"))
    for each in (plain, scratch, project):
        each.mkdir(parents=True)
        write(each, texts.recorded)
    write(scratch, texts.probed)
    modules = texts.modules
    first = forks.run(["train.py"], plain, modules)
    if first.code != 0:
        return Outcome("odd", first.stderr, options)
    wanted = forks.run(["train.py"], scratch, modules)
    if wanted.code != 0 or not wanted.probes():
        return Outcome("odd", wanted.stderr, options)
    said = forks.florc(["run", "--checkpoints", options.checkpoints, "train.py"], project, modules)
    trouble = _transparent(first, said, plain, project)
    if trouble:
        return Outcome(*trouble, options)
    write(project, texts.probed)
    answer = forks.florc(["replay", "--workers", str(options.workers)], project, modules)
    outcome = compared(wanted, answer, options)
    if outcome.word == "wrong value" and options.changing and texts.own_draws:
        own = forks.run(["train.py"], _again(scratch, texts.own_draws), modules)
        outcome = min(outcome, compared(own, answer, options), key=lambda each: each.failed)
    if outcome.word == "wrong value" and forks.run(["train.py"], _again(scratch, texts.probed), modules).stdout != wanted.stdout:
        return Outcome("odd", "from scratch it does not print the same twice", options)
    if outcome.word == "verified" and options.where:
        return _where(texts, options, forks, project) or outcome
    return outcome


def _again(scratch, text):
    """The folder of another run from scratch: what the first has written is gone."""
    shutil.rmtree(scratch)
    scratch.mkdir()
    write(scratch, text)
    return scratch


def _transparent(first, said, plain, project):
    words = said.stderr.splitlines()
    if _crashed(said):
        return "crash", said.stderr
    if (first.stdout, first.code) != (said.stdout, said.code):
        return "not transparent", _difference(first.stdout, said.stdout) + said.stderr
    if any("stopped" in word for word in words):
        return "crash", said.stderr
    for written in plain.glob("notes*.txt"):
        if written.read_bytes() != (project / written.name).read_bytes():
            return "not transparent", f"{written.name} differs"
    return None


CRASH = re.compile(r"panicked|Traceback \(most recent|RuntimeError|internal error|SystemError")


def _crashed(ran):
    return CRASH.search(ran.stderr) or ran.code < 0 or ran.code > 127


def compared(wanted, answer, options):
    """What an answer is worth beside a run from scratch."""
    if _crashed(answer):
        return Outcome("crash", answer.stderr, options)
    if answer.code == 0:
        if answer.stdout.splitlines() == wanted.probes():
            return Outcome("verified", answer.stderr, options)
        return Outcome("wrong value", _difference("\n".join(wanted.probes()), answer.stdout) + answer.stderr, options)
    if answer.stdout:
        return Outcome("wrong value", "printed although not verified\n" + answer.stdout + answer.stderr, options)
    return Outcome("refused rightly" if options.changing else "refused", answer.stderr, options)


def _where(texts, options, forks, project):
    """Rows of `--where` are those of the whole replay that have the loop variable's value."""
    replay = ["replay", "--format", "json", "--workers", str(options.workers)]
    whole = forks.florc(replay, project, texts.modules)
    some = forks.florc([*replay, "--where", f"{texts.variable} >= 2"], project, texts.modules)
    if _crashed(some):
        return Outcome("crash", some.stderr, options)
    if some.code != 0:
        return Outcome("refused", "with --where: " + some.stderr, options)
    rows = [_row(row) for row in json.loads(whole.stdout)["rows"] if row["context"].get(texts.variable, -1) >= 2]
    found = [_row(row) for row in json.loads(some.stdout)["rows"]]
    if rows == found:
        return None
    return Outcome("wrong where", _difference("\n".join(map(str, rows)), "\n".join(map(str, found))), options)


def _row(row):
    return (row["line"], sorted(row["context"].items()), row["name"], json.dumps(row["value"]), row["text"])


def _difference(wanted, found):
    wanted, found = wanted.splitlines(), found.splitlines()
    for at in range(max(len(wanted), len(found))):
        a, b = (each[at] if at < len(each) else "(no line)" for each in (wanted, found))
        if a != b:
            return f"line {at + 1} of {len(wanted)}: wanted {a}\n{' ' * 12}found  {b}\n"
    return ""
