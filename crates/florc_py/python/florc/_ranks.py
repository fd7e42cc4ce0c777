"""Processes that train together: what `torchrun`, Slurm or MPI tell each of them.

    RANK=1 WORLD_SIZE=4 MASTER_PORT=29500 python train.py

Each records its own part of one run. What all processes of one start have in common, and no other start
has, is put together from what the launcher says; nobody talks to anybody.
"""

import os

# Number of this process, number of all, and what a launcher says besides.
_LAUNCHERS = (
    ("RANK", "WORLD_SIZE", ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT", "SLURM_JOB_ID")),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", ("SLURM_JOB_ID", "SLURM_STEP_ID")),  # a batch script has SLURM_NTASKS too
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", ("OMPI_MCA_ess_base_jobid", "PMIX_NAMESPACE")),
)

# What scripts read to find their part of the work.
_READ = (
    "RANK WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE GROUP_RANK GROUP_WORLD_SIZE ROLE_RANK ROLE_WORLD_SIZE "
    "SLURM_JOB_ID SLURM_JOB_NODELIST SLURM_NODELIST SLURM_NNODES SLURM_NODEID SLURM_NTASKS_PER_NODE "
    "SLURM_PROCID SLURM_NTASKS SLURM_STEP_NUM_TASKS SLURM_LOCALID OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE OMPI_COMM_WORLD_LOCAL_RANK"
).split()


def launched():
    """This process among those that train together; `None` where it is alone."""
    for rank, world_size, more in _LAUNCHERS:
        numbers = [os.environ.get(name, "") for name in (rank, world_size)]
        if all(each.isdecimal() for each in numbers) and int(numbers[0]) < int(numbers[1]) > 1:
            said = [f"{name}={os.environ[name]}" for name in more if name in os.environ]
            if numbers[1] in (os.environ.get("LOCAL_WORLD_SIZE"), os.environ.get("OMPI_COMM_WORLD_LOCAL_SIZE")):
                said.append(_parent())  # all on this machine
            return {"rank": int(numbers[0]), "world_size": int(numbers[1]), "launch": " ".join(said)}
    return None


def _parent():
    """The launcher on this machine: its number, and when it was started."""
    parent = os.getppid()
    try:
        with open(f"/proc/{parent}/stat", encoding="utf-8", errors="replace") as file:
            return f"parent={parent} {file.read().rpartition(')')[2].split()[19]}"
    except (OSError, IndexError):
        return f"parent={parent}"


def number(manifest):
    """The rank of the process that a manifest is about."""
    return manifest.get("ranks", {}).get("rank", 0)


def variables():
    """What a replay of this process is to find as well."""
    return {name: os.environ.get(name) for name in _READ} if launched() else {}
