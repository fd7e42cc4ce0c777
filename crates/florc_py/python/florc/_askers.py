"""Whose code it is that asks the system for something.

    size = Path("log").stat().st_size      # train.py, through pathlib
"""

import genericpath
import glob
import os
import pathlib


def _places(module):
    """What frames of a module have for a file name; frozen ones have `<frozen os>`."""
    file = getattr(module, "__file__", None) or f"<{module.__name__}>"
    return f"<frozen {module.__name__}>", file.removesuffix("__init__.py")


# Of modules whose functions give their callers what the system says.
_PASSING = sum(map(_places, (os, os.path, genericpath, pathlib, glob)), ())


class Askers:
    """Frames, seen from a project."""

    def __init__(self, project):
        self.project = project

    def asks(self, frame):
        """Whether code of the project asks, itself or by what only passes the answer on."""
        while frame is not None and frame.f_code.co_filename.startswith(_PASSING):
            frame = frame.f_back
        return frame is not None and self._is_own(frame)

    def is_behind(self, frame):
        """Whether code of the project asks, through Python's own modules and no package."""
        while frame is not None:
            if self._is_own(frame):
                return True
            if "site-packages" in frame.f_code.co_filename:
                return False
            frame = frame.f_back
        return False

    def _is_own(self, frame):
        name = frame.f_code.co_filename
        return name.startswith(self.project) and "site-packages" not in name
