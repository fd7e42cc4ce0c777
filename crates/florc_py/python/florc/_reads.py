"""Reads of the outer world that libraries make, and keep in objects of the training: clocks, entropy, free names.

    env = gymnasium.wrappers.RecordEpisodeStatistics(env)    # when did the episode begin?
    rng = numpy.random.default_rng()                         # a seed from the system
    logger = CSVLogger("logs")                               # logs/…/version_3, since there are three

A recorded run keeps what was read, and a replay gets it again, as for reads in the script itself: a seed that
nobody chose is then as good as one that was. Touches the modules below alone, when they are imported; reads that
other libraries make are not seen.
"""

import functools
import random
import secrets
import sys
import sysconfig
import types
import zlib

from . import _florc
from ._on_import import when_imported

# Modules that look at the clock through their global `time`.
CLOCKS = (
    "gymnasium.wrappers.common",
    "gymnasium.wrappers.record_episode_statistics",
    "gymnasium.wrappers.vector.common",
    "gym.wrappers.record_episode_statistics",
    "stable_baselines3.common.monitor",
    "stable_baselines3.common.vec_env.vec_monitor",
    "transformers.trainer",
    "transformers.trainer_utils",
    *(
        f"{package}.{module}"
        for package in ("lightning.pytorch", "pytorch_lightning")
        for module in (
            "callbacks.model_checkpoint",
            "callbacks.throughput_monitor",
            "callbacks.timer",
            "loops.evaluation_loop",
            "loops.fit_loop",
            "loops.training_epoch_loop",
            "profilers.simple",
        )
    ),
)
# Functions and methods that choose a name by the clock, or by what is on the disk.
NAMES = (
    ("transformers.training_args", "default_logdir"),
    ("transformers.integrations.integration_utils", "default_logdir"),  # from transformers 5 on
    *(
        pair
        for package, fabric in (("lightning.pytorch", "lightning.fabric"), ("pytorch_lightning", "lightning_fabric"))
        for pair in (
            (f"{fabric}.loggers.csv_logs", "CSVLogger._get_next_version"),
            (f"{fabric}.loggers.tensorboard", "TensorBoardLogger._get_next_version"),
            (f"{package}.loggers.tensorboard", "TensorBoardLogger._get_next_version"),
            (f"{package}.callbacks.model_checkpoint", "ModelCheckpoint.file_exists"),
        )
    ),
)
_INSTALLED = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
FUNCTIONS = ("time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns")


def keep():
    """From now on, for a session that has begun."""
    for name in CLOCKS:
        when_imported(name, _clock)
    for name, function in NAMES:
        when_imported(name, functools.partial(_name, function))
    when_imported("numpy.random", _entropy)
    random.Random.seed = _seeded(random.Random.seed)
    generator = getattr(random.seed, "__self__", None)
    if isinstance(generator, random.Random):
        random.seed = generator.seed


def _clock(module):
    time = getattr(module, "time", None)
    if not isinstance(time, types.ModuleType):
        return
    own = types.ModuleType(time.__name__, time.__doc__)
    vars(own).update(vars(time))
    for name in FUNCTIONS:
        setattr(own, name, _kept(f"{module.__name__}.time.{name}", getattr(time, name)))
    module.time = own


def _name(qualname, module):
    owner, _, name = qualname.rpartition(".")
    owner = getattr(module, owner, None) if owner else module
    read = vars(owner).get(name) if owner is not None else None
    if not isinstance(read, types.FunctionType):
        return

    @functools.wraps(read)
    def kept(*args, **kwargs):
        return _kept(f"{module.__name__}.{qualname}", functools.partial(read, *args, **kwargs))()

    setattr(owner, name, kept)


def _entropy(_module):
    """Seeds of generators that were given none: all of NumPy's take them from here."""
    module = sys.modules.get("numpy.random.bit_generator")
    read = getattr(module, "randbits", None)
    if read is not None:
        module.randbits = _kept("numpy.random.bit_generator.randbits", read)


def _seeded(seed):
    """A generator that the script makes or seeds without a seed takes one from the system."""

    @functools.wraps(seed)
    def seeded(self, a=None, version=2):
        if a is None and _is_asked_for():
            a = _kept("random.Random.seed", functools.partial(secrets.randbits, 256))()
        return seed(self, a, version)

    return seeded


def _is_asked_for():
    frame = sys._getframe(1).f_back
    while frame is not None and frame.f_code.co_filename == random.__file__:
        frame = frame.f_back
    return frame is not None and _is_own(frame)


def _is_own(frame):
    """Code of the program: neither Python's nor of a package."""
    name = frame.f_code.co_filename
    return not name.startswith(("<frozen", *_INSTALLED)) and "site-packages" not in name


def _kept(what, read):
    return functools.partial(_florc.clock, _florc.LIBRARY_READS + zlib.crc32(what.encode()) % _florc.LIBRARY_READS, read)
