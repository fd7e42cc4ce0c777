"""Experiment trackers in a replay: they are told to send nothing.

    import wandb          # in a replay `wandb.init(…)` becomes `wandb.init(…, mode="disabled")`

Their log calls are not made at all (see the log hooks); this is for the calls that begin a run. Works
on the modules when they are imported, by name; touches nothing of a module that lacks the names.
"""

import functools
import importlib.abc
import importlib.util
import os
import sys

# Of each module: functions and methods, with the keywords that silence them.
FORCED = {
    "wandb": {"init": {"mode": "disabled"}},
    "swanlab": {"init": {"mode": "disabled"}},
    "neptune": {"init_run": {"mode": "debug"}, "init": {"mode": "debug"}},
    "trackio": {"init": {"space_id": None}},
    "comet_ml": {"start": {"online": False}, "Experiment.__init__": {"disabled": True}},
}
# Functions that would send a later call elsewhere: they do nothing.
QUIET = {"mlflow": ("set_tracking_uri", "set_registry_uri")}
# Read by the trackers when they start.
ENVIRONMENT = {"WANDB_MODE": "disabled", "SWANLAB_MODE": "disabled", "NEPTUNE_MODE": "debug"}


def silence(scratch):
    """From now on, for modules that are not imported yet. Trackers that write files write to `scratch`."""
    os.environ.update(ENVIRONMENT)
    os.environ["MLFLOW_TRACKING_URI"] = "file://" + os.path.join(scratch, "mlruns")
    os.environ["TRACKIO_DIR"] = os.path.join(scratch, "trackio")
    sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds what the others find, and edits the module after it was executed."""

    def __init__(self):
        self.searching = False

    def find_spec(self, name, path=None, target=None):
        if self.searching or (name not in FORCED and name not in QUIET):
            return None
        self.searching = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.searching = False
        if spec is not None and spec.loader is not None:
            _edit_after(spec.loader)
        return spec


def _edit_after(loader):
    run = loader.exec_module

    @functools.wraps(run)
    def exec_module(module):
        run(module)
        _edit(module)

    loader.exec_module = exec_module


def _edit(module):
    for path, keywords in FORCED.get(module.__name__, {}).items():
        *owners, name = path.split(".")
        owner = module
        for part in owners:
            owner = getattr(owner, part, None)
        if callable(getattr(owner, name, None)):
            setattr(owner, name, _with(getattr(owner, name), keywords))
    for name in QUIET.get(module.__name__, ()):
        setattr(module, name, lambda *args, **kwargs: None)


def _with(function, keywords):
    @functools.wraps(function)
    def quiet(*args, **kwargs):
        return function(*args, **{**kwargs, **keywords})

    return quiet
