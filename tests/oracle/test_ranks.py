"""Processes that train together: each records its part of one run, and a replay starts as many again."""

import json
import shutil
import sys

import pytest
from oracle import FLORC, Project, probe_groups, run

pytest.importorskip("torch.distributed")
pytestmark = pytest.mark.xdist_group("ddp")

GROUPS = tuple(probe_groups("ddp"))
WEIGHTS = '        print("probe weights", rank, epoch, repr(net[0].weight.double().sum().item()), repr(net[1].running_mean.double().sum().item()), flush=True)\n'


def launch(project, *command):
    """Runs two ranks; standard output is that of the first, then that of the second."""
    logs = project.root.parent / "logs"
    options = ["--nproc-per-node", "2", "--redirects", "1", "--log-dir", logs, "--no-python"]
    ran = run([sys.executable, "-m", "torch.distributed.run", *options, *command], project.root)
    ran.stdout = "".join(path.read_text() for path in sorted(logs.rglob("stdout.log"), key=lambda path: path.parent.name))
    shutil.rmtree(logs)
    return ran


def rerun(project):
    """Runs the script without florc. PyTorch itself aborts now and then when such a process ends: then once more."""
    ran = launch(project, sys.executable, "train.py")
    if ran.code != 0 and "terminate called without an active exception" in ran.stderr:
        ran = launch(project, sys.executable, "train.py")
    return ran


def record(project, checkpoints="all"):
    return launch(project, FLORC, "run", "--checkpoints", checkpoints, "train.py")


def runs(project):
    return json.loads(run([FLORC, "runs", "--format", "json"], project.root).stdout)


def shown(ran):
    """What a replay shows, without the marks of ranks."""
    return [line.removeprefix("[rank 1] ") for line in ran.stdout.splitlines()]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("project"), "ddp")
    ran = record(project)
    assert ran.code == 0, ran.stderr
    return project, ran


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("scratch"), "ddp")
    project.add_probes(GROUPS)
    ran = rerun(project)
    assert ran.code == 0, ran.stderr
    return ran.probes()


def test_ranks_record_one_run_and_print_what_they_print(tmp_path, recorded):
    project, ran = recorded
    plain = rerun(Project(tmp_path, "ddp"))
    assert ran.stdout == plain.stdout and ran.stderr.count("florc: recorded run") == 1, ran.stderr
    (entry,) = runs(project)
    assert entry["ranks"] == 2 and entry["outcome"] == "finished"
    assert run([FLORC, "fsck"], project.root).stdout.endswith("no damage\n")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_values_of_all_ranks_are_those_of_a_rerun(recorded, expected, workers):
    project, _ = recorded
    project.add_probes(GROUPS)
    ran = project.replay("--workers", workers)
    assert ran.code == 0 and "verified" in ran.stderr, ran.stderr
    assert shown(ran) == expected
    assert ran.stdout.count("[rank 1] ") == len(expected) // 2


def test_a_probe_outside_of_blocks_skips_them_on_all_ranks(recorded, expected):
    project, _ = recorded
    project.add_probes(["outer"])
    ran = project.replay("--where", "epoch in (2, 4)")
    wanted = [line for line in expected if line.startswith("probe weights") and line.split()[3] in "24"]
    assert ran.code == 0 and shown(ran) == wanted, ran.stderr


def test_adaptive_checkpoints_are_those_of_all_ranks(tmp_path, expected):
    project = Project(tmp_path, "ddp")
    assert record(project, "adaptive").code == 0
    project.add_probes(GROUPS)
    ran = project.replay()
    assert ran.code == 0 and shown(ran) == expected, ran.stderr


def test_a_rank_that_comes_out_otherwise_is_reported(tmp_path):
    project = Project(tmp_path, "ddp")
    other = project.script.read_text().replace("            total += loss.item()", "            total += loss.item() + (rank and open('/dev/urandom', 'rb').read(1)[0])")
    project.script.write_text(other)
    assert record(project).code == 0
    project.script.write_text(other.replace("            loss.backward()", "            loss.backward(); print('probe', loss.item())"))
    ran = project.replay()
    assert (ran.code, ran.stdout) == (1, ""), ran.stderr
    assert "likely cause: non-deterministic operation" in ran.stderr, ran.stderr


