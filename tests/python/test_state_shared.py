"""Objects that are not their own: a common `__dict__`, weak proxies, displays of the process, wrapped methods."""

import functools
import sys
import types
import weakref

import pytest
from test_state_objects import Plain, again, missing


class Shared:
    _shared_state = {}

    def __init__(self):
        self.__dict__ = self._shared_state


class Classic:
    __shared_state = {"n": 0}

    def __init__(self):
        self.__dict__ = self.__shared_state


@pytest.mark.parametrize("borg", [Shared, Classic])
def test_instances_go_on_to_share_their_dictionary(borg):
    first = borg()
    first.refs = [None]
    saved = [first, borg()]
    made = again(saved)
    assert made[0].refs == [None] and made[0].refs is made[1].refs
    made[0].refs = made[0].refs + [1]
    assert made[1].refs == [None, 1] and borg().refs == [None, 1]
    first.refs, first.new = [2], 3
    live = [borg()]
    assert again(live, live)[0] is live[0] and live[0].refs == [2]


def test_one_with_a_dictionary_of_its_own_is_not_taken_for_one():
    odd = Shared()
    odd.__dict__ = {"x": 1}
    assert missing([odd])


class Callable(Plain):
    def __call__(self):
        return 1


@pytest.mark.parametrize("target", [Plain(x=[1]), Callable(x=[1])])
def test_weak_proxies(target):
    made, proxy = again([target, weakref.proxy(target)])
    assert type(proxy) is type(weakref.proxy(target)) and proxy.x is made.x
    live = [target, weakref.proxy(target)]
    mine = live[1]
    assert again([target, weakref.proxy(target)], live)[1] is mine


def test_a_proxy_of_what_is_gone():
    gone = Plain()
    proxy = weakref.proxy(gone)
    del gone
    with pytest.raises(ReferenceError):
        again([proxy])[0].x


def test_a_proxy_with_a_callback_is_said_to_be_missing():
    target = Plain()
    assert missing([target, weakref.proxy(target, lambda _: None)])


def library(tmp_path, monkeypatch):
    """A module that is no file of the project, with a wrapper in the manner of torchmetrics."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "florc_test_metrics.py").write_text(
        "import functools\n"
        "class Metric:\n"
        "    def __init__(self):\n"
        "        self.count = 0\n"
        "        self.update = self._wrap(self.update)\n"
        "    def update(self, x): return x + 1\n"
        "    def _wrap(self, method):\n"
        "        @functools.wraps(method)\n"
        "        def wrapped(*args):\n"
        "            self.count += 1\n"
        "            return method(*args)\n"
        "        return wrapped\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    import florc_test_metrics

    return florc_test_metrics


def test_wrapped_methods_of_libraries_are_made_again(tmp_path, monkeypatch):
    metric = library(tmp_path, monkeypatch).Metric()
    metric.update(1)
    made = again(metric)
    assert made is not metric and made.update.__name__ == "update"
    assert (made.update(4), made.count, metric.count) == (5, 2, 1)


def progress_module(monkeypatch):
    """Stands in for rich: what the adapter touches of it."""
    module = types.ModuleType("rich.progress")

    class Task:
        def __init__(self, id, description, total, completed, _get_time, visible, fields, _lock):
            vars(self).update(id=id, description=description, total=total, completed=completed, visible=visible, fields=fields)

    class Endless(Task):
        """As Lightning has, for bars without an end."""

    class Progress:
        def __init__(self):
            self._tasks, self._task_index, self._lock, self.get_time = {}, 0, None, lambda: 0.0

        tasks = property(lambda self: list(self._tasks.values()))

        def add_task(self, description):
            make = Endless if description == "endless" else Task
            self._tasks[self._task_index] = make(self._task_index, description, 9, 0, None, True, {"m": [1]}, None)
            self._task_index += 1

    for cls in (Task, Endless, Progress):
        cls.__module__, cls.__qualname__ = "rich.progress", cls.__name__
        setattr(module, cls.__name__, cls)
    monkeypatch.setitem(sys.modules, "rich.progress", module)
    return module


def test_progress_displays_know_their_bars_again(monkeypatch):
    module = progress_module(monkeypatch)
    recorded, live = module.Progress(), module.Progress()
    for name in ("train", "val", "endless"):
        recorded.add_task(name)
    del recorded._tasks[1]
    recorded._tasks[2].completed = 5
    live.add_task("train")
    assert again([recorded], [live])[0] is live
    bars = [(type(t), t.id, t.description, t.completed) for t in live.tasks]
    assert bars == [(module.Task, 0, "train", 0), (module.Endless, 2, "endless", 5)]
    assert live._task_index == 3 and functools.reduce(lambda a, t: a + t.fields["m"], live.tasks, []) == [1, 1]
