"""Tensors that stand for others: those of `torch.distributed.tensor` (FSDP, tensor parallel), and what says how they are divided.

    weight = DTensor(local part, mesh, [Shard(0)])      # what is stored: the local part, in place

What a subclass is made of it says itself (`__tensor_flatten__`). Groups of processes are not state: a replay has its own.
"""

import torch


def is_wrapper(cls):
    return issubclass(cls, torch.Tensor) and hasattr(cls, "__tensor_flatten__")


class Wrapper:
    name = "torch.wrapper"
    shares = True

    def save(self, value):
        if not value.is_leaf:
            raise TypeError("a tensor that stands for others has an autograd history")
        if value._backward_hooks or getattr(value, "_post_accumulate_grad_hooks", None):
            raise TypeError("a tensor that stands for others has hooks")
        names, context = value.__tensor_flatten__()
        if set(vars(value)) - {*names, "_is_param", "_spec"}:
            raise TypeError("a tensor that stands for others has attributes of its own")
        inner = tuple(getattr(value, name) for name in names)
        form = (tuple(value.shape), tuple(value.stride()), bool(getattr(value, "_is_param", False)))
        return (tuple(names), inner, _own(context), form, value.requires_grad, value.grad)

    def load(self, cls, data):
        names, inner, context, (shape, stride, is_parameter), requires_grad, grad = data
        with torch.no_grad():
            made = cls.__tensor_unflatten__(dict(zip(names, inner)), context, torch.Size(shape), stride)
            if is_parameter:
                made = torch.nn.Parameter(made, requires_grad=requires_grad)
            elif made.requires_grad != requires_grad:
                made.requires_grad_(requires_grad)
        if grad is not None:
            made.grad = grad
        return made

    def fits(self, value, data):
        names, inner, _, form, _, _ = data
        now = self.save(value)
        return now[0] == names and now[3] == form and all(a is b for a, b in zip(now[1], inner))

    def patch(self, value, data):
        *_, requires_grad, grad = data
        if value.requires_grad != requires_grad:
            value.requires_grad_(requires_grad)
        if value.grad is not grad:
            value.grad = grad


def _own(value):
    """The same of objects that nobody shares: who shares them with whom is chance."""
    if type(value) is torch.Size:
        return torch.Size(list(value))
    if isinstance(value, tuple):
        parts = [_own(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if find(type(value)) is ADAPTERS["torch.placement"]:
        return type(value)(**dict(ADAPTERS["torch.placement"].save(value)))
    return value


class Placement:
    """How a tensor is divided: `Shard(0)`, `Replicate()`, `Partial("sum")`."""

    name = "torch.placement"
    fields = ("dim", "split_factor", "reduce_op", "norm_type")

    def save(self, value):
        known = {name: getattr(value, name) for name in self.fields if hasattr(value, name)}
        if type(value)(**known) != value:
            raise TypeError(f"a {type(value).__name__} has more to it than is known")
        return tuple(known.items())

    def load(self, cls, data):
        return cls(**dict(data))

    def fits(self, value, data):
        return self.save(value) == data

    def patch(self, value, data):
        pass


ADAPTERS = {adapter.name: adapter for adapter in (Wrapper(), Placement())}


def find(cls):
    """As `florc.adapters.find`."""
    if is_wrapper(cls):
        return ADAPTERS["torch.wrapper"]
    module = "torch.distributed.tensor"
    if cls.__module__.startswith(module) and any(base.__name__ == "Placement" for base in cls.__mro__):
        return ADAPTERS["torch.placement"]
    if cls.__name__ == "DeviceMesh" and cls.__module__ == "torch.distributed.device_mesh":
        return "harmless"
    return None
