"""What tools of this kind get wrong, each once. Others of the list are tests elsewhere:

- the end of epoch k restored and epoch k run again, rows of the first epoch twice: `tests/oracle/test_oracle.py`
- a condition that filters nothing, an unseeded script that gives other values: `test_oracle.py`, `test_negative.py`
- `loss = train_step(net, opt, x)`, `b = buf; b.append(x)`, a helper that changes a dict: `florc_effects`
  (`tests/peers.rs`) and the fixture `helper_mutation`
- a new operand, renamed names: `fixtures/history/carry`
- the same from recording to answer, rows of workers that all run what stands before the loop: `test_state_in_disguise.py`
- `kill -9`: `test_faults.py`
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_diff_logs import FLORC, git, run

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
from test_negative import small  # noqa: E402

SCRIPT = """\
import random
random.seed(1)
value, scale = 0.0, 0.5
for epoch in range(12):
    for step in range(3):
        value += scale * random.random()
    print("epoch", epoch, value)
"""
NESTED = SCRIPT.replace("    print(", "    print(\n        'probe',\n        epoch, repr(\n            value\n        ),\n    )\n    print(")
INNER = SCRIPT.replace("        value +=", "        print('probe', epoch, step, repr(value))\n        value +=")


def record(folder, *options):
    done = run(folder, FLORC, "run", "--checkpoints", "all", *options, "train.py")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "train.py").write_text(SCRIPT)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder


def repository(folder):
    """All that git knows, byte for byte, and the files that it does not know."""
    inside = {path.relative_to(folder): path.read_bytes() for path in sorted((folder / ".git").rglob("*")) if path.is_file()}
    inside.pop(Path(".git/index"), None)  # git itself refreshes times in it
    return inside, git(folder, "ls-files", "--stage"), git(folder, "status", "--porcelain")


def test_the_repository_is_left_alone(project):
    """Untracked secrets, staged content, uncommitted work, the branch: none is touched, also for a second version."""
    record(project)
    git(project, "checkout", "-qb", "own")
    (project / "train.py").write_text(SCRIPT.replace("0.5", "0.25"))
    git(project, "commit", "-qam", "second")
    record(project)
    (project / ".env").write_text("SECRET=1\n")
    (project / "staged.py").write_text("x = 1\n")
    git(project, "add", "staged.py")
    (project / "staged.py").write_text("x = 2\n")
    (project / "train.py").write_text(NESTED.replace("0.5", "0.125"))
    before = repository(project)
    done = run(project, FLORC, "propagate", "--to", "all", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("probe") == 24
    assert run(project, FLORC, "replay").returncode == 0
    assert repository(project) == before
    assert (project / "staged.py").read_text() == "x = 2\n"
    kept = [path for path in (project / ".florc").rglob("*") if path.is_file() and b"SECRET" in path.read_bytes()]
    assert kept == [], "secrets are not recorded"


def test_a_log_in_a_multi_line_call_is_carried(project, tmp_path):
    record(project)
    (project / "train.py").write_text(NESTED.replace("scale", "factor"))
    done = run(project, FLORC, "replay")
    (tmp_path / "scratch").mkdir()
    expected = small(tmp_path / "scratch", NESTED).plain().probes()
    assert (done.returncode, done.stdout.splitlines()) == (0, expected), done.stderr


def test_one_epoch_costs_one_epoch_wherever_it_is(project):
    record(project)
    (project / "train.py").write_text(INNER)
    for epoch in (0, 5, 11):
        done = run(project, FLORC, "replay", "--dry-run", "--format", "json", "--where", f"epoch == {epoch}")
        plan = json.loads(done.stdout)
        assert [it["iterations"] for it in plan["segments"]] == [1], epoch
        ran = run(project, FLORC, "replay", "--where", f"epoch == {epoch}")
        assert len(ran.stdout.splitlines()) == 3, ran.stderr


def test_two_runs_at_once_do_not_overwrite_each_other(project):
    command = [str(FLORC), "run", "--checkpoints", "all", "train.py"]
    both = [subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    said = [each.communicate(timeout=300) for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert said[0][0] == said[1][0]
    runs = json.loads(run(project, FLORC, "runs", "--format", "json").stdout)
    assert [it["rows"] for it in runs] == [12, 12] and len({it["run"] for it in runs}) == 2
    done = run(project, FLORC, "logs", *(it["run"] for it in runs), "--format", "json")
    rows = [row for row in json.loads(done.stdout) if row["name"] == "epoch"]
    assert len(rows) == 24 and len({row["id"] for row in rows}) == 24
