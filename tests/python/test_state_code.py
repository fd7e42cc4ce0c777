"""Functions, closures, classes and modules of a program: their state, apart from their code."""

import contextlib
import functools

import pytest
from florc._florc import _capture_bytes, _restore_bytes
from test_state_objects import Plain, again, counter, named


def test_closures_are_patched_in_place():
    step = counter(0)
    step()
    step.calls = 7
    live = counter(100)
    saved = _capture_bytes({"step": step})
    assert _restore_bytes(saved, {"step": live})["step"] is live
    assert live() == 2 and live.calls == 7 and live.__defaults__[1] == [1, 2]


def test_closures_are_made_again():
    def outer():
        shared = [0]
        return lambda: shared, lambda: shared.append(1)

    read, write = counter(3), counter(4)
    read()
    made = again([read, write])
    assert made[0]() == 5 and made[1]() == 5
    read, write = again(outer())
    write()
    assert read() == [0, 1]


def test_code_that_is_not_loaded_is_refused():
    namespace = {"__name__": "made_by_exec"}
    exec("f = lambda: 1", namespace)
    with pytest.raises(RuntimeError, match="`value`: module `made_by_exec` cannot be imported"):
        again(namespace["f"])


def two():
    return (lambda x: x + 1), (lambda x: x * 2)


def test_lambdas_of_one_function_are_told_apart():
    made = again(list(reversed(two())), list(two()))
    assert [f(10) for f in made] == [20, 11]


def test_recursive_closure():
    made = again(recursive())
    assert made(5) == 120


def recursive():
    def factorial(n):
        return n * factorial(n - 1) if n else 1

    return factorial


def test_function_attributes_and_defaults():
    named.calls = [1]
    try:
        saved = _capture_bytes({"f": named})
        named.calls.append(2)
        _restore_bytes(saved, {"f": named})
        assert named.calls == [1]
    finally:
        del named.calls


def test_class_attributes_are_state():
    box = Plain()
    Plain.shared = 5
    saved = _capture_bytes({"box": box})
    Plain.shared = 6
    Plain.later = 1
    _restore_bytes(saved, {"box": box})
    assert Plain.shared == 5 and not hasattr(Plain, "later")
    Plain.shared = 0


def test_local_classes_are_found_in_the_live_object():
    class Local:
        pass

    saved, live = Local(), Local()
    saved.x = [1]
    assert again(saved, live).x == [1]
    with pytest.raises(RuntimeError, match="Local"):
        again(saved)


def logged(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        wrapper.calls += 1
        return function(*arguments)

    wrapper.calls = 0
    return wrapper


@logged
def decorated(argument):
    return argument


def test_decorated_functions():
    decorated(1)
    saved = _capture_bytes({"f": decorated, "inner": decorated.__wrapped__})
    decorated(2)
    made = _restore_bytes(saved, {"f": decorated})
    assert made["f"] is decorated and decorated.calls == 1 and made["inner"] is decorated.__wrapped__
    assert _restore_bytes(saved, {})["f"](3) == 3


@contextlib.contextmanager
def managed(entry, entries=[]):
    entries.append(entry)
    yield entries


def test_a_decorated_function_that_is_made_again_calls_the_function_that_was_saved():
    with managed(1) as entries:
        saved = _capture_bytes({"f": managed, "entries": entries})
    entries.append(2)
    made = _restore_bytes(saved, {})
    with made["f"](3) as held:
        assert held == [1, 3] and held is made["entries"]


def test_modules_of_the_project_are_state(tmp_path, monkeypatch):
    (tmp_path / "settings_of_test.py").write_text("best = [1]\nrate = 0.1\ndef f(): return rate\n")
    monkeypatch.syspath_prepend(tmp_path)
    import settings_of_test as settings

    saved, best = _capture_bytes({"settings": settings}), settings.best
    settings.best.append(2)
    settings.rate, settings.later = 0.2, 1
    _restore_bytes(saved, {"settings": settings})
    assert settings.best is best == [1] and settings.f() == 0.1 and not hasattr(settings, "later")


class Holder:
    tool = Plain(n=1)
    names = ["a"]


def test_objects_held_by_a_class():
    saved, tool = _capture_bytes({"x": Holder()}), Holder.tool
    Holder.tool.n, Holder.names = 2, []
    _restore_bytes(saved, {"x": Holder()})
    assert Holder.tool is tool and tool.n == 1 and Holder.names == ["a"]
