"""Which processes train together, by what their launchers tell them."""

import pytest
from florc import _ranks

TORCHRUN = {"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "a", "MASTER_PORT": "29500", "TORCHELASTIC_RUN_ID": "none"}
SRUN = {"SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "8", "SLURM_NTASKS": "8", "SLURM_JOB_ID": "17", "SLURM_STEP_ID": "0"}


@pytest.fixture
def launched(monkeypatch):
    def under(variables):
        monkeypatch.setattr(_ranks.os, "environ", dict(variables))
        return _ranks.launched()

    return under


@pytest.mark.parametrize("variables, rank, world_size", [
    (TORCHRUN, 1, 4),
    (SRUN, 2, 8),
    (SRUN | TORCHRUN, 1, 4),  # a launcher in each task of a step
    ({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"}, 0, 2),
])
def test_ranks_are_known(launched, variables, rank, world_size):
    found = launched(variables)
    assert (found["rank"], found["world_size"]) == (rank, world_size)


@pytest.mark.parametrize("variables", [
    {},
    {"RANK": "0", "WORLD_SIZE": "1"},
    {"RANK": "0"},
    {"RANK": "", "WORLD_SIZE": "x"},
    {"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "17"},  # a batch script: its steps are the tasks
])
def test_a_process_alone_is_no_rank(launched, variables):
    assert launched(variables) is None


def test_a_launch_has_a_name_of_its_own(launched):
    names = {launched(TORCHRUN | each)["launch"] for each in ({}, {"MASTER_PORT": "1"}, {"TORCHELASTIC_RESTART_COUNT": "1"})}
    assert len(names) == 3
    assert launched(TORCHRUN)["launch"] == launched(TORCHRUN | {"RANK": "3"})["launch"], "the same for all ranks"
    near, far = ("parent" in launched(TORCHRUN | {"LOCAL_WORLD_SIZE": size})["launch"] for size in "42")
    assert near and not far, "machines share no launcher process"
