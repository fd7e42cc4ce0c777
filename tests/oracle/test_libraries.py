"""P1 and P2 where the training loop stands in an installed library: only its module is named in the script.

The libraries print times of their own: lines that hold any are left out where outputs are compared.
"""

import pytest
from oracle import check, probe_groups

LIBRARIES = {"hf_trainer": "transformers", "lightning_module": "lightning"}


@pytest.fixture(params=LIBRARIES)
def name(request):
    pytest.importorskip(LIBRARIES[request.param])
    return request.param


def timeless(text):
    return [line for line in text.splitlines() if "_runtime" not in line and "it/s" not in line]


def test_a_recorded_run_prints_what_the_plain_run_prints(recorded, name):
    _, plain, ran = recorded(name)
    assert (timeless(ran.stdout), ran.code) == (timeless(plain.stdout), plain.code), ran.stderr
    said = [line for line in ran.stderr.splitlines() if line.startswith("florc:")]
    assert [line.split()[:3] for line in said] == [["florc:", "recorded", "run"]], "nothing went wrong"


def test_every_probe_is_answered(recorded, from_scratch, name):
    project, _, _ = recorded(name)
    groups = tuple(probe_groups(name))
    project.add_probes(groups)
    check(project, from_scratch(name, groups), "--workers", "2")


def test_a_probe_outside_of_the_steps_starts_at_the_checkpoints(recorded, from_scratch, name):
    project, _, _ = recorded(name)
    project.add_probes(["outer"])
    planned = project.replay("--dry-run", "--workers", "2")
    assert "segment  1:" in planned.stdout, planned.stdout
    check(project, from_scratch(name, ("outer",)), "--workers", "2")
