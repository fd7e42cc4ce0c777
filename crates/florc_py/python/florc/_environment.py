"""Variables of the environment: a script is told what it was told when it was recorded, or the replay is not exact.

    scale = float(os.environ.get("SCALE", 1))    # 2 then; today it is not set

A run keeps no values, which may be secrets, but a keyed hash of each. In a replay what the script itself reads is
compared; what libraries read is not looked at.
"""

import hashlib
import os
import secrets
import sys

from . import _florc

_THROUGH = ("<frozen os>", "<frozen _collections_abc>", os.__file__)
_WHOLE = ("copy", "items", "values", "__iter__", "__repr__", "__or__", "__ror__")
# What florc sets for a worker, and what another terminal has otherwise.
_OWN = (
    "MASTER_ADDR MASTER_PORT TORCHELASTIC_USE_AGENT_STORE CUDA_VISIBLE_DEVICES PYTHONHASHSEED WANDB_MODE SWANLAB_MODE NEPTUNE_MODE "
    "MLFLOW_TRACKING_URI TRACKIO_DIR _ PWD OLDPWD SHLVL COLUMNS LINES TERM WINDOWID TMUX TMUX_PANE STY"
).split()


def digests():
    """A hash of each variable, and under no name the key of them all."""
    key = secrets.token_hex(16)
    return {"": key} | {name: _digest(key, name, value) for name, value in os.environ.items()}


def _digest(key, name, value):
    text = f"{name}={value}".encode("utf-8", "surrogateescape")
    return hashlib.blake2b(text, digest_size=8, key=bytes.fromhex(key)).hexdigest()


def watch(recorded, project):
    """From now on what the project's files read is compared."""
    then = recorded.get("digests", {})
    if "" not in then:
        return  # of an older florc
    settled = set(_OWN) | recorded["variables"].keys()
    kind = type(os.environ)
    get, put, remove = kind.__getitem__, kind.__setitem__, kind.__delitem__

    def read(self, name):
        frame = sys._getframe(1)
        if self is os.environ and isinstance(name, str) and name not in settled and _is_asked_by(project, frame):
            settled.add(name)
            try:
                now = _digest(then[""], name, get(self, name))
            except KeyError:
                now = None
            if now != then.get(name):
                _florc.note("environment", f"the variable `{name}` of the environment is not what it was when the run was recorded: set it as it was")
        return get(self, name)

    def write(self, name, value):
        settled.add(name)
        put(self, name, value)

    def delete(self, name):
        settled.add(name)
        remove(self, name)

    kind.__getitem__, kind.__setitem__, kind.__delitem__ = read, write, delete


def _is_asked_by(project, frame):
    if frame.f_code.co_name in _WHOLE and frame.f_code.co_filename.startswith(_THROUGH):
        return False  # all of them, for another program
    while frame is not None and frame.f_code.co_filename.startswith(_THROUGH):
        frame = frame.f_back
    name = frame.f_code.co_filename if frame is not None else ""
    return name.startswith(project.rstrip(os.sep) + os.sep) and "site-packages" not in name
