"""Acting on modules when they are imported."""

import importlib.util
import sys
from importlib.machinery import SourceFileLoader

import pytest
from florc._on_import import when_imported


@pytest.fixture
def name(tmp_path, monkeypatch):
    (tmp_path / "florc_awaited.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "florc_awaited"
    sys.modules.pop("florc_awaited", None)


def test_it_is_acted_once_the_module_has_run(name):
    seen, before = [], list(sys.meta_path)
    when_imported(name, lambda module: seen.append(module.x))
    when_imported(name, lambda module: seen.append(module.__name__))
    module = importlib.import_module(name)
    assert seen == [1, name] and sys.meta_path == before
    assert type(module.__loader__) is type(module.__spec__.loader) is SourceFileLoader
    when_imported(name, lambda module: seen.append("at once"))
    importlib.reload(module)
    assert seen == [1, name, "at once"]


def test_asking_for_a_module_is_not_importing_it(name):
    """As many libraries ask whether another one is installed."""
    seen = []
    when_imported(name, seen.append)
    found = importlib.util.find_spec(name)
    assert found.loader.get_source(name) == "x = 1\n" and seen == []
    module = importlib.import_module(name)
    assert seen == [module]


def test_a_module_that_fails_is_awaited_on(name, tmp_path):
    seen = []
    when_imported(name, seen.append)
    (tmp_path / "florc_awaited.py").write_text("raise ValueError\n")
    importlib.invalidate_caches()
    with pytest.raises(ValueError):
        importlib.import_module(name)
    assert seen == []
    (tmp_path / "florc_awaited.py").write_text("x = 22\n")
    importlib.invalidate_caches()
    assert importlib.import_module(name) is seen[0]
