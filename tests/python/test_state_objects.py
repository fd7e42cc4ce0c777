"""Object graphs: captured, and put back into live objects or into nothing."""

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import io
import math
import operator
import pathlib
import random
import re
import types
import weakref

import pytest
from florc._florc import _capture_bytes, _describe_bytes, _fingerprint, _restore_bytes


def again(value, live=None):
    """The value as a program gets it back whose variable was `live`."""
    saved = _capture_bytes({"value": value})
    assert missing(value) == []
    return _restore_bytes(saved, {} if live is None else {"value": live})["value"]


def missing(value):
    return _describe_bytes(_capture_bytes({"value": value}))[2]


class Plain:
    shared = 0

    def __init__(self, **attributes):
        vars(self).update(attributes)

    def method(self):
        return vars(self)


class Slotted:
    __slots__ = ("first", "__second", "empty")

    def __init__(self):
        self.first = [1]
        self.__second = self.first

    def second(self):
        return self.__second


class Mixed(Slotted):
    def __init__(self):
        super().__init__()
        self.extra = self.first


class Items(list):
    pass


class Text(str):
    pass


class Ratio(float):
    pass


Pair = collections.namedtuple("Pair", "left right")


class Colour(enum.Enum):
    RED = 1
    BLUE = [2]


class Mode(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass(frozen=True)
class Frozen:
    size: int
    names: list


@dataclasses.dataclass(slots=True)
class Compact:
    size: int


def named(argument, *, option=None):
    return argument, option


EQUAL = [
    None,
    True,
    0,
    -1,
    2**63,
    -(10**30),
    10**5000,
    0.1,
    -0.0,
    math.inf,
    1 + 2j,
    "",
    "é\U0001f600",
    "\ud800",
    b"\x00\xff",
    ...,
    NotImplemented,
    (),
    (1, (2, [3])),
    [1, [2]],
    {"b": 1, "a": [2]},
    {1: 2, (1, 2): 3, None: 4, 1.5: 5, b"x": 6},
    {1, "a", (2, 3)},
    frozenset([1, frozenset([2])]),
    bytearray(b"abc"),
    range(1, 10, 3),
    slice(1, None, -1),
    array.array("d", [1.5, 2.5]),
    collections.deque([1, 2, 3], maxlen=3),
    collections.deque("ab"),
    collections.OrderedDict(b=1, a=2),
    collections.Counter("abca"),
    collections.defaultdict(list, {"k": [1]}),
    collections.ChainMap({"a": 1}, {"b": 2}),
    Pair(1, [2]),
    Items([1, 2]),
    Text("text"),
    Ratio(1.5),
    Colour.RED,
    Colour.BLUE,
    Mode.READ | Mode.WRITE,
    Frozen(1, ["a"]),
    Compact(3),
    datetime.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc),
    datetime.date(2024, 1, 2),
    datetime.timedelta(1, 2, 3),
    decimal.Decimal("1.10"),
    fractions.Fraction(1, 3),
    pathlib.Path("/a") / "b",
    re.compile("a+", re.IGNORECASE),
    types.SimpleNamespace(a=[1]),
    types.MappingProxyType({"a": 1}),
    len,
    math.sqrt,
    named,
    Plain,
    Plain.method,
    int,
    collections.abc.Mapping,
    math,
]


def name_of_case(value):
    """The same name in every process: sets have another order in each."""
    return type(value).__name__ if isinstance(value, (set, frozenset)) or value == 10**5000 else f"{type(value).__name__}-{str(value)[:20]}"


@pytest.mark.parametrize("value", EQUAL, ids=name_of_case)
def test_values_come_back_equal(value):
    made = again(value)
    assert type(made) is type(value)
    assert made == value
    assert not isinstance(value, dict) or list(made) == list(value)


@pytest.mark.parametrize("value", [0.0, -0.0, math.nan])
def test_floats_keep_their_bits(value):
    import struct

    assert struct.pack("d", again(value)) == struct.pack("d", value)


def test_sharing_is_kept_in_new_objects():
    shared = [1]
    made = again({"a": shared, "b": (shared, shared), "c": Plain(x=shared)})
    assert made["a"] is made["b"][0] is made["b"][1] is made["c"].x


def test_equal_objects_stay_apart():
    made = again([[1], [1]])
    assert made[0] is not made[1]


def test_cycles():
    loop = Plain(items=[], pair=None)
    loop.items.append(loop)
    loop.pair = (loop, {"self": loop})
    made = again(loop)
    assert made.items[0] is made and made.pair[0] is made and made.pair[1]["self"] is made


