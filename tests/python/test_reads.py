"""Clocks and entropy that libraries read, and keep in objects of the training: a replay gets what the run got.

The libraries are small stand-ins under the names of some that do.
"""

import pytest
from test_hooks_session import PLAIN, call, florc, probes, record

WRAPPER = "import time\n\nclass RecordEpisodeStatistics:\n    def __init__(self):\n        self.began, self.took = time.perf_counter(), 0.0\n\n    def step(self):\n        self.took += time.perf_counter() - self.began\n        self.began = time.perf_counter()\n        return self.took\n"
MEMORY = "import collections, time\nsvmem = collections.namedtuple('svmem', 'total used')\n\ndef virtual_memory():\n    return svmem(8, time.perf_counter())\n"
LOGDIR = "import time\n\ndef default_logdir():\n    return time.perf_counter()\n"
BODY = "for epoch in range(4):\n    for x in range(3):\n        w[0] += {}\n    print('epoch', w[0])\n    print('probe', w[0])\n"
READS = {
    "a clock": "from gymnasium.wrappers.common import RecordEpisodeStatistics\nenv = RecordEpisodeStatistics()\nw = [0.0]\n" + BODY.format("env.step()"),
    "a tuple with names": "import psutil\nw = [0.0]\n" + BODY.format("psutil.virtual_memory().used"),
    "a name with the time in it": "from transformers.training_args import default_logdir\nw = [0.0]\n" + BODY.format("default_logdir()"),
    "seeds of generators": "import numpy as np\nrng = np.random.default_rng()\nw = [rng.normal()]\n" + BODY.format("rng.normal() + np.random.default_rng().normal() + np.random.RandomState().rand()"),
}  # fmt: skip


@pytest.fixture
def project(tmp_path, monkeypatch):
    package, folder = tmp_path / "site" / "gymnasium" / "wrappers", tmp_path / "project"
    package.mkdir(parents=True), folder.mkdir()
    (package / "common.py").write_text(WRAPPER)
    (tmp_path / "site" / "psutil.py").write_text(MEMORY)
    (tmp_path / "site" / "transformers").mkdir()
    (tmp_path / "site" / "transformers" / "training_args.py").write_text(LOGDIR)
    monkeypatch.setitem(PLAIN, "PYTHONPATH", str(tmp_path / "site"))
    return folder


@pytest.mark.parametrize("what", READS)
def test_what_a_library_read_is_read_again(project, what):
    said = record(project, READS[what]).stdout.split()[1::2]
    for workers in "13":
        ran = florc(project, "replay", "--workers", workers)
        assert ran.returncode == 0, ran.stderr
        assert [line.split()[1] for line in probes(ran.stdout)] == said


def test_a_probe_that_reads_more_is_not_verified(project):
    record(project, READS["seeds of generators"])
    (project / "t.py").write_text(READS["seeds of generators"].replace("w[0])\n    print('probe'", "w[0])\n    print('probe', np.random.default_rng().normal()"))
    ran = florc(project, "replay")
    assert (ran.returncode, probes(ran.stdout)) == (1, []), ran.stderr


LOADERS = "import time\nimport numpy.random, gymnasium.wrappers.common as common\nfor module in (numpy, numpy.random, numpy.random.bit_generator, common):\n    print(type(module.__loader__), type(module.__spec__.loader))\nprint(time.time, common.time.sleep)\n"


def test_modules_look_as_they_do(project):
    recorded = record(project, LOADERS)
    assert recorded.stdout == call(project, "t.py").stdout
