"""Generated programs through the oracle: a fixed few, and every program that once failed.

`fixtures/generated/` holds the shrunk ones: lines with `'probe` are the probes, the first line says how
the program is recorded and replayed. `cargo xtask soak` runs many more.
"""

import re
from pathlib import Path

import pytest
from forks import Forks, Ran
from programs import program
from soak import case, texts
from tree import render
from verdicts import Options, Texts, compared, judge

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "generated"
pytestmark = pytest.mark.xdist_group("generated")  # they share one warm interpreter


@pytest.fixture(scope="module")
def forks():
    with Forks() as made:
        yield made


@pytest.mark.parametrize("mode, seed", [*(("plain", seed) for seed in range(20)), *(("torch", seed) for seed in range(2))])
def test_a_generated_program_is_answered_rightly_or_refused(forks, tmp_path, mode, seed):
    made, options = case(seed, mode, forks, tmp_path)
    outcome = judge(texts(made), options, forks, tmp_path / "case")
    assert not outcome.failed, f"{outcome.word}\n{outcome.told}\n{render(made.suite, True)}"


def _fixture(path):
    text = path.read_text()
    options = re.match(r"# checkpoints=(\S+) workers=(\d)(?: (where))?(?: (refused))?", text)
    lines = text.splitlines(keepends=True)
    recorded = "".join(line for line in lines if "'probe" not in line)
    modules = tuple(name for name in ("numpy", "torch") if re.search(rf"^import {name}", text, re.M))
    return Texts(recorded, text, modules), Options(options[1], int(options[2]), bool(options[3])), options[4] or "verified"


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.py")), ids=lambda path: path.stem)
def test_a_program_that_once_failed(forks, tmp_path, path):
    given, options, word = _fixture(path)
    outcome = judge(given, options, forks, tmp_path / "case")
    assert outcome.word == word, outcome.told


def test_the_program_of_a_seed_is_always_the_same():
    assert render(program(5).suite, True) == render(program(5).suite, True)


def test_a_wrong_value_would_be_seen():
    """The oracle can fail: lines that are missing, that differ, or that nobody verified."""
    scratch = Ran("loss 1\nprobe 1\nprobe 2\n", "", 0)
    words = [
        compared(scratch, Ran(answer, "", code), Options()).word
        for answer, code in [("probe 1\nprobe 2\n", 0), ("probe 1\n", 0), ("probe 1\nprobe 3\n", 0), ("probe 1\n", 1), ("", 1)]
    ]
    assert words == ["verified", "wrong value", "wrong value", "wrong value", "refused"]
