"""What is found in folders, one by one.

    for path in folder.glob("*.pt"):     # asked at the first item, and known behind the last

Drawn as the script draws: nothing is looked for before it asks, and an error comes where it would come.
"""

from . import _florc

_MOST = 1024  # names that are kept of one question


def remembered(items, pending):
    """The items of a generator; which ones were taken is kept when there are no more, or nobody asks for more."""
    found, is_whole = [], False
    try:
        for item in items:
            if len(found) <= _MOST:
                found.append(item)
            yield item
        is_whole = True
    finally:
        if len(found) <= _MOST:
            pending.found(found, is_whole)


def given(items, is_whole):
    """What the recorded run got, in the same form."""
    yield from items
    if not is_whole:
        _florc.note("file-changed", "more of a folder is asked for than the recorded run had looked at")
