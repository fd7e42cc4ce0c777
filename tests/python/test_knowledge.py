"""What the knowledge files say of libraries, against what the libraries do.

Every entry that small inputs fit is called; contents of its arguments, memory and objects that its result shares
with them, states of the generators must be as the entry claims. What is not called stands in `NOT_CALLED`.
"""
import contextlib
import fnmatch
import io
import random
import warnings

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from knowledge_calls import calls  # noqa: E402
from knowledge_claims import contradictions  # noqa: E402
from knowledge_entries import entries, files, installed  # noqa: E402
from knowledge_observe import observe  # noqa: E402

# Calls of an entry that are looked at, and that are tried: a few dozen tell enough.
ENOUGH, TRIES = 12, 150
# Entries that nothing here calls, by pattern, and why.
NOT_CALLED = {
    "*:__*__": "called by operators and statements, which have entries of their own",
    "*:[*]": "stands for any name",
    "builtins.decorator:*": "sets attributes of functions",
    "builtins.?iter": "asynchronous",
    "builtins.anext": "asynchronous",
    "builtins.UnicodeDecodeError": "needs five arguments",
    "typing.*": "only read by type checkers",
    "enum.*": "base classes",
    "contextlib.*": "needs a context that is entered",
    "*iterator:method:*": "raises into the generator",
    "*generator:method:*": "raises into the generator",
    "builtins.*:method:push": "of queues of other libraries",
    "builtins.list:method:popitem": "of dictionaries",
    "builtins.Exception:attribute:*": "of some exceptions only",
    "io.*": "streams of the process",
    "lightning.LightningModule:*": "wants a trainer",
    "torchmetrics.Metric": "a base class",
    "os.*": "the process's environment and files",
    "threading.*": "locks",
    "collections.namedtuple:*": "a class that is made at run time",
    "functools.cached:*": "a wrapper that is made at run time",
    "logging.*": "settings of the process",
    "tqdm.*": "draws",
    "csv.*": "needs a file",
    "json.Value:*": "lists and dictionaries, with entries of their own",
    "argparse.*": "settings",
    "uuid.*": "numbers from texts",
    "torch.utils.tensorboard.*": "writes files",
    "torch.utils.data.*": "of some data sets and samplers only",
    "random.SystemRandom:*": "has no state to compare",
    "*binomialvariate": "from Python 3.12 on",
    "itertools.batched": "from Python 3.12 on",
    "operator.matmul": "of matrices",
    "re.Match:iterate:*": "of the matches that `finditer` gives",
    "sys.*": "settings of the process",
    "inspect.get*": "reads files of modules",
    "resource.*": "a reading of the process",
    "time.*": "conversions of times",
    "datetime.*": "conversions of times",
    "calendar.*": "conversions of times",
    "types.MappingProxyType": "a view",
    "tomllib.*": "from Python 3.11 on",
    "pathlib.Path:*": "files",
    "torch.nn.Module:method:add": "of containers of other libraries",
    "numpy.arrays:method:*": "of archives, whose attributes are made as they are read",
    "torch.nn.utils.clip_grad.get_total_norm": "of older versions",
    **{f"torch.Tensor:*:{name}": "of older versions" for name in "has_names refine_names align_to align_as rename names".split()},
    "torch.Tensor:method:cuda": "needs a GPU",
    "torch.Tensor:method:mps": "needs a GPU of Apple's",
    "torch.Tensor:method:pin_memory": "needs a GPU",
    "torch.Tensor:method:cholesky": "of older versions",
    "torch.Tensor:method:qr": "of older versions",
    "torch.Tensor:method:int_repr": "of quantized tensors",
    "torch.distributed.*": "needs several processes",
    "torch.optim.lr_scheduler.LRScheduler": "a base class",
    "torch.optim.lr_scheduler._LRScheduler": "a base class",
    "torch.optim.Optimizer": "a base class",
    "torch.optim.Optimizer:method:train": "of optimizers of other libraries",
    "torch.optim.Optimizer:method:eval": "of optimizers of other libraries",
    "torch.optim*:iterate:*": "of lists of them",
    "torch.optim*:subscript:*": "of lists of them",
    "torch.optim.GroupItem:method:item": "of learning rates that are tensors",
    "torch.cuda.*": "needs a GPU",
    "torch.mps.*": "needs a GPU of Apple's",
    "torch.Device:*": "streams and events of GPUs",
    "torch.nn.Module:method:cuda": "needs a GPU",
    "torch.nn.parallel.*": "needs several processes",
    "torch.jit.*": "compiles for seconds",
    "torch.compile": "loads the compiler for seconds",
    "torch.nn.Module:method:compile": "loads the compiler for seconds",
    "torch.symeig": "of older versions",
    "torch.eig": "of older versions",
    "torch.dtype": "a class that nobody calls",
    "torch.cholesky": "of older versions",
    "numpy.in1d": "of older versions",
    "numpy.ndarray:method:ptp": "of older versions",
    "numpy.ndarray:method:itemset": "of older versions",
    "numpy.ndarray:method:tostring": "of older versions",
    "numpy.ndarray:method:split": "of arrays of texts",
    "numpy.ndarray:method:dump": "writes a file",
    "sklearn.*": "of some estimators only",
    "accelerate.*": "needs processes and devices",
    "PIL.Image.*": "some want bytes, or other images of the same kind",
    "PIL.Image:*": "some want filters, points or other images of the same kind",
    "tensorboard.SummaryWriter:*": "of tensorboardX only",
    "transformers.*": "needs files of models",
}


