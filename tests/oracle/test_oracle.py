"""P1 and P2 over every fixture script, probe group, worker count and choice of checkpoints."""

import pytest
from oracle import FIXTURES, Project, check, later, probe_groups

SCRIPTS = [
    "argparse_main", "char_gpt", "digits", "dqn", "gan", "helper_mutation", "loader_parameter", "module_run", "next_batch",
    "numpy_mlp", "package_program", "partial_fit", "star_import", "step_counter", "text_folds", "trainer_class", "two_trainings",
]
GROUPS = [(name, group) for name in SCRIPTS for group in probe_groups(name)]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_recorded_run_prints_what_the_plain_run_prints(recorded, name):
    project, plain, ran = recorded(name)
    assert (ran.stdout, ran.code) == (plain.stdout, plain.code), ran.stderr
    assert ran.stderr.startswith(plain.stderr)
    assert "florc" in ran.stderr.splitlines()[-1], "the last line names the run"


@pytest.mark.parametrize(("name", "group"), GROUPS)
def test_each_probe_group_alone(recorded, from_scratch, name, group):
    project, _, _ = recorded(name)
    project.add_probes([group])
    check(project, from_scratch(name, (group,)), "--workers", "2")


@pytest.mark.parametrize("workers", [1, 3])  # two: each group alone
@pytest.mark.parametrize("name", SCRIPTS)
def test_all_probes_at_once(recorded, from_scratch, name, workers):
    groups = tuple(probe_groups(name))
    project, _, _ = recorded(name)
    project.add_probes(groups)
    check(project, from_scratch(name, groups), "--workers", str(workers))


@pytest.mark.parametrize("name", [name for name in SCRIPTS if (FIXTURES / name / "later.json").exists()])
def test_probes_of_a_later_version_are_carried_into_the_recorded_one(recorded, from_scratch, name):
    """Renamed variables, other settings, statements that came and went: none of it takes part."""
    groups = tuple(probe_groups(name))
    project, _, _ = recorded(name)
    project.add_probes(groups, later)
    check(project, from_scratch(name, groups), "--workers", "2")
    strict = project.replay("--strict")
    assert (strict.code, strict.stdout) == (2, ""), strict.stderr


@pytest.mark.parametrize("checkpoints", ["every=3", "adaptive"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_any_choice_of_checkpoints_gives_the_same_values(recorded, from_scratch, name, checkpoints):
    groups = ("outer", "after")
    project, _, _ = recorded(name, checkpoints)
    project.add_probes(groups)
    check(project, from_scratch(name, groups), "--workers", "2")


def test_without_checkpoints_values_are_shown_on_demand_only(recorded, from_scratch):
    """Nothing proves the state then: the whole script runs again, and its rows are marked."""
    project, _, _ = recorded("numpy_mlp", "none")
    project.add_probes(["outer"])
    refused = project.replay()
    assert (refused.code, refused.stdout) == (1, "")
    shown = project.replay("--approximate")
    assert shown.stdout.count("probe velocity") == len(from_scratch("numpy_mlp", ("outer",)))
    assert "approximate" in shown.stdout + shown.stderr


@pytest.mark.parametrize("name", ["digits", "argparse_main"])
def test_where_asks_for_some_epochs_only(recorded, from_scratch, name):
    project, _, _ = recorded(name)
    project.add_probes(("outer",))
    everything = from_scratch(name, ("outer",))
    ran = project.replay("--where", "epoch in (2, 4)")
    first = 0 if name == "digits" else 1
    per_epoch = 2 if name == "digits" else 1
    wanted = [
        line for epoch in (2, 4)
        for line in everything[(epoch - first) * per_epoch:(epoch - first + 1) * per_epoch]
    ]
    assert ran.code == 0, ran.stderr
    assert ran.stdout.splitlines() == wanted, ran.stderr


def test_elapsed_times_are_those_of_the_recorded_run(recorded):
    """What no rerun could print again: durations measured while recording."""
    project, _, ran = recorded("clocks")
    printed = [float(line.split()[5]) for line in ran.stderr.splitlines() if " took " in line]
    project.add_probes(["outer", "after", "inner"])
    replayed = project.replay("--workers", "2")
    assert replayed.code == 0, replayed.stderr
    lines = replayed.stdout.splitlines()
    probed = [float(line.split()[3]) for line in lines if line.startswith("probe duration")]
    assert [round(value, 6) for value in probed] == printed
    assert len([line for line in lines if line.startswith("probe error")]) == 120
    assert "verified" in replayed.stderr


def test_logs_shows_recorded_and_hindsight_rows(tmp_path):
    project = Project(tmp_path, "digits")  # its own: `logs` shows what other tests replayed, too
    assert project.record(checkpoints="every=3").code == 0
    project.add_probes(["outer"])
    assert project.replay().code == 0
    rows = project.logs()
    forward = [row for row in rows if row["source"] == "record" and row["name"] == "accuracy"]
    hindsight = [row for row in rows if row["source"] == "replay"]
    assert [row["context"]["epoch"] for row in forward] == list(range(8))
    assert all(isinstance(row["value"], float) for row in forward)
    assert {row["status"] for row in hindsight} == {"verified"}
    assert {row["context"]["epoch"] for row in hindsight} == set(range(8))
