"""What florc knows of the types of Python and of frameworks.

The native walk asks here once per type. A framework's file is loaded only when the framework
itself is loaded already; nothing here imports a framework.

An adapter has a `name`, `save(obj)` giving plain data, `load(cls, data)` giving a new object,
`fits(obj, data)`, whether an existing object can take the data or has it already, and
`patch(obj, data)`, which writes it. `save` gives `NotImplemented` for a thing of the process (nothing of the training), and `...` for
what cannot tell where it stands. With `shares`, tensors in what `save` gives are the object's own: they are
written in place.

A file has `find(cls)` and `ADAPTERS`. Where the framework holds state of the process it has `read_hidden()` and
`write_hidden(name, value)`, where its arrays are walked natively `data_type(dtype)`.
"""

import enum
import os
import sys
import sysconfig
import threading
import types
import weakref

from . import in_place, open_files, progress, running, settings, shared, standard
from .held import is_let_go
from .functions import code_of_function, function, make_function, name_of, resolve
from .sets import fill_set, new_frozenset

_FRAMEWORKS = ("numpy", "torch", "scipy", "sklearn", "jax", "pyarrow", "tokenizers")
_loaded = {}


def _adapters():
    """Adapter files, frameworks first."""
    for name in _FRAMEWORKS:
        if name not in _loaded and name in sys.modules:
            if not getattr(sys.modules[name], "__version__", None):
                continue  # being imported
            _loaded[name] = __import__(f"{__name__}.{name}_adapter", fromlist=["find"])
    yield from _loaded.values()
    yield from (shared, progress, in_place, settings, open_files, standard)


def _offered(name):
    """A function of the files that have it."""
    return [getattr(module, name) for module in _adapters() if hasattr(module, name)]


def _framework(name):
    list(_adapters())
    return _loaded[name]


def find(cls):
    """How instances of `cls` are captured: a word, an adapter, or `None` for a plain object."""
    if issubclass(cls, enum.Enum):
        return "enum"
    if cls is Original:
        return _original
    if issubclass(cls, weakref.ref) and cls in (weakref.ref, weakref.ReferenceType):
        return "weakref"
    for module in _adapters():
        found = module.find(cls)
        if found is not None:
            return found
    return None


def by_name(name):
    """The adapter of that name."""
    if name == running.name:
        return running
    if name == Original.name:
        return _original
    for module in _adapters():
        found = module.ADAPTERS.get(name)
        if found is not None:
            return found
    raise LookupError(f"no adapter `{name}` is loaded")


def read_hidden():
    """State of the process that no variable names."""
    state = {}
    for read in _offered("read_hidden"):
        state.update(read())
    return state


def write_hidden(name, value):
    """Puts back one entry of `read_hidden`."""
    if any(write(name, value) for write in _offered("write_hidden")):
        return
    raise LookupError(f"nothing loaded holds `{name}`")


def data_type(dtype):
    """Name, element size in bytes, and whether elements are objects."""
    for describe in _offered("data_type"):
        found = describe(dtype)
        if found is not None:
            return found
    raise TypeError(f"unknown data type {dtype!r}")


def save_tensor(tensor):
    return _framework("torch").save_tensor(tensor)


def new_storage(size, device):
    return _framework("torch").new_storage(size, device)


def whole_storage(tensor):
    return _framework("torch").whole_storage(tensor)


def storage_extent(tensor):
    return _framework("torch").storage_extent(tensor)


def tensor_over(storage, cls, dtype, shape, strides, offset, requires_grad, grad_fn):
    return _framework("torch").tensor_over(
        storage, cls, dtype, shape, strides, offset, requires_grad, grad_fn
    )


def rebind_tensor(live, fresh):
    return _framework("torch").rebind_tensor(live, fresh)


def retain_grad(value, grad):
    return _framework("torch").retain_grad(value, grad)


def patch_tensor(live, requires_grad, grad, set_grad):
    return _framework("torch").patch_tensor(live, requires_grad, grad, set_grad)