def test_a_rank_whose_checkpoint_is_damaged_ends_the_others_too(tmp_path):
    project = Project(tmp_path, "ddp")
    assert record(project).code == 0
    for pack in (project.root / ".florc" / "packs").rglob("1-*.pack"):
        damaged = bytearray(pack.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        pack.write_bytes(damaged)
    project.add_probes(["outer"])
    ran = project.replay("--where", "epoch == 4")
    assert (ran.code, ran.stdout) == (1, ""), ran.stderr


def test_a_rank_that_is_missing_is_named(tmp_path):
    project = Project(tmp_path, "ddp")
    assert record(project).code == 0
    for manifest in (project.root / ".florc" / "runs").rglob("manifest-1.json"):
        manifest.unlink()
    project.add_probes(["outer"])
    ran = project.replay()
    assert ran.code == 2 and "rank 1 of 2" in ran.stderr, ran.stderr


def test_a_killed_rank_leaves_what_the_others_recorded(tmp_path, expected):
    project = Project(tmp_path, "ddp")
    text = project.script.read_text()
    killed = text.replace("        scheduler.step()", "        if (rank, epoch) == (1, 4): os.kill(os.getpid(), 9)\n        scheduler.step()")
    project.script.write_text(killed)
    assert record(project).code != 0
    project.script.write_text(killed.replace("        if (rank, epoch)", WEIGHTS + "        if (rank, epoch)"))
    ran = project.replay("--where", "epoch < 3")
    wanted = [line for line in expected if line.startswith("probe weights") and int(line.split()[3]) < 3]
    assert ran.code == 0 and shown(ran) == wanted, ran.stderr


KILLED = "        if (rank, epoch) == (1, 4) and os.path.exists('kill'): os.kill(os.getpid(), 9)\n        scheduler.step()"


@pytest.fixture
def broken_off(tmp_path):
    """A run of which one rank was killed in its fifth epoch."""

    def record_until_killed(checkpoints):
        project = Project(tmp_path, "ddp")
        project.script.write_text(project.script.read_text().replace("        scheduler.step()", KILLED))
        (project.root / "kill").touch()
        assert record(project, checkpoints).code != 0
        (project.root / "kill").unlink()
        return project, runs(project)[0]["run"]

    return record_until_killed


def test_ranks_go_on_together_and_end_as_if_none_had_been_killed(recorded, expected, broken_off):
    _, plain = recorded
    project, name = broken_off("all")
    before = runs(project)
    alone = run([FLORC, "run", "--resume", name], project.root)
    assert alone.code == 2 and "2 processes recorded it" in alone.stderr, alone.stderr
    assert runs(project) == before
    ran = launch(project, FLORC, "run", "--resume", name)
    assert ran.code == 0, ran.stderr
    assert plain.stdout.endswith(ran.stdout) and "epoch 4" in ran.stdout and "epoch 1" not in ran.stdout
    (entry,) = runs(project)
    assert (entry["run"], entry["outcome"], entry["ranks"], entry["iterations"]) == (name, "finished", 2, 6)
    assert run([FLORC, "fsck"], project.root).stdout.endswith("no damage\n")
    again = launch(project, FLORC, "run", "--resume", name)
    assert again.code != 0 and "it finished" in again.stderr, again.stderr
    assert_weights(project, expected, "--workers", "2")


def test_ranks_go_on_with_the_checkpoints_that_their_time_allows(recorded, expected, broken_off):
    _, plain = recorded
    project, _ = broken_off("adaptive")
    ran = launch(project, FLORC, "run", "--resume", "latest")
    assert ran.code == 0 and plain.stdout.endswith(ran.stdout) and "epoch 5" in ran.stdout, ran.stderr
    assert_weights(project, expected)


def assert_weights(project, expected, *options):
    """The values of all epochs, also of those before the rank was killed."""
    script = project.script.read_text()
    project.script.write_text(script.replace("        if (rank, epoch)", WEIGHTS + "        if (rank, epoch)"))
    ran = project.replay(*options)
    assert ran.code == 0 and shown(ran) == [line for line in expected if line.startswith("probe weights")], ran.stderr


@pytest.mark.parametrize("options", [(), ("--where", "epoch in (2, 4)")])
def test_what_one_rank_runs_for_a_statement_that_nothing_is_known_of_all_run(recorded, options):
    project, _ = recorded
    project.reset()
    added = '        if rank == 0:\n            print("probe", epoch, net[0].extra_repr())\n'
    anchor = "        sampler.set_epoch(epoch)\n"
    project.script.write_text(project.script.read_text().replace(anchor, anchor + added))
    ran = project.replay(*options)
    told = "in_features=3, out_features=32, bias=True"
    assert "may change the training" in ran.stderr
    assert ran.code == 0 and shown(ran) == [f"probe {epoch} {told}" for epoch in ((2, 4) if options else range(6))], ran.stderr
