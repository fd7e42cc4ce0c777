"""What a probe draws is its own: the training draws the numbers that it drew when it was recorded.

    florc.isolate("__main__:rng")
    score = evaluate(model, loader)    # shuffles, and leaves the model in eval mode
    print(score, rng.normal())
    florc.rejoin()

Around probes in a row of which some draw random numbers, or may: the generators of Python, NumPy and torch, the
generators that the named variables lead to (`_generators.py`), the switches of torch, and the modes
(`training`) of the modules in sight are put back. Whatever else such a probe changes is found when
states are compared. Only in replay workers.
"""

import sys

_kept = []


def _adapters():
    """Loaded when the first probe needs them: importing florc stays light."""
    from . import adapters

    return adapters


def isolate(*names):
    """Keeps the hidden state of the process, and of the generators that variables lead to."""
    frame = sys._getframe(1)
    generators = ()
    if names:
        from ._generators import keep

        generators = keep(names, frame)
    _kept.append((_adapters().read_hidden(), _modes(frame), generators, []))


def rejoin(is_seen=False):
    """Puts back what the last `isolate` kept. `is_seen`: other added statements may be meant to see what is left behind."""
    hidden, modes, generators, doubted = _kept.pop()
    for end in reversed(doubted):
        end()
    changed = [(module, mode) for module, mode in modes if module.training is not mode]
    if changed and is_seen:
        from . import _florc

        text = "an added statement changes the mode of a module (`train`, `eval`) beyond the added statements that follow it directly: put these in one row"
        _florc.note("mode-left", text)
    for module, mode in changed:
        module.training = mode
    for put_back in generators:
        put_back()
    for name, value in hidden.items():
        _adapters().write_hidden(name, value)


def doubt():
    """After `isolate`: the statement may change the training, which the next checkpoint tells."""
    from . import _doubts, _florc

    _florc.note("doubt", "")
    _kept[-1][-1].append(_doubts.begin())


def impure():
    """The statement that follows changes the training; the user allows it."""
    from . import _florc

    _florc.note("impure", "")


def _modes(frame):
    """The modules that variables of the frame hold, or attributes of its `self`, and their parts."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "nn"):
        return []
    values = [*frame.f_locals.values(), *frame.f_globals.values()]
    own = frame.f_locals.get("self")
    values += getattr(own, "__dict__", {}).values()
    found = {}
    for value in values:
        if isinstance(value, torch.nn.Module):
            found.update((id(part), part) for part in value.modules())
    return [(part, part.training) for part in found.values()]
