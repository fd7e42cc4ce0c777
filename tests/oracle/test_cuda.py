"""P1 and P2 where weights lie on a GPU and are written in every way that there is: no checkpoint is torn.

Without a GPU the same script trains on the CPU, and what needs a GPU is skipped.
"""

import pytest
import torch
from oracle import Project

HAS_CUDA = torch.cuda.is_available()
WIDTH = "2048" if HAS_CUDA else "160"  # copies that take longer than a step; states that are not kept for being small
ANYWHERE = ["foreach", "loop", "fused", "own", "backward", "ema", "amp"]
ON_CUDA = ["graph", "stream", "compile"]
needs_cuda = pytest.mark.skipif(not HAS_CUDA, reason="NOT TESTED: this machine has no CUDA device")


@pytest.mark.parametrize("writer", [*ANYWHERE, *(pytest.param(it, marks=needs_cuda) for it in ON_CUDA)])
def test_no_writer_tears_a_checkpoint(tmp_path, writer):
    plain, project = (Project(tmp_path / place, "cuda_writers") for place in ("plain", "project"))
    for each in (plain, project):
        each.command = ["train.py", writer, "--width", WIDTH]
    ran, recorded = plain.plain(), project.record()
    assert (recorded.stdout, recorded.code) == (ran.stdout, 0), ran.stderr + recorded.stderr
    for each in (plain, project):
        each.add_probes(["outer", "inner"])
    expected = plain.plain().probes()
    replayed = project.replay("--workers", "2")
    if writer == "graph":  # what is in a graph cannot be compared: no value is given for one that is proven
        assert (replayed.code, replayed.stdout) == (1, "") and "CUDAGraph" in replayed.stderr, replayed.stderr
        return
    assert replayed.code == 0, replayed.stderr
    assert replayed.stdout.splitlines() == expected, replayed.stderr
    assert "verified" in replayed.stderr


GRAPHED = """\
import torch
weights = torch.zeros(4, device="cuda")
graph = torch.cuda.CUDAGraph()
with torch.cuda.graph(graph):
    for epoch in range(3):
        weights += 1
        print("epoch", epoch)
graph.replay()
print(weights.tolist())
"""


@needs_cuda
def test_a_loop_that_becomes_a_graph_goes_on_without_checkpoints(tmp_path):
    project = Project(tmp_path, "cuda_writers")
    project.script.write_text(GRAPHED)
    project.command = ["train.py"]
    ran = project.record()
    assert (ran.code, ran.stdout.splitlines()[-1]) == (0, "[3.0, 3.0, 3.0, 3.0]"), ran.stderr
