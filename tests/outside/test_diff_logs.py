"""`florc diff-logs` over git as its users have it, the hooks, and where they look."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FLORC = Path(sys.executable).with_name("florc")

TRAIN = """\
import random
random.seed(1)
lr = 0.5
state = {"x": 0.0}
for epoch in range(4):
    for step in range(3):
        state["x"] += lr * random.random()
    print("epoch", epoch, state["x"])
"""
PROBED = TRAIN.replace("    print(", "    print('probe', len(state), lr)\n    print(").replace("lr = 0.5", "lr = 0.25")


def run(folder, *command, **env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("FLORC_", "GIT_"))}
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(folder)}
    path = f"{FLORC.parent}{os.pathsep}{clean['PATH']}"
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=clean | own | {"PATH": path} | env, capture_output=True, text=True,
        timeout=300, stdin=subprocess.DEVNULL,
    )
    assert "panicked" not in done.stderr
    return done


def git(folder, *args):
    done = run(folder, "git", "-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "init.defaultBranch=main", *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def found(folder, *args):
    done = run(folder, FLORC, "diff-logs", "--format", "json", *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def logs(report):
    return [(file["path"], log["change"], log["text"]) for file in report["files"] for log in file["logs"]]


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "train.py").write_text(TRAIN)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    return folder


NEW = [("train.py", "added", "print('probe', len(state), lr)")]


def test_the_working_tree_what_is_staged_and_revisions(project):
    assert logs(found(project)) == []
    (project / "train.py").write_text(PROBED)
    assert logs(found(project)) == NEW
    assert logs(found(project, "--staged")) == []
    git(project, "add", "-A")
    (project / "train.py").write_text(TRAIN)
    assert logs(found(project, "--staged")) == NEW
    assert logs(found(project)) == []
    git(project, "commit", "-qm", "two")
    assert logs(found(project, "HEAD~1", "HEAD")) == logs(found(project, "HEAD~1..HEAD")) == NEW
    assert logs(found(project, "HEAD", "HEAD~1")) == [("train.py", "removed", "print('probe', len(state), lr)")]
    git(project, "checkout", "-q", "--detach", "HEAD")
    git(project, "checkout", "-q", "--", ".")
    assert logs(found(project, "HEAD~1")) == NEW


def test_three_dots_are_what_the_second_did_since_both_went_apart(project):
    git(project, "branch", "-q", "side")
    (project / "train.py").write_text(PROBED)
    git(project, "commit", "-qam", "two")
    (project / "other.py").write_text("print('mine')\n")
    git(project, "checkout", "-q", "side")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "beside")
    main = git(project, "branch", "--format", "%(refname:short)").split()
    (main,) = [name for name in main if name != "side"]
    assert logs(found(project, f"side...{main}")) == NEW
    assert [entry[:2] for entry in logs(found(project, f"side..{main}"))] == [("other.py", "removed"), ("train.py", "added")]


def test_other_changes_are_told_with_what_they_reach(project):
    (project / "train.py").write_text(PROBED)
    (changed,) = found(project)["files"][0]["other_changes"]
    assert (changed["text"], changed["was"], changed["class"]) == ("lr = 0.25", "lr = 0.5", "state-changing (argument)")
    assert changed["reaches"] == "before the first checkpoint"
    log = found(project)["files"][0]["logs"][0]
    assert (log["loops"], log["new_values"]) == (["epoch"], ["len(state)", "lr"])


def test_formats_quiet_and_exit_code(project):
    plain = run(project, FLORC, "diff-logs", "--quiet", "--exit-code")
    assert (plain.returncode, plain.stdout) == (0, "")
    (project / "train.py").write_text(PROBED)
    assert run(project, FLORC, "diff-logs", "--exit-code").returncode == 1
    assert "+ 8  print('probe', len(state), lr)" in run(project, FLORC, "diff-logs").stdout
    github = run(project, FLORC, "diff-logs", "--format", "github").stdout.splitlines()
    assert github[0].startswith("::notice file=train.py,line=8,title=florc diff-logs::log statement added")
    assert github[1].startswith("::warning file=train.py,line=3,")
    assert "- added line 8: `print('probe', len(state), lr)`" in run(project, FLORC, "diff-logs", "--format", "markdown").stdout


def test_a_run_that_lacks_the_value_and_what_it_costs(project):
    assert run(project, FLORC, "run", "--checkpoints", "all", "train.py").returncode == 0
    assert found(project)["runs"] == []
    (project / "train.py").write_text(PROBED)
    (lacking,) = found(project)["runs"]
    assert (lacking["lacks"], lacking["iterations"], lacking["recorded_iterations"]) == (1, 4, 4)
    assert [cost["workers"] for cost in lacking["costs"]] == [1, 2, 4]
    assert len(lacking["skipped_blocks"]) == 1 and lacking["executed_blocks"] == []
    assert [edit["text"] for edit in lacking["left_out"]] == ["`lr = 0.25`"]
    replayed = run(project, FLORC, "replay")
    assert replayed.stdout.splitlines() == ["probe 1 0.5"] * 4, replayed.stderr
    git(project, "commit", "-qam", "two")
    (project / "train.py").write_text("nothing = 1\n")
    assert found(project, "HEAD~1", "HEAD")["runs"][0]["lacks"] == 1, "the revision counts, not the working tree"


def test_older_runs_are_counted(project):
    for _ in range(5):
        assert run(project, FLORC, "run", "train.py").returncode == 0
    (project / "train.py").write_text(PROBED)
    assert (len(found(project)["runs"]), found(project)["older_runs"]) == (3, 2)
    assert "not looked at: 2 older runs (`--runs N`)" in run(project, FLORC, "diff-logs").stdout
    assert (len(found(project, "--runs", "9")["runs"]), found(project, "--runs", "9")["older_runs"]) == (5, 0)


def test_new_renamed_and_broken_files(project):
    git(project, "mv", "train.py", "fit.py")
    (project / "fit.py").write_text(PROBED)
    (project / "new.py").write_text("def f(x):\n    print(x)\n")
    (project / "broken.py").write_text("print(\n")
    report = found(project)
    by_path = {file["path"]: file for file in report["files"]}
    assert by_path["fit.py"]["old_path"] == "train.py"
    assert [log["change"] for log in by_path["fit.py"]["logs"]] == ["added"]
    assert [log["text"] for log in by_path["new.py"]["logs"]] == ["print(x)"]
    assert "line 1" in by_path["broken.py"]["error"]


def test_renamed_variables_and_formatting_are_no_difference(project):
    (project / "train.py").write_text(TRAIN.replace("state", "weights").replace('"epoch",', '"epoch",  # which\n         '))
    report = found(project)
    assert logs(report) == []
    assert {other["class"] for file in report["files"] for other in file["other_changes"]} == {"renaming"}


def test_worktrees_subfolders_and_bare_repositories(project, tmp_path):
    (project / "train.py").write_text(PROBED)
    git(project, "commit", "-qam", "two")
    git(project, "worktree", "add", "-q", str(tmp_path / "other"), "HEAD~1")
    (tmp_path / "other" / "train.py").write_text(PROBED)
    assert logs(found(tmp_path / "other")) == NEW
    (project / "sub").mkdir()
    assert logs(found(project / "sub", "HEAD~1")) == NEW
    git(tmp_path, "clone", "-q", "--bare", str(project), str(tmp_path / "bare.git"))
    assert logs(found(tmp_path / "bare.git", "HEAD~1", "HEAD")) == NEW
    refused = run(tmp_path / "bare.git", FLORC, "diff-logs")
    assert (refused.returncode, "working tree" in refused.stderr) == (2, True)


def test_without_commits_without_a_repository_and_wrong_names(project, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    (empty / "train.py").write_text(TRAIN)
    assert [log[1] for log in logs(found(empty))] == ["added"]
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "train.py").write_text(TRAIN)
    assert run(outside, FLORC, "run", "train.py").returncode == 0
    (outside / "train.py").write_text(PROBED)
    assert [report["lacks"] for report in found(outside)["runs"]] == [1]
    for folder, args, words in [(outside, ["HEAD~1"], "not in a git repository"), (project, ["nope"], "no revision `nope`")]:
        refused = run(folder, FLORC, "diff-logs", *args)
        assert refused.returncode == 2 and words in refused.stderr and "help:" in refused.stderr


@pytest.mark.parametrize("own_folder", [False, True])
def test_a_post_commit_hook_tells_and_keeps_the_one_that_was_there(project, own_folder):
    hooks = project / (".githooks" if own_folder else ".git/hooks")
    hooks.mkdir(exist_ok=True)
    if own_folder:
        git(project, "config", "core.hooksPath", ".githooks")
    (hooks / "post-commit").write_text("#!/bin/sh\necho before > before.txt\n")
    (hooks / "post-commit").chmod(0o755)
    for _ in range(2):  # twice does no harm
        assert run(project, FLORC, "hook", "install").returncode == 0
    (project / "train.py").write_text(PROBED)
    told = run(project, "git", "-c", "user.name=n", "-c", "user.email=n@example.org", "commit", "-qam", "two")
    assert told.returncode == 0 and "print('probe', len(state), lr)" in told.stdout + told.stderr
    assert (project / "before.txt").read_text() == "before\n"
    assert run(project, FLORC, "hook", "uninstall").returncode == 0
    assert "before.txt" in (hooks / "post-commit").read_text()
    assert run(project, FLORC, "hook", "uninstall").returncode == 2


def test_check_selects_what_a_pre_commit_hook_wants(project):
    (project / "train.py").write_text(TRAIN)  # unseeded or not: the hook is silent
    hook = ["check", "--quiet", "--select", "log-changes-state,syntax-error,undecodable-source"]
    quiet = run(project, FLORC, *hook, "train.py")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    (project / "train.py").write_text(TRAIN + "    print(random.random())\n")
    assert run(project, FLORC, *hook, "train.py").returncode == 1
    wrong = run(project, FLORC, "check", "--select", "nope", "train.py")
    assert wrong.returncode == 2 and "nope" in wrong.stderr


def test_the_hooks_work_with_pre_commit(project):
    """The real program, with the hooks of this repository's own file."""
    pre_commit = Path(sys.executable).with_name("pre-commit")
    assert pre_commit.exists(), "tests/requirements.txt names it"
    hooks = Path(__file__).resolve().parents[2] / ".pre-commit-hooks.yaml"
    home = project.parent / "hooks"
    home.mkdir()
    (home / ".pre-commit-hooks.yaml").write_text(hooks.read_text())
    git(home, "init", "-q")
    git(home, "add", "-A")
    git(home, "commit", "-qm", "hooks")
    revision = git(home, "rev-parse", "HEAD").strip()
    (project / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {home}\n  rev: {revision}\n  hooks:\n  - id: florc-check\n  - id: florc-diff-logs\n"
    )
    (project / "train.py").write_text(PROBED)
    git(project, "add", "-A")
    cache = {"PRE_COMMIT_HOME": str(project.parent / "cache")}
    passed = run(project, pre_commit, "run", **cache)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    told = run(project, pre_commit, "run", "--hook-stage", "manual", "florc-diff-logs", **cache)
    assert told.returncode == 0 and "print('probe', len(state), lr)" in told.stdout, told.stdout + told.stderr
    git(project, "commit", "-qm", "a probe")
    refs = ("--from-ref", "HEAD~1", "--to-ref", "HEAD")
    pushed = run(project, pre_commit, "run", "--hook-stage", "pre-push", *refs, "florc-diff-logs", **cache)
    assert "print('probe', len(state), lr)" in pushed.stdout, "nothing is staged" + pushed.stdout + pushed.stderr
    (project / "train.py").write_text(TRAIN + "    print(random.random())\n")
    git(project, "add", "-A")
    failed = run(project, pre_commit, "run", **cache)
    assert failed.returncode == 1 and "log-changes-state" in failed.stdout, failed.stdout


def test_a_statement_that_changes_the_training_is_not_called_harmless(project):
    (project / "train.py").write_text(TRAIN + "    random.seed(epoch)\n")
    told = run(project, FLORC, "diff-logs", "--exit-code")
    assert told.returncode == 1 and "random.seed" in told.stdout, told.stdout + told.stderr
