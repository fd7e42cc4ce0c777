"""The process of a recorded script, or of a replay worker.

    python -m florc._runner CONFIG SCRIPT ARGS…             record
    python -m florc._runner CONFIG -m MODULE ARGS…          record a module
    python -m florc._runner --worker PLAN --segment I --rank R     replay a segment

`CONFIG` is a JSON file that `florc run` wrote; it is deleted. This file only chooses; what is run
becomes `__main__` as in a plain run.
"""

import sys

# The folder that `-m` put on the path is the user's: nothing of florc is to be found there.
_SAFE = getattr(sys.flags, "safe_path", False) or sys.flags.isolated
_FOLDER = [] if _SAFE else [sys.path.pop(0)]


def main(arguments):
    """Runs what the arguments name; comes back only when the script did."""
    if arguments[:1] == ["--worker"]:
        from florc._worker import work

        return work(arguments[1], int(arguments[3]), int(arguments[5]), _FOLDER)
    from florc._record import record

    return record(arguments[0], arguments[1:], _FOLDER)


if __name__ == "__main__":
    main(sys.argv[1:])