def test_a_set_in_a_cycle():
    node = Plain()
    node.peers = {node}
    made = again(node)
    assert made.peers == {made}


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: (x,), lambda x: {"n": x}, lambda x: Plain(n=x)])
def test_depth_has_no_limit(wrap):
    deep = None
    for _ in range(100_000):
        deep = wrap(deep)
    made, depth = again(deep), 0
    while made is not None:
        outer = made
        made = vars(made)["n"] if isinstance(made, Plain) else next(iter(made.values() if isinstance(made, dict) else made))
        depth += 1
        outer.clear() if isinstance(outer, (list, dict)) else None
        while deep is not None and isinstance(deep, (list, dict, Plain)):
            inner = vars(deep)["n"] if isinstance(deep, Plain) else next(iter(deep.values() if isinstance(deep, dict) else deep))
            vars(deep).clear() if isinstance(deep, Plain) else deep.clear()
            deep = inner
    assert depth == 100_000


def test_slots_and_private_names():
    made = again(Mixed())
    assert made.second() is made.first is made.extra == [1]
    assert not hasattr(made, "empty")


def test_live_objects_are_patched_in_place():
    live = Plain(items=[9, 9], table={"z": 1}, names={3}, data=bytearray(b"z"), gone=1)
    parts = (live.items, live.table, live.names, live.data)
    saved = Plain(items=[1], table={"a": [1], "z": 2}, names={1, 2}, data=bytearray(b"abc"))
    made = again(saved, live)
    assert made is live
    assert (live.items, live.table, live.names, live.data) == ([1], {"a": [1], "z": 2}, {1, 2}, b"abc")
    assert all(a is b for a, b in zip(parts, (live.items, live.table, live.names, live.data)))
    assert list(live.table) == ["a", "z"] and not hasattr(live, "gone")


def test_one_live_object_is_used_once():
    live = [[0], None]
    live[1] = live[0]
    made = again([[1], [2]], live)
    assert made == [[1], [2]] and made is live and made[0] is not made[1]


def test_two_live_objects_become_one():
    live = [[0], [0]]
    shared = [1]
    made = again([shared, shared], live)
    assert made is live and made[0] is made[1] == [1]


def test_another_type_is_replaced():
    live = {"a": [1], "b": {"x": 1}}
    made = again({"a": {"x": 1}, "b": [1]}, live)
    assert made is live and made == {"a": {"x": 1}, "b": [1]}


def test_keys_by_identity():
    first, second = Plain(n=1), Plain(n=2)
    live_first, live_second = Plain(n=8), Plain(n=9)
    made = again(
        {"state": {first: [1], second: [2]}, "order": [second, first]},
        {"state": {}, "order": [live_second, live_first]},
    )
    assert made["order"] == [live_second, live_first]
    assert made["state"] == {live_first: [1], live_second: [2]} and list(made["state"]) == [live_first, live_second]
    assert live_first.n == 1


def test_equal_sets_are_left_alone():
    live = {8, 0, 16, "a"}
    order = list(live)
    assert again(set(order[::-1]), live) is live and list(live) == order


def test_ordered_dict_keeps_its_own_order():
    value = collections.OrderedDict(a=1, b=2, c=3)
    value.move_to_end("a")
    live = collections.OrderedDict(c=0, a=0)
    made = again(value, live)
    assert made is live and list(made.items()) == [("b", 2), ("c", 3), ("a", 1)]
    assert made.popitem() == ("a", 1)


def test_default_factory():
    box = Plain()
    box.table = collections.defaultdict(box.method)
    made = again(box)
    assert made.table["new"] is vars(made)


def test_bound_methods_keep_their_receiver():
    box = Plain(x=1)
    made = again({"box": box, "method": box.method, "append": (items := []).append, "items": items})
    assert made["method"].__self__ is made["box"]
    made["append"](1)
    assert made["items"] == [1]


def test_partial():
    box = Plain(x=1)
    value = functools.partial(named, box, option=box)
    made = again([box, value])
    assert made[1]() == (made[0], made[0])
    assert again(operator.itemgetter(1))([1, 2]) == 2


def counter(start):
    count = start

    def step(by=1, seen=[]):
        nonlocal count
        count += by
        seen.append(count)
        return count

    return step


def test_weak_references():
    box = Plain(x=1)
    made = again([box, weakref.ref(box)])
    assert made[1]() is made[0]
    live = [box, weakref.ref(box)]
    reference = live[1]
    assert again([box, weakref.ref(box)], live)[1] is reference
    assert again(weakref.ref(Plain()))() is None


def test_random_generators():
    for value, live in [(random.Random(3), None), (random.Random(3), random.Random(4))]:
        value.gauss(0, 1)
        made = again(value, live)
        assert live is None or made is live
        assert [made.gauss(0, 1), made.random()] == [value.gauss(0, 1), value.random()]


def test_the_global_generator_is_hidden_state():
    saved = _capture_bytes({})
    expected = [random.random(), random.gauss(0, 1)]
    random.seed(99)
    _restore_bytes(saved, {})
    assert [random.random(), random.gauss(0, 1)] == expected


def test_iterators_that_know_their_position():
    items = [1, 2, 3]
    iterator = iter(items)
    next(iterator)
    made = again({"items": items, "iterator": iterator, "range": iter(range(3)), "zip": zip("ab", items)})
    made["items"].append(4)
    assert list(made["iterator"]) == [2, 3, 4]
    assert list(made["range"]) == [0, 1, 2] and list(made["zip"]) == [("a", 1), ("b", 2)]
    assert next(iterator) == 2


