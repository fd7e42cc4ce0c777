"""Sets that iterate in the order that the recorded one had.

A set's order depends on the order of insertions wherever two hashes collide, so an order of
insertions is searched that gives the recorded one. Elements whose hash is an address have no
order that two runs could share; for them none is searched.
"""

import random

_STABLE = (str, int, bytes, float, bool)
_TRIES = 600


def fill_set(live, base, items):
    """Puts `items` into an empty set."""
    order, presized = _search(items)
    _insert(live, base, order, presized)


def new_frozenset(items):
    """A frozen set of `items`."""
    order, presized = _search(items)
    return frozenset(_made(order, presized))


def _insert(empty, base, order, presized):
    """Inserts in that order; the first `presized` ones make the table at its size at once."""
    if presized:
        base.update(empty, dict.fromkeys(order[:presized]))
    base.update(empty, order[presized:])


def _made(order, presized):
    made = set()
    _insert(made, set, order, presized)
    return made


def _search(items):
    """An order of insertions that iterates as `items`, and how many of them make the table."""
    if not all(_stable(item) for item in items):
        return items, 0
    sizes = [0]
    table = 32
    while table // 4 <= len(items):
        sizes.append(min(len(items), table // 2 - 1))
        table *= 2
    for presized in reversed(sizes[-3:]):
        if list(_made(items, presized)) == items:
            return items, presized
    for presized in (*reversed(sizes[-3:]), 0):
        found = _search_table(items, presized)
        if found is not None:
            return found, presized
    raise LookupError(f"the iteration order of a set of {len(items)} elements cannot be rebuilt")


def _stable(item):
    return type(item) in _STABLE or type(item) is tuple and all(map(_stable, item))


def _search_table(items, presized):
    choose = random.Random(0)
    order = list(items)
    for _ in range(min(_TRIES, 200_000 // (len(items) + 1) + 10)):
        made = list(_made(order, presized))
        if made == items:
            return order
        at = next(i for i, (a, b) in enumerate(zip(made, items)) if a != b)
        _exchange(order, made[at], items[at], items, at, choose)
    return None


def _exchange(order, early, late, items, at, choose):
    """One step of the search: `early` took a place that `late` has in the recorded set."""
    step = choose.randrange(4)
    if step == 0:
        order.remove(early)
        order.append(early)
    elif step == 1:
        order.remove(early)
        order.insert(order.index(late) + 1, early)
    elif step == 2:
        order.remove(late)
        order.insert(0, late)
    else:
        near = items[choose.randrange(max(0, at - 12), min(len(items), at + 12))]
        order.remove(near)
        order.insert(choose.randrange(len(order) + 1), near)
