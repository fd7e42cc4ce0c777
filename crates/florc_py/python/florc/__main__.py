"""`python -m florc` and the console script."""

import sys

from ._florc import cli


def main():
    """Runs one command with the arguments of this process."""
    sys.exit(cli(["florc", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
