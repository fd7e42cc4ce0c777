"""The process of a recorded script, or of a replay worker.

    python -m florc._runner CONFIG SCRIPT ARGS…             record
    python -m florc._runner CONFIG -m MODULE ARGS…          record a module
    python -m florc._runner --worker PLAN --segment I       replay a segment

`CONFIG` is a JSON file that `florc run` wrote; it is deleted. This file only chooses; what is run
becomes `__main__` as in a plain run.
"""

import sys


def main(arguments):
    """Runs what the arguments name; comes back only when the script did."""
    if arguments[:1] == ["--worker"]:
        from florc._worker import work

        return work(arguments[1], int(arguments[3]))
    from florc._record import record

    return record(arguments[0], arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
