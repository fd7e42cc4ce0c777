"""PyTorch: data types, tensors over memory, generators, global switches."""

import torch
from torch.autograd.function import BackwardCFunction

from . import torch_wrappers
from .standard import Immutable


class TensorValue(Immutable):
    """Sparse tensors: their parts."""

    name = "torch.tensor"

    def load(self, cls, data):
        kind, size, parts, requires_grad = data
        if kind == "coo":
            indices, values, coalesced = parts
            value = torch.sparse_coo_tensor(
                indices, values, size, is_coalesced=coalesced, check_invariants=False
            )
        else:
            layout = getattr(torch, f"sparse_{kind}")
            value = torch.sparse_compressed_tensor(
                *parts, size, layout=layout, check_invariants=False
            )
        return value.requires_grad_(requires_grad)

    def fits(self, value, data):
        return False


class Generator:
    name = "torch.Generator"

    def save(self, value):
        return (str(value.device), value.get_state())

    def load(self, cls, data):
        value = cls(data[0])
        value.set_state(data[1])
        return value

    def fits(self, value, data):
        return str(value.device) == data[0]

    def patch(self, value, data):
        value.set_state(data[1])


class Value(Immutable):
    """Immutable values made by `type(*arguments)`: devices, shapes."""

    name = "torch.value"

    def save(self, value):
        return value.__reduce__()[1]

    def load(self, cls, data):
        return cls(*data)

    def fits(self, value, data):
        return value == type(value)(*data)


class Storage(Immutable):
    """A bare storage: a byte tensor over it."""

    name = "torch.storage"

    def save(self, value):
        if isinstance(value, torch.TypedStorage):
            raise TypeError("typed storages are deprecated")
        return torch.empty(0, dtype=torch.uint8, device=value.device).set_(value)

    def load(self, cls, data):
        return data.untyped_storage()

    def fits(self, value, data):
        return value.data_ptr() == data.untyped_storage().data_ptr()


ADAPTERS = {
    adapter.name: adapter for adapter in (TensorValue(), Generator(), Value(), Storage())
} | torch_wrappers.ADAPTERS

# What a process has of its connections to others, and of how it sums up gradients with them: a replay has its own.
_CONNECTIONS = {"torch._C._distributed_c10d", "torch.distributed.distributed_c10d"}

_HARMLESS = (
    "torch.utils.tensorboard.writer.SummaryWriter",
    "torch.profiler.profiler.profile",
    "torch.library.Library",
    "torch.Stream",
    "torch.Event",
    "torch._ops.OpOverload",
    "torch._ops.OpOverloadPacket",
)


def find(cls):
    """As `florc.adapters.find`, for torch's types."""
    found = torch_wrappers.find(cls)
    if found is not None:
        return found
    if issubclass(cls, torch.Tensor):
        return "tensor"
    if issubclass(cls, torch.Generator):
        return ADAPTERS["torch.Generator"]
    if cls in (torch.device, torch.Size):
        return ADAPTERS["torch.value"]
    if cls in (torch.dtype, torch.layout, torch.memory_format):
        return "singleton"
    if issubclass(cls, torch.UntypedStorage):
        return ADAPTERS["torch.storage"]
    name = f"{cls.__module__}.{cls.__qualname__}"
    if name in _HARMLESS or any(
        f"{base.__module__}.{base.__qualname__}" in _HARMLESS for base in cls.__mro__
    ):
        return "harmless"
    if cls.__module__ in _CONNECTIONS and not issubclass(cls, (tuple, dict, Exception)):
        return "harmless"
    data = torch.utils.data
    if cls.__module__.startswith("torch.utils.data") and "Iter" in cls.__name__:
        if issubclass(cls, data.dataloader._BaseDataLoaderIter):
            # without workers it is an object like others; its sampler's generator has the position
            return None if cls is data.dataloader._SingleProcessDataLoaderIter else "iterator"
    return None


_CUDNN = ("benchmark", "deterministic", "allow_tf32")

_SWITCHES = {
    "grad": (torch.is_grad_enabled, torch.set_grad_enabled),
    "default_dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "deterministic": (
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        lambda value: torch.use_deterministic_algorithms(value[0], warn_only=value[1]),
    ),
    "cudnn": (
        lambda: tuple(getattr(torch.backends.cudnn, name) for name in _CUDNN),
        lambda value: [setattr(torch.backends.cudnn, *each) for each in zip(_CUDNN, value)],
    ),
    "threads": (torch.get_num_threads, torch.set_num_threads),  # sums are split by them
    "hook_ids": (
        lambda: torch.utils.hooks.RemovableHandle.next_id,
        lambda value: setattr(torch.utils.hooks.RemovableHandle, "next_id", value),
    ),
    "print": (lambda: vars(torch._tensor_str.PRINT_OPTS).copy(), lambda value: vars(torch._tensor_str.PRINT_OPTS).update(value)),
    "matmul_precision": (
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
}


