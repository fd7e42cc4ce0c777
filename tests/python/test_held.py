"""Generators that nobody needs any more: those of which only one variable is left."""

import threading
import weakref

from florc.adapters import is_let_go


def batches(items):
    total = 0  # kept between the items: where it stands cannot be told
    for item in items:
        total += item
        yield total


def begun():
    made = batches([1, 2, 3])
    next(made)
    return made


def asked(generator):
    """As a hook asks: the variable, and the arguments of the hook."""
    return is_let_go(generator, "generator", (generator,))


def test_the_only_variable():
    generator = begun()
    assert is_let_go(generator, "generator", (generator,))
    assert is_let_go(generator, "generator", (generator,)), "and again, in the same frame"


def test_the_caller_has_it_too():
    generator = begun()
    assert not asked(generator)


def test_the_caller_gave_it_away():
    answers = [asked(begun()), asked(begun())]  # an `assert` would keep what it calls with
    assert answers == [True, True]


def test_an_object_of_the_caller_has_it():
    held = {"it": begun()}
    assert not asked(held["it"])


def test_a_module_has_it():
    global kept
    kept = begun()
    try:
        assert not asked(kept)
    finally:
        del kept


def test_a_closure_has_it():
    generator = begun()

    def pull():
        return next(generator)

    assert not is_let_go(generator, "generator", (generator,))
    assert pull() == 3


def test_another_generator_has_it():
    outer = (item + 1 for item in begun())
    next(outer)
    assert not asked(outer.gi_frame.f_locals[".0"])


def test_another_thread_has_it():
    generator, ready, done = begun(), threading.Event(), threading.Event()

    def use(own):
        ready.set()
        done.wait(60)
        return own

    thread = threading.Thread(target=use, args=(generator,))
    thread.start()
    ready.wait(60)
    try:
        assert not is_let_go(generator, "generator", (generator,))
    finally:
        done.set()
        thread.join()


def test_generators_that_can_be_captured_are_not_let_go():
    fresh = batches([1])
    assert not is_let_go(fresh, "fresh", (fresh,))
    numbers = iter([1, 2])
    assert not is_let_go(numbers, "numbers", (numbers,))


def test_one_that_was_let_go_before_is_found_when_it_is_held():
    def place(keep):
        generator = begun()
        kept.append(generator if keep else None)
        return is_let_go(generator, "generator", (generator,))

    kept = []
    assert [place(False), place(False), place(True), place(False)] == [True, True, False, True]


class Large:
    pass


def test_objects_of_callers_are_not_kept_alive():
    large = Large()
    gone = weakref.ref(large)
    answer = asked(begun())
    assert answer
    del large
    assert gone() is None


def test_what_a_caller_asked_of_its_variables_stays():
    seen = locals()
    before = dict(seen)
    answer = asked(begun())
    assert answer
    assert all(seen[name] is value for name, value in before.items())
