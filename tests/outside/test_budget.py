"""A part of a replay: by time, with statements that change the training, and as a picture."""

import json
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
from oracle import FLORC, run  # noqa: E402
from test_negative import small  # noqa: E402

SCRIPT = """\
import time
value = 1.0
for epoch in range(6):
    for step in range(2):
        time.sleep(0.15)
        value += 0.25 * value
    print("epoch", epoch, value)
"""
PROBE = SCRIPT.replace("        value +=", "        print('probe', epoch, step, value)\n        value +=")


@pytest.fixture
def project(tmp_path):
    project = small(tmp_path, SCRIPT)
    assert project.record().code == 0
    return project


def expected(tmp_path, text):
    (tmp_path / "scratch").mkdir()
    return small(tmp_path / "scratch", text).plain().probes()


def test_a_budget_gives_a_part_and_continue_the_rest(tmp_path, project):
    everything = expected(tmp_path, PROBE)
    project.script.write_text(PROBE)
    part = project.replay("--budget", "1s", "--format", "json")
    assert part.code == 0, part.stderr
    told = json.loads(part.stdout)
    texts = [row["text"] for row in told["rows"]]
    assert told["status"] == "verified" and told["left"], part.stderr
    assert 0 < len(set(texts)) < len(everything)
    assert "no time was left" in part.stderr and "--continue" in part.stderr
    rest = project.replay("--continue")
    assert (rest.code, rest.stdout.splitlines()) == (0, everything), rest.stderr
    rows = [row for row in project.logs() if row["source"] == "replay"]
    assert len({row["id"] for row in rows}) == len(everything), "each row once"


def test_a_budget_below_the_shortest_part_runs_nothing(project):
    project.script.write_text(PROBE)
    ran = project.replay("--budget", "0.01s")
    assert (ran.code, ran.stdout) == (0, ""), ran.stderr
    assert "no time was left for" in ran.stderr
    told = json.loads(project.replay("--budget", "0.01s", "--format", "json").stdout)
    assert (told["status"], told["rows"]) == ("not_run", []) and told["left"]


@pytest.mark.parametrize("wrong", ["ten", "5", "0s", "3d"])
def test_a_budget_is_a_time(project, wrong):
    ran = project.replay("--budget", wrong)
    assert ran.code == 2 and "10m" in ran.stderr


IMPURE = SCRIPT.replace("    print(", "    if epoch == 3: value = 0.5\n    print('probe', epoch, value)\n    print(").replace(
    "    if epoch == 3: value = 0.5\n", "    if epoch == 3:\n        value = 0.5\n"
)


def test_a_statement_that_changes_the_training_is_run_on_demand_and_marked(project):
    project.script.write_text(IMPURE)
    without = project.replay()
    assert without.code == 0 and "state-changing" in without.stderr, "it takes no part"
    assert project.replay("--strict").code == 2
    ran = project.replay("--allow-impure", "--format", "json")
    assert ran.code == 1, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    by_epoch = {row["context"]["epoch"]: (row["text"].split()[2], row["status"]) for row in told["rows"]}
    assert told["status"] == "approximate"
    assert by_epoch[3] == ("0.5", "approximate")
    assert len(by_epoch) == 6 and by_epoch[4][1] == by_epoch[5][1] == "approximate", by_epoch
    text = project.replay("--allow-impure").stdout
    assert "[approximate] probe 3 0.5" in text
    assert {row["status"] for row in project.logs() if row["text"] == "probe 3 0.5\n"} == {"approximate"}


UNKNOWN = """\
push = eval("lambda of: of.__setitem__(0, of[0] + 1.0)")
values = [1.0, 2.0]
for epoch in range(6):
    for step in range(2):
        values[0] += 0.25 * values[1]
    print("epoch", epoch, values)
"""


def test_a_statement_that_may_change_the_training_is_run_on_demand_too(tmp_path):
    project = small(tmp_path, UNKNOWN)
    assert project.record().code == 0
    text = UNKNOWN.replace("    print(", "    if epoch >= 3:\n        push(values)\n    print('probe', epoch, values[0])\n    print(")
    project.script.write_text(text)
    without = project.replay()
    assert (without.code, without.stdout) == (1, ""), without.stderr
    told = json.loads(project.replay("--allow-impure", "--format", "json").stdout)
    rows = [(row["text"].split()[2], row["status"]) for row in told["rows"] if row["name"] == "values[0]"]
    plain = [line.split()[2] for line in expected(tmp_path, text)]
    assert [value for value, _ in rows[:4]] == plain[:4], told
    assert {status for _, status in rows[3:]} == {"approximate"} and len(rows) == 6


def test_what_follows_a_change_in_the_same_segment_is_marked(tmp_path):
    project = small(tmp_path, SCRIPT)
    assert project.record(checkpoints="every=4").code == 0
    project.script.write_text(IMPURE.replace("epoch == 3", "epoch == 1"))
    told = json.loads(project.replay("--allow-impure", "--format", "json").stdout)
    status = {row["context"]["epoch"]: row["status"] for row in told["rows"]}
    assert [status[epoch] for epoch in (1, 2, 3)] == ["approximate"] * 3