def read_hidden():
    """Generators of all devices and the global switches that a script may set."""
    state = {"torch.cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        for index in range(torch.cuda.device_count()):
            state[f"torch.cuda.{index}"] = torch.cuda.get_rng_state(index)
    state["torch.switches"] = {name: read() for name, (read, _) in _SWITCHES.items()}
    return state


def write_hidden(name, value):
    if name == "torch.cpu":
        torch.set_rng_state(value)
    elif name.startswith("torch.cuda."):
        torch.cuda.set_rng_state(value, int(name.rpartition(".")[2]))
    elif name == "torch.switches":
        for switch, (read, write) in _SWITCHES.items():
            if switch in value and read() != value[switch]:
                write(value[switch])
    else:
        return False
    return True


def data_type(dtype):
    """Name and element size."""
    if not isinstance(dtype, torch.dtype):
        return None
    return (str(dtype).removeprefix("torch."), dtype.itemsize, False)


def save_tensor(tensor):
    """The parts of a sparse tensor; `None` for kinds that nobody has asked for yet."""
    if not tensor.is_leaf or tensor.is_quantized or tensor.is_meta:
        return None
    size = tuple(tensor.shape)
    detached = tensor.detach()
    if tensor.layout is torch.sparse_coo:
        parts = (detached._indices(), detached._values(), tensor.is_coalesced())
        return ("coo", size, parts, tensor.requires_grad)
    for kind in ("csr", "bsr"):
        if tensor.layout is getattr(torch, f"sparse_{kind}"):
            parts = (detached.crow_indices(), detached.col_indices(), detached.values())
            return (kind, size, parts, tensor.requires_grad)
    for kind in ("csc", "bsc"):
        if tensor.layout is getattr(torch, f"sparse_{kind}"):
            parts = (detached.ccol_indices(), detached.row_indices(), detached.values())
            return (kind, size, parts, tensor.requires_grad)
    return None


def new_storage(size, device):
    """A byte tensor that owns new memory, and its address."""
    owner = torch.empty(size, dtype=torch.uint8, device=device)
    return owner, owner.data_ptr()


def whole_storage(tensor):
    """A byte tensor over all memory of the storage of a tensor."""
    return torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(tensor.untyped_storage())


def storage_extent(tensor):
    """Address and bytes of the storage of a tensor."""
    storage = tensor.untyped_storage()
    return storage.data_ptr(), storage.nbytes()


class _Restored:
    """Makes autograd nodes that are named as the recorded one and refuse to run."""

    classes = {}

    @classmethod
    def of(cls, name):
        found = cls.classes.get(name)
        if found is None:

            class Function(torch.autograd.Function):
                @staticmethod
                def forward(ctx, anchor, make):
                    return make()

                @staticmethod
                def backward(ctx, *gradients):
                    raise RuntimeError(
                        f"cannot run backward through `{name}`: this tensor was restored from a "
                        "florc checkpoint, which holds values but no autograd history"
                    )

            backward = type(name, (BackwardCFunction,), {"_forward_cls": Function})
            Function._backward_cls = backward
            found = cls.classes[name] = Function
        return found


def tensor_over(storage, cls, dtype, shape, strides, offset, requires_grad, grad_fn):
    """A new tensor over the memory of the byte tensor `storage`; `offset` in elements."""

    def make():
        empty = torch.empty(0, dtype=getattr(torch, dtype), device=storage.device)
        return empty.set_(storage.untyped_storage(), offset, tuple(shape), tuple(strides))

    if grad_fn is not None:
        with torch.enable_grad():
            anchor = torch.empty(0, requires_grad=True)
            return _Restored.of(grad_fn).apply(anchor, make)
    with torch.no_grad():
        value = make()
        if cls is not torch.Tensor:
            value = _as_subclass(value, cls, requires_grad)
        if value.requires_grad != requires_grad:
            value.requires_grad_(requires_grad)
    return value


def _as_subclass(value, cls, requires_grad):
    if issubclass(cls, torch.nn.Parameter):
        if cls is torch.nn.Parameter:
            return torch.nn.Parameter(value, requires_grad)
        made = torch.Tensor._make_subclass(cls, value, requires_grad)
        return made
    if getattr(torch.nn, "Buffer", None) is cls:
        made = value.as_subclass(torch.Tensor)
        made._is_buffer = True
        return made
    return value.as_subclass(cls)


def rebind_tensor(live, fresh):
    """Points an existing tensor at the memory of a new one."""
    with torch.no_grad():
        live.data = fresh.detach()


def patch_tensor(live, requires_grad, grad, set_grad):
    """Sets what is not memory."""
    if live.is_leaf and live.requires_grad != requires_grad:
        live.requires_grad_(requires_grad)
    if set_grad and live.grad is not grad:
        live.grad = grad


def retain_grad(value, grad):
    """Gives the gradient back to a tensor that was computed, and was asked to retain it."""
    value.retain_grad()
    value.grad = grad


def is_capturing():
    """Whether what is done on the current device becomes part of a CUDA graph, and is not run."""
    return torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing()


def device_bytes(tensor, delta, length):
    """A byte tensor over `length` bytes that begin `delta` bytes after the first element."""
    storage = tensor.untyped_storage()
    start = tensor.storage_offset() * tensor.element_size() + delta
    empty = torch.empty(0, dtype=torch.uint8, device=tensor.device)
    return empty.set_(storage, start, (length,), (1,))


def device_write(target, source):
    target.copy_(torch.frombuffer(source, dtype=torch.uint8))