SLOW = {name for name, why in NOT_CALLED.items() if "for seconds" in why} | {"torch.jit.script", "torch.jit.trace"}


def attempt(call):
    """What one call contradicts; `None` where it does not fit."""
    random.seed(1), np.random.seed(1), torch.default_generator.manual_seed(1)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            function, args, kwargs, receiver = call.made()
            function(*args, **kwargs)  # most do not fit: they raise before anything is looked at
            seen = observe(*call.made())
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException:
        return None
    return [f"{call!r}: {problem}" for problem in contradictions(call.entry.rule, seen)]


def findings(entry):
    """What the calls that fit contradict; `None` where none fits."""
    few = []
    for tried, call in enumerate(mixed(entry)):
        if len(few) == ENOUGH or (few and tried >= TRIES):
            break
        found = attempt(call)
        few += [found] if found is not None else []
    return [problem for found in few for problem in found] if few else None


def mixed(entry):
    """The calls of an entry in an order of its own: with keywords (`out=`, `inplace=`) first, then receivers and arguments mixed."""
    found = list(calls(entry))
    random.Random(str(entry)).shuffle(found)
    return sorted(found, key=lambda call: "=" not in call.arguments)


def is_called(entry):
    """Not what writes files or flags of the process, is said to do anything, or is not installed."""
    outer = entry.rule.get("files") or entry.rule.get("device") or entry.rule.get("opaque") or str(entry) in SLOW
    return not outer and installed(entry.owner or entry.name)


@pytest.mark.parametrize("file", files())
def test_entries_are_what_libraries_do(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some write where they are
    wrong, silent = [], []
    for entry in filter(is_called, entries(file)):
        problems = findings(entry)
        if problems is None and not any(fnmatch.fnmatchcase(str(entry), pattern) for pattern in NOT_CALLED):
            silent.append(str(entry))
        wrong += (problems or [])[:2]
    assert not wrong, "\n".join(wrong)
    assert not silent, "neither called nor in NOT_CALLED: " + " ".join(silent)


def test_contradictions_are_found():
    """The comparison itself: claims that are too small are told."""
    items = [3, 1, 2]
    assert contradictions({}, observe(random.shuffle, [items])) == ["changes `0`", "moves the generator of random"]
    array = np.ones(2)
    assert contradictions({"returns": ["new:numpy.ndarray"]}, observe(array.view, receiver=array)) == ["its result shares (memory) with `self`"]
    assert contradictions({}, observe(sorted, [items])) == ["its result can be changed"]
    assert contradictions({"mutates": ["0"]}, observe(lambda arrays: arrays[0].fill(9), [[array]])) == ["changes what `0` holds"]
    assert contradictions({"mutates": ["self"]}, observe(items.append, [[1]], receiver=items)) == ["`self` holds `0` afterwards"]
    grad = torch.ones(2, requires_grad=True)
    assert contradictions({"returns": ["new:torch.Tensor"]}, observe(torch.exp, [grad])) == ["its result is computed from `0`"]
