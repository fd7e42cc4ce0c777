"""Hooks without a run: everything passes through, with the semantics of the plain program."""

import subprocess
import sys
import weakref

import florc
import pytest


def test_importing_is_light():
    code = "import sys; before = set(sys.modules); import florc; print(sorted(m for m in set(sys.modules) - before if not m.startswith('florc')))"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True)
    done = done if done.returncode == 0 else subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_carry_gives_its_first_arguments_back():
    a, b = [1], [2]
    assert florc.carry("s", a, b) is None
    assert florc.carry("s", a, b, gives=1) is a
    assert florc.carry("s", a, b, gives=2) == (a, b)


def test_carry_reads_variables_that_may_be_unbound():
    def plain(bind):
        if bind:
            loss = 3
        return florc.carry("s", 1, gives=1, maybe="loss other")

    assert plain(True) == (1, 3, florc.unbound)
    assert plain(False) == (1, florc.unbound, florc.unbound)


def test_reading_locals_keeps_nothing_alive():
    class Thing:
        pass

    def body():
        thing = Thing()
        reference = weakref.ref(thing)
        florc.carry("s", maybe="missing")
        del thing
        return reference()

    assert body() is None


def test_locals_that_the_program_holds_stay():
    def body():
        x = 1
        mine = locals()
        florc.carry("s", maybe="missing")
        return mine, x

    assert body()[0]["x"] == 1


def test_module_globals_stay():
    space = {"florc": florc}
    exec("x = 1\ny = florc.carry('s', maybe='x')\nprint(x, y)", space)
    assert space["x"] == space["y"] == 1


def test_unbound_does_nothing():
    assert repr(florc.unbound) == "<florc.unbound>"
    with pytest.raises(RuntimeError):
        bool(florc.unbound)
    with pytest.raises(TypeError):
        florc.unbound + 1


def test_loops_are_their_iterables():
    items = [1, 2]
    assert florc.loop("l", items) is items
    assert florc.main_loop("m", items) is items
    assert florc.enter("m") is florc.tick("l") is florc.untick("l") is florc.leave("m", 1) is florc.entered(0) is None


def test_blocks_are_run():
    assert florc.step_into("b") is True
    assert florc.end("b", 1, 2) is None
    with pytest.raises(RuntimeError):
        florc.restore("b", 1)


def test_print_prints(capsys):
    florc.print(0, "a", 1, florc.v(0, 2.5), sep="-", end="!")
    assert capsys.readouterr().out == "a-1-2.5!"
    with pytest.raises(TypeError, match="sep must be None or a string"):
        florc.print(0, 1, 2, sep=3)


def test_calls_are_made():
    assert florc.call(0, dict, [(1, 2)], x=3) == {1: 2, "x": 3}
    assert florc.clock(0, int, "7", base=8) == 7
    value = object()
    assert florc.v(0, value) is value
    assert florc.log("loss", 1.0) is None


def test_errors_are_the_callees():
    with pytest.raises(ZeroDivisionError) as caught:
        florc.call(0, lambda: 1 / 0)
    assert [entry.name for entry in caught.traceback] == [
        "test_errors_are_the_callees",
        "<lambda>",
    ]