@pytest.mark.parametrize(
    "value",
    [(x for x in "ab"), iter({1: 2}), map(str, (x for x in "ab")), zip([1], (x for x in "ab"))],
    ids=["generator", "dict", "map", "zip"],
)
def test_running_iterators_are_named(value):
    path, reason = missing(Plain(deep=[value]))[0]
    assert path.startswith("value.deep[0]") and reason == "RunningIterator"


def test_state_in_c_is_named():
    import _ssl

    assert missing({"ssl": _ssl.MemoryBIO()}) == [("value['ssl']", "OpaqueState")]
    with pytest.raises(RuntimeError, match=r"value\['ssl'\]"):
        _restore_bytes(_capture_bytes({"value": {"ssl": _ssl.MemoryBIO()}}), {})


class Bad:
    @property
    def __dict__(self):
        raise ValueError("no")


def test_what_raises_is_named():
    assert missing([Bad()]) == [("value[0]", "ReadFailed")]


def test_sinks_are_kept_by_reference(tmp_path):
    import logging
    import threading

    with open(tmp_path / "log", "w") as live, open(tmp_path / "other", "w") as saved:
        sinks = [live, logging.getLogger("x"), threading.Lock(), threading.Thread()]
        state = [saved, logging.getLogger("y"), threading.Lock(), threading.Thread()]
        assert missing(state) == []
        made = again(state, list(sinks))
        assert made[0] is live and made[1] is logging.getLogger("y") and made[2] is sinks[2]
        with pytest.raises(RuntimeError, match=r"`value\[0\]`.*by reference"):
            again(state)


@pytest.mark.parametrize("kind, old, new", [(io.StringIO, "zz", "a\nbc"), (io.BytesIO, b"zz", b"a\nbc")])
def test_files_in_memory_are_state(kind, old, new):
    live, saved = kind(old), kind(new)
    saved.readline()
    for made in (again(saved, live), again(saved)):
        assert (made.getvalue(), made.tell(), made.read()) == (new, 2, new[2:])
    assert again(saved, live) is live
    live.close()
    assert again(saved, live).getvalue() == new
    saved.close()
    assert again(saved, kind(old)).closed


def test_a_refusal_changes_nothing():
    import threading

    live = Plain(items=[0], lock=None)
    with pytest.raises(RuntimeError, match="value.lock"):
        again(Plain(items=[1], lock=threading.Condition()), live)
    assert live.items == [0] and live.lock is None
    assert again(Plain(lock=threading.Lock()), live).lock.acquire(blocking=False)


def test_standard_streams_are_known_by_name():
    import sys

    assert again([sys.stderr])[0] is sys.stderr


def test_sets_iterate_as_they_did():
    many = set(range(0, 9000, 3))
    for value in [{8, 0, 16}, {16, 8, 0}, set("abcdefgh"), many, frozenset(many)]:
        assert list(again(value)) == list(again(value, set())) == list(value)


def test_optional_roots_are_kept_while_small():
    names = {"live": [1], "small": [2], "large": [bytes(200_000)], "shared": None, "broken": [x for x in ()]}
    names["shared"] = names["live"]
    names["broken"] = (x for x in ())
    optional = ["small", "large", "shared", "broken"]
    saved = _capture_bytes(names, optional)
    assert _describe_bytes(saved)[2:] == ([], ["live", "small", "shared"])
    made = _restore_bytes(saved, {})
    assert made["shared"] is made["live"] and made["small"] == [2] and "large" not in made


def test_fingerprints():
    assert _fingerprint([1, "a", Plain(x=1)]) == _fingerprint([1, "a", Plain(x=1)])
    assert _fingerprint([1]) != _fingerprint([2])
    assert _fingerprint([1]) != _fingerprint([True])
    assert _fingerprint({"a": 1, "b": 2}) != _fingerprint({"b": 2, "a": 1})
    assert _fingerprint({3, 1, 2}) == _fingerprint({1, 2, 3})


def test_state_hash_after_restore_is_that_of_the_saved_state():
    value = {"a": [1, (2, 3)], "b": Plain(x={1, 2}), "c": counter(2), "d": Pair(1, [2])}
    saved = _capture_bytes({"value": value})
    made = _restore_bytes(saved, {})
    assert _describe_bytes(_capture_bytes(made))[0] == _describe_bytes(saved)[0]


def test_exceptions():
    error = ValueError("a", 1)
    error.extra = [1]
    made = again(error)
    assert type(made) is ValueError and made.args == ("a", 1) and made.extra == [1]


def test_damaged_graphs_are_refused():
    sound = _capture_bytes({"value": [1, {"a": 2}, "text"]})
    saved = bytearray(sound)
    for position in range(0, len(saved), 7):
        damaged = bytearray(saved)
        damaged[position] ^= 0x55
        try:
            _restore_bytes(bytes(damaged), {})
        except (RuntimeError, ValueError):
            pass
    _restore_bytes(sound, {})