def test_a_dry_run_draws_the_plan(project):
    project.script.write_text(PROBE)
    text = project.replay("--dry-run", "--workers", "2", "--where", "epoch >= 2").stdout
    assert "for epoch in range(6):" in text and "train.py:3  4 of 6 iterations run" in text
    assert "    for step in range(2):" in text and "executed" in text
    line = next(line for line in text.splitlines() if line.strip().startswith("epoch "))
    assert line.split()[1][:3] == "..>" and line.count(">") == 2
    assert [line.split()[0:2] for line in text.splitlines() if "worker" in line][:2] == [["worker", "1"], ["worker", "2"]]
    plan = json.loads(project.replay("--dry-run", "--workers", "2", "--where", "epoch >= 2", "--format", "json").stdout)
    assert [it["action"] for it in plan["iterations"]][:3] == ["none", "none", "restore"]
    assert {slot["worker"] for slot in plan["timeline"]} == {1, 2}
    assert plan["loops"][0]["blocks"][0]["action"] == "execute"
    assert plan["loops"][0]["run"] == 4


def test_starting_the_interpreter_is_part_of_the_expected_time(project):
    (manifest,) = (project.root / ".florc" / "runs").glob("*/manifest.json")
    launch = json.loads(manifest.read_text())["launch_seconds"]
    project.script.write_text(PROBE)  # everything runs again
    told = json.loads(project.replay("--dry-run", "--workers", "1", "--format", "json").stdout)
    assert launch > 0 and told["seconds"] > told["recorded_seconds"] + launch / 2, (launch, told)


def test_blocks_stand_under_their_own_loop_in_the_picture(tmp_path):
    loop = SCRIPT.partition("value = 1.0\n")[2].replace("range(6)", "range(2)")
    project = small(tmp_path, "import time\nvalue = 1.0\n" + 2 * loop)
    assert project.record().code == 0
    project.script.write_text(project.script.read_text() + "print('probe', value)\n")
    plan = json.loads(project.replay("--dry-run", "--format", "json").stdout)
    assert [len(each["blocks"]) for each in plan["loops"]] == [1, 1], plan["loops"]


def test_an_outer_probe_skips_the_block_in_the_picture(project):
    project.script.write_text(SCRIPT.replace("    print(", "    print('probe', value)\n    print("))
    text = run([FLORC, "replay", "--dry-run"], project.root).stdout
    assert "skipped, its end is restored" in text


@pytest.mark.parametrize(("added", "block_runs"), [("print('probe', value)", False), ("print('probe', look(value))", True)])
def test_blocks_that_run_since_a_statement_may_change_the_training_are_expected_to(tmp_path, added, block_runs):
    script = SCRIPT.replace("value = 1.0", "value, look = 1.0, eval('lambda of: of')")
    project = small(tmp_path, script)
    assert project.record().code == 0
    project.script.write_text(script.replace("    for step", f"    {added}\n    for step"))
    told = json.loads(project.replay("--dry-run", "--workers", "1", "--format", "json").stdout)
    seconds = sum(each["seconds"] - told["start_seconds"] for each in told["segments"])
    assert (seconds > 6 * 2 * 0.15) is block_runs, told
    assert bool(told["executed_blocks"]) is block_runs and bool(told["skipped_blocks"]) is not block_runs


IN_A_FUNCTION = """\
import time
def train(weights):
    for step in range(2):
        time.sleep(0.15)
        weights.append(len(weights))
def main():
    weights = [1]
    # before
    for epoch in range(6):
        # head
        train(weights)
        # tail
        print("epoch", epoch, weights[-1])
main()
"""


@pytest.mark.parametrize(("place", "block_runs"), [("before", False), ("head", True), ("tail", False)])
def test_where_the_statement_stands_decides_which_blocks_run(tmp_path, place, block_runs):
    project = small(tmp_path, IN_A_FUNCTION)
    assert project.record().code == 0
    harmless = "" if place == "tail" else "        print('other', epoch)\n        # tail\n"
    text = IN_A_FUNCTION.replace("        # tail\n", harmless or "        # tail\n")
    project.script.write_text(text.replace(f"# {place}", "print('probe', weights.__sizeof__())"))
    told = json.loads(project.replay("--dry-run", "--workers", "1", "--format", "json").stdout)
    assert bool(told["executed_blocks"]) is block_runs, told


def test_how_many_processors_a_run_kept_busy_is_recorded(project):
    (journal,) = (project.root / ".florc" / "runs").glob("*/journal-0")
    (busy,) = re.findall(rb'"processors":([0-9.e-]+)', journal.read_bytes())
    assert 0 < float(busy) < 1, "it slept most of the time"