def is_capturing():
    return _framework("torch").is_capturing()


def device_bytes(tensor, delta, length):
    return _framework("torch").device_bytes(tensor, delta, length)


def device_write(target, source):
    return _framework("torch").device_write(target, source)


def array_over(buffer, dtype, shape, strides, offset, writeable):
    return _framework("numpy").array_over(buffer, dtype, shape, strides, offset, writeable)


def object_array(shape, items):
    return _framework("numpy").object_array(shape, items)


def fill_object_array(live, items):
    return _framework("numpy").fill_object_array(live, items)


def array_extent(array):
    return _framework("numpy").array_extent(array)


_INSTALLED = tuple(
    {
        sysconfig.get_path(name)
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
        if sysconfig.get_path(name)
    }
)
_projects = {}


def is_project(module):
    """Whether a module, by name, is the user's own: neither Python's nor an installed package."""
    if not isinstance(module, str):
        return False
    known = _projects.get(module)
    if known is None:
        known = _projects[module] = _is_project(module)
    return known


def _is_project(module):
    if module == "__main__":
        return True
    top = module.partition(".")[0]
    if top == "florc" or top in sys.builtin_module_names or top in sys.stdlib_module_names:
        return False
    loaded = sys.modules.get(module)
    path = getattr(loaded, "__file__", None)
    if not path:
        return False
    if not os.path.isabs(path) and top != module:
        return is_project(top)  # `torch.ops` says that it is `_ops.py`
    return not path.startswith(_INSTALLED) and "site-packages" not in path


def class_attributes(cls):
    """Attributes of a class that hold data."""
    if issubclass(cls, enum.Enum):
        return _members(cls)
    found = _replaced(cls)
    for name, value in list(vars(cls).items()):
        if name.startswith("__") and name.endswith("__") or name.startswith("_abc_"):
            continue
        if _is_data(value) or _is_nested(cls, value):
            found[name] = value
        for part, function in _functions(name, value):
            if any(can_change(it) for it in function.__defaults__ or ()):
                found[f"{part}.__defaults__"] = function.__defaults__
            if any(can_change(it) for it in (function.__kwdefaults__ or {}).values()):
                found[f"{part}.__kwdefaults__"] = function.__kwdefaults__
            if any(not each.startswith("__") for each in vars(function)):
                found[f"{part}.__dict__"] = vars(function)
    return found


def _is_nested(cls, value):
    """A class of the program in the body of another one, and with data of its own."""
    is_class = isinstance(value, type) and value.__qualname__ == f"{cls.__qualname__}.{value.__name__}"
    is_class = is_class and "<locals>" not in value.__qualname__
    return is_class and _is_project(value.__module__) and bool(class_attributes(value))


_METHODS = (types.FunctionType, property, staticmethod, classmethod)
_methods = {}  # by the identity of a class: what tells that it lives, its methods, and names of those that were replaced


def first_look():
    """Notes what is made again by whoever runs the script up to its first main loop."""
    settings.look()
    for module in list(sys.modules.values()):
        if is_project(getattr(module, "__name__", None)):
            for value in list(vars(module).values()):
                if isinstance(value, type) and is_project(getattr(value, "__module__", None)):
                    _methods_of(value)


def _methods_of(cls):
    known = _methods.get(id(cls))
    if known is None:
        first = {name: _kept(value) for name, value in vars(cls).items() if isinstance(value, _METHODS)}
        known = _methods[id(cls)] = (weakref.ref(cls, lambda _, key=id(cls): _methods.pop(key, None)), first, set())
    return known[1:]


def _kept(value):
    """What finds a method again, and does not keep it."""
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda number=id(value): number


def _is_first(kept, value):
    then = kept()
    return then is value or then == id(value) or _innermost(then) is _innermost(value)


def _innermost(value):
    for _ in range(8):
        value = getattr(value, "__wrapped__", value)
    return value


