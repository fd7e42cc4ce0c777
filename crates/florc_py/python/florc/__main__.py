"""`python -m florc` and the console script."""

import signal
import sys

from ._florc import cli


def main():
    """Runs one command with the arguments of this process."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own would wait for the command to end
    sys.exit(cli(["florc", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
