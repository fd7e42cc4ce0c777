"""Compilers of frameworks: the programs that they start and the files that they keep are theirs, not the script's.

    torch.compile(model)      # writes code, starts a compiler, loads the result, keeps it in a cache

A replay lets them do as they do in any process: what they make is made from the code that is replayed, and found again by its content.
"""

import sys

from ._on_import import when_imported

_COMPILERS = ("torch._inductor.", "torch._dynamo.", "torch._functorch.", "triton.")


def are_asking():
    """Whether one of them asked for what is happening: Python's own library between it and here does not count."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__") or ""
        top = name.partition(".")[0]
        if top != "florc" and top not in sys.stdlib_module_names:
            return name.startswith(_COMPILERS)
        frame = frame.f_back
    return False


def let_entered_through():
    """Code that TorchDynamo looks through may call `florc.entered`: what it makes of the code does not."""
    when_imported("torch._dynamo", _replace)


def _replace(_):
    package, compiler = sys.modules["florc"], sys.modules["torch"].compiler
    native, is_compiling = package.entered, getattr(compiler, "is_dynamo_compiling", None) or getattr(compiler, "is_compiling", None)

    def entered(site):
        if not is_compiling():
            native(site)

    package.entered = entered if is_compiling is not None else lambda site: None