def _replaced(cls):
    """Methods in whose place something else was put since the first look at their class."""
    first, changed = _methods_of(cls)
    now = {name: value for name, value in vars(cls).items() if isinstance(value, _METHODS) or name in first}
    changed.update(name for name, value in now.items() if name not in first or not _is_first(first[name], value))
    changed.update(first.keys() - now.keys())
    found = {}
    for name in changed:
        if name not in now:
            found[name] = Original(None, name)
        else:
            is_first = name in first and _is_first(first[name], now[name])
            found[name] = Original(cls, name) if is_first else now[name]
    return found


class Original:
    """The method that a class had of that name: by its name alone one would find what took its place."""

    name = "method.original"

    def __init__(self, cls=None, method=""):
        self.parts = (cls, method)

    def save(self, value):
        if value.parts[0] is None:
            raise TypeError(f"the method `{value.parts[1]}` was deleted")
        return value.parts

    def load(self, cls, data):
        found = _methods_of(data[0])[0][data[1]]()
        if not isinstance(found, _METHODS):
            raise LookupError(f"the method `{data[1]}` is not kept by anything")
        return found

    def fits(self, value, data):
        return False

    def patch(self, value, data):
        pass


_original = Original()


def _members(cls):
    """What members of an enumeration hold that can change: their values, and attributes of their own."""
    found = {}
    for name, member in cls.__members__.items():
        held = getattr(member, "__dict__", {})
        own = held.keys() - {"_value_", "_name_", "__objclass__", "_sort_order_"}
        if member._name_ == name and (own or can_change(held.get("_value_"))):
            found[f"{name}.__dict__"] = held
    return found


def write_part(cls, name, value):
    """Puts back what a method or a member had, as `class_attributes` calls it: `bump.__dict__`."""
    place, _, part = name.rpartition(".")
    if issubclass(cls, enum.Enum):
        owner = cls.__members__[place]
    else:
        attribute = place.partition(".")[0]
        owner = dict(_functions(attribute, vars(cls)[attribute]))[place]
    if part != "__dict__":
        setattr(owner, part, value)
        return
    for gone in vars(owner).keys() - value.keys():
        del vars(owner)[gone]
    vars(owner).update(value)


def _functions(name, value):
    """The functions of a method, whatever is around them, each with the way to it from the class: `size.fget`."""
    if isinstance(value, property):
        parts = [(f"{name}.{part}", getattr(value, part)) for part in ("fget", "fset", "fdel")]
    elif isinstance(value, (staticmethod, classmethod)):
        parts = [(name, value.__func__)]
    else:
        parts = [(name, value)]
    for place, part in parts:
        function = _innermost(part)
        if isinstance(function, types.FunctionType) and _is_project(function.__module__ or ""):
            yield place, function


def can_change(value):
    """Whether an object that a method, a member or a cache keeps is state."""
    if isinstance(value, tuple):
        return any(map(can_change, value))
    return isinstance(value, (list, dict, set, bytearray)) or _is_project(type(value).__module__)


# In a replay: globals, as (module, name), that the recorded program did not have.
added_globals = set()


def module_attributes(module):
    """Globals of a module that hold data."""
    found = {}
    for name, value in list(vars(module).items()):
        if (module.__name__, name) in added_globals:
            continue
        if not (name.startswith("__") and name.endswith("__")) and _is_data(value):
            found[name] = value
    return found


_CODE = (type, type(sys), type(len))


def _is_data(value):
    """Neither a class, module or function nor a descriptor that is not the program's own."""
    if isinstance(value, _CODE):
        return False
    return not hasattr(type(value), "__get__") or _is_project(type(value).__module__)


def sink(value):
    """Module and name of a standard stream."""
    for name in ("stdout", "stderr", "stdin", "__stdout__", "__stderr__", "__stdin__"):
        if getattr(sys, name) is value:
            return "sys", name
    return None


def new_harmless(name):
    """A new lock: one that was free at a cut point has no state."""
    if name == "_thread.lock":
        return threading.Lock()
    if name == "_thread.RLock":
        return threading.RLock()
    raise LookupError(f"a `{name}` is kept by reference, and the program has none at this place")
