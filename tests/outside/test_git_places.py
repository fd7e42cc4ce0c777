"""Recording and replaying where git has more than one work tree, or none: submodules, linked work trees, a detached HEAD.

`florc diff-logs` in the other places of this kind (bare repositories, no commits, renamed and staged files): `test_diff_logs.py`.
"""

import pytest
from test_diff_logs import FLORC, NEW, PROBED, TRAIN, found, git, logs, run

ANSWER = ["probe 1 0.5"] * 4
LOOP = """\
import random
from part import step
random.seed(1)
state = {"x": 0.0}
for epoch in range(4):
    for _ in range(3):
        step.take(state)
    print("epoch", epoch, state["x"])
"""
STEP = 'import random\n\ndef take(state):\n    state["x"] += random.random()\n'
STEP_PROBED = STEP + "    print('probe', repr(state['x']))\n"


def commit(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "changed")


def record(folder, script="train.py"):
    done = run(folder, FLORC, "run", "--checkpoints", "all", script)
    assert done.returncode == 0 and "recorded run" in done.stderr, done.stderr
    return done


def answers(folder, *options):
    done = run(folder, FLORC, "replay", *options)
    assert done.returncode == 0 and "verified" in done.stderr, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def outer(tmp_path):
    """A repository with another one in `part`."""
    for name in ("library", "outer"):
        (tmp_path / name).mkdir()
        git(tmp_path / name, "init", "-q")
    commit(tmp_path / "library", train=TRAIN, step=STEP)
    outer = tmp_path / "outer"
    allowed = ("-c", "protocol.file.allow=always")
    git(outer, *allowed, "submodule", "--quiet", "add", str(tmp_path / "library"), "part")
    commit(outer, main=LOOP)
    return outer


def test_a_script_in_a_submodule_has_its_store_there(outer):
    part = outer / "part"
    record(part)
    assert (part / ".florc" / "runs").is_dir() and not (outer / ".florc").exists()
    (part / "train.py").write_text(PROBED)
    assert logs(found(part)) == NEW
    assert [lacking["lacks"] for lacking in found(part)["runs"]] == [1]
    assert answers(part) == ANSWER
    assert answers(outer, "--script", "part/train.py") == ANSWER, "the same run, asked from above"
    assert git(part, "status", "--porcelain") == " M train.py\n", "git sees nothing but the user's own edit"


def test_revisions_in_a_submodule_are_its_own(outer):
    commit(outer / "part", train=PROBED)
    assert logs(found(outer / "part", "HEAD~1")) == logs(found(outer / "part", "HEAD~1", "HEAD")) == NEW
    refused = run(outer, FLORC, "diff-logs", "HEAD~1")
    assert (refused.returncode, "no revision `HEAD~1`" in refused.stderr) == (2, True), "the outer one has but one commit"


def test_a_file_of_a_submodule_may_be_part_of_a_program(outer, tmp_path):
    plain = record(outer, "main.py").stdout
    (outer / "part" / "step.py").write_text(STEP_PROBED)
    scratch = run(outer, FLORC.with_name("python"), "main.py").stdout.splitlines()
    expected = [line for line in scratch if line.startswith("probe")]
    assert len(expected) == 12 and [line for line in scratch if line not in expected] == plain.splitlines()
    assert answers(outer, "--workers", "2") == expected


def test_log_statements_in_a_submodule_are_told_above(outer):
    record(outer, "main.py")
    told = lambda *sides: [(log["change"], log["line"]) for log in logs_of(outer, *sides)]
    assert told() == []
    (outer / "part" / "step.py").write_text(STEP_PROBED)
    assert told() == [("added", 5)], "in its working tree"
    assert [(lacking["script"], lacking["lacks"]) for lacking in found(outer)["runs"]] == [("main.py", 1)]
    git(outer / "part", "commit", "-qam", "probed")
    assert told() == [("added", 5)] and told("--staged") == [], "committed there"
    git(outer, "add", "part")
    assert told("--staged") == [("added", 5)]
    git(outer, "commit", "-qm", "the newer one")
    assert told("HEAD~1", "HEAD") == told("HEAD~1") == [("added", 5)] and told() == []
    assert [lacking["lacks"] for lacking in found(outer, "HEAD~1", "HEAD")["runs"]] == [1]


def logs_of(folder, *sides):
    files = found(folder, *sides)["files"]
    assert {file["path"] for file in files} <= {"part/step.py"}
    return [log for file in files for log in file["logs"]]


def test_linked_work_trees_have_runs_of_their_own(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    git(first, "init", "-q")
    commit(first, train=TRAIN)
    git(first, "worktree", "add", "-q", str(second))
    record(second)
    assert (second / ".florc").is_dir() and not (first / ".florc").exists()
    (second / "train.py").write_text(PROBED)
    assert answers(second) == ANSWER
    assert run(first, FLORC, "replay").returncode == 2, "nothing was recorded here"
    assert git(second, "status", "--porcelain") == " M train.py\n" and git(first, "status", "--porcelain") == ""


def test_a_detached_head_stays_where_it_is(tmp_path):
    git(tmp_path, "init", "-q")
    commit(tmp_path, train=TRAIN)
    commit(tmp_path, other="x = 1\n")
    git(tmp_path, "checkout", "-q", "--detach", "HEAD~1")
    before = git(tmp_path, "rev-parse", "HEAD"), git(tmp_path, "for-each-ref")
    record(tmp_path)
    (tmp_path / "train.py").write_text(PROBED)
    assert answers(tmp_path) == ANSWER
    assert (git(tmp_path, "rev-parse", "HEAD"), git(tmp_path, "for-each-ref")) == before
    assert (tmp_path / ".git" / "HEAD").read_text().strip() == before[0].strip()


@pytest.mark.parametrize("repository", [True, False])
def test_commits_are_not_needed(tmp_path, repository):
    if repository:
        git(tmp_path, "init", "-q")
    (tmp_path / "train.py").write_text(TRAIN)
    record(tmp_path)
    (tmp_path / "train.py").write_text(PROBED)
    assert answers(tmp_path) == ANSWER
    if repository:
        assert git(tmp_path, "status", "--porcelain") == "?? train.py\n"


def test_a_staged_file_that_moved_is_compared_with_what_it_was(tmp_path):
    git(tmp_path, "init", "-q")
    commit(tmp_path, train=TRAIN)
    record(tmp_path)
    git(tmp_path, "mv", "train.py", "fit.py")
    (tmp_path / "fit.py").write_text(PROBED)
    git(tmp_path, "add", "-A")
    (tmp_path / "fit.py").write_text(TRAIN)
    (file,) = found(tmp_path, "--staged")["files"]
    assert (file["path"], file["old_path"], [log["change"] for log in file["logs"]]) == ("fit.py", "train.py", ["added"])
    assert logs(found(tmp_path)) == []
