"""Shared recordings: a fixture is recorded once and replayed many times."""

import pytest
from oracle import Project


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """`recorded(name, checkpoints)` gives a recorded project, its plain run and its recorded run."""
    cache = {}

    def get(name, checkpoints="all"):
        if (name, checkpoints) not in cache:
            plain = Project(tmp_path_factory.mktemp("plain"), name).plain()
            project = Project(tmp_path_factory.mktemp("project"), name)
            cache[name, checkpoints] = (project, plain, project.record(checkpoints=checkpoints))
        project, plain, ran = cache[name, checkpoints]
        project.reset()
        return project, plain, ran

    return get


@pytest.fixture(scope="session")
def from_scratch(tmp_path_factory):
    """`from_scratch(name, groups)` gives the probe lines of running P + probes without florc."""
    cache = {}

    def get(name, groups):
        if (name, groups) not in cache:
            project = Project(tmp_path_factory.mktemp("scratch"), name)
            project.add_probes(groups)
            ran = project.plain()
            assert ran.code == 0, ran.stderr
            assert ran.probes(), "a probe that prints nothing proves nothing"
            cache[name, groups] = ran.probes()
        return cache[name, groups]

    return get
