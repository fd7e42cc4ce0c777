"""Hindsight logging for model training.

Record a run with `florc run train.py`; later add log statements to the script and ask with
`florc replay` for what they would have printed. The functions here are called by instrumented
sources and pass everything through when no run is active. `florc.log(name, value)` is for scripts:
a value for florc's log alone.
"""

from ._florc import (
    __version__,
    call,
    carry,
    clock,
    end,
    enter,
    entered,
    leave,
    log,
    loop,
    main_loop,
    print,
    restore,
    step_into,
    tick,
    unbound,
    untick,
    v,
)
from ._isolated import doubt, impure, isolate, rejoin

__all__ = ["log"]
