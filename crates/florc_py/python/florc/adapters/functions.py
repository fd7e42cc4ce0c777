"""Names of functions and classes, and functions made again from code that is loaded."""

import hashlib
import operator
import sys
import types

_codes = {}
_files = {}  # the code of the program's modules, `__main__` first


def know_file(code, module="__main__"):
    """The code that is run as a module of the program: its functions are found there before they are defined."""
    _files[module] = code
    _codes.clear()


_UNNAMED = {
    kind.__name__: kind
    for kind in [
        *(kind for kind in vars(types).values() if isinstance(kind, type)),
        *map(type, (iter([]), iter(()), iter(range(0)), iter(range(1 << 70)), iter(""), iter(b""))),
        *map(type, (iter("é"), iter(bytearray()), reversed([]), iter({}), iter(set()))),
        type(...),
        type(None),
        type(NotImplemented),
    ]
    if kind.__module__ == "builtins"
}


def resolve(module, qualname):
    """The object of that name, or a function of the script that is not defined yet."""
    try:
        return _loaded(module, qualname)
    except LookupError:
        found = _alike_in_file(module, qualname, None) if module == "__main__" and qualname.isidentifier() else []
        if len(found) != 1 or found[0].co_freevars or not found[0].co_flags & 1:  # CO_OPTIMIZED
            raise
        return _over(found[0], vars(sys.modules[module]), qualname, ())


def _loaded(module, qualname):
    """The object of that name; `LookupError` says what is missing."""
    if module == "builtins" and qualname in _UNNAMED:
        return _UNNAMED[qualname]
    found = sys.modules.get(module)
    if found is None:
        if module == "__main__" or not module:
            raise LookupError(f"there is no module `{module}`")
        try:
            found = __import__(module, fromlist=["*"])
        except ImportError as error:
            raise LookupError(f"module `{module}` cannot be imported: {error}") from None
    if not qualname:
        return found
    for part in qualname.split("."):
        try:
            found = vars(found)[part] if isinstance(found, types.ModuleType) else getattr(found, part)
        except (AttributeError, KeyError):
            try:
                found = getattr(found, part)
            except AttributeError:
                raise LookupError(f"`{module}.{qualname}` does not exist") from None
    return found


def name_of(value):
    """Module and qualified name by which `value` itself is found, or `None`."""
    text = None
    if not hasattr(value, "__qualname__") and not hasattr(value, "__name__"):
        text = repr(value).rpartition(".")[2]
    qualname = text or getattr(value, "__qualname__", None) or value.__name__
    module = getattr(value, "__module__", None) or type(value).__module__
    names = [module]
    if text is not None:
        names += [type(value).__module__.partition(".")[0]]
    owner = getattr(value, "__self__", None)
    if isinstance(owner, types.ModuleType):
        names.append(owner.__name__)
    for name in names:
        for candidate in (qualname, getattr(value, "__name__", qualname)):
            if isinstance(name, str) and isinstance(candidate, str):
                try:
                    if name in sys.modules and _loaded(name, candidate) is value:
                        return name, candidate
                except LookupError:
                    pass
    return None


def function(value):
    """Module, qualified name, key of the code, and whether the name finds this function."""
    module = value.__module__ or ""
    qualname = value.__qualname__
    key = _key(value.__code__, value.__globals__.get("__name__", module), qualname)
    try:
        named = "<locals>" not in qualname and _loaded(module, qualname) is value
    except LookupError:
        named = False
    if not named and module:
        # a name of an outer module for a function whose `__module__` says otherwise
        home = value.__globals__.get("__name__", module)
        return home, qualname, key, False
    return module, qualname, key, named


def _key(code, module, qualname):
    """What tells functions of one qualified name apart: stable between runs of one program."""
    known = _codes.get(id(code))
    if known is not None and known[0] is code:
        return known[1]
    path = getattr(code, "co_qualname", qualname)
    from . import is_project

    if not is_project(module):
        key = f"{path}@{code.co_firstlineno}"
    else:
        key = _place_in_file(code, module, path) or _place(code, module, path)
    _codes[id(code)] = (code, key)
    return key


def _place_in_file(code, module, path):
    """Signature and order among the functions of that name: probes in its body change neither."""
    shape = _signature(code)
    alike = _alike_in_file(module, path, shape)
    order = next((i for i, other in enumerate(alike) if other is code), None)
    return None if order is None else f"{path}:{shape}*{order}"


def _alike_in_file(module, path, shape):
    codes = [_files.get(module)]
    for part in path.split("."):
        if part != "<locals>":
            codes = _inside(codes, part)
    return [code for code in codes if shape in (None, _signature(code))]


def _inside(codes, name):
    """Code objects of that name that stand in others, in the order of the source."""
    return [
        inner
        for code in codes
        if code is not None
        for inner in code.co_consts
        if isinstance(inner, types.CodeType) and inner.co_name == name
    ]


def _place(code, module, path):
    shape = _shape(code)
    alike = [other for other in _siblings(module, path) if _shape(other) == shape]
    order = next((i for i, other in enumerate(alike) if other is code), None)
    if order is None:
        order = next((i for i, other in enumerate(alike) if other == code), None)
    return f"{path}:{shape}#{'' if order is None else order}"


def _signature(code):
    return _digest(_facts(code))


def _facts(code):
    facts = [code.co_argcount, code.co_kwonlyargcount, code.co_flags & 0x2C, code.co_freevars]
    return [*facts, code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]]


def _digest(facts):
    return hashlib.blake2b(repr(facts).encode(), digest_size=8).hexdigest()


def _shape(code):
    """A hash of what a function does, of its signature alone where florc rewrote its body: two
    instrumented versions of one function must agree, two functions of one name must not."""
    facts = _facts(code)
    if not {"florc", "_florc"} & {*code.co_names, *code.co_freevars}:
        facts += [code.co_names, code.co_varnames, code.co_code]
        facts += [repr(value) for value in code.co_consts if not isinstance(value, types.CodeType)]
    return _digest(facts)


def _siblings(module, path):
    """Code objects with that qualified name, in the order of the source."""
    parts = path.split(".")
    at = parts.index("<locals>") if "<locals>" in parts else len(parts)
    try:
        outer = _loaded(module, ".".join(parts[:at]))
    except LookupError:
        return []
    wrapped = [outer]
    while hasattr(wrapped[-1], "__wrapped__") and len(wrapped) < 32:
        wrapped.append(wrapped[-1].__wrapped__)
    if at == len(parts):
        return [f.__code__ for f in wrapped if isinstance(f, types.FunctionType)]
    outer = wrapped[-1]
    codes = [getattr(outer, "__code__", None)]
    for part in parts[at:]:
        if part != "<locals>":
            codes = _inside(codes, part)
    return codes


def code_of_function(value):
    """The key under which the code of a live function is known."""
    return function(value)[2]


def make_function(module, qualname, key, cells):
    """A function of code that is loaded, over `cells`; `LookupError` when there is none."""
    found = None if "<locals>" in qualname else _defined(module, qualname)
    if isinstance(found, types.FunctionType) and function(found)[2] == key:
        held = found.__closure__ or ()
        if len(held) == len(cells) and all(map(operator.is_, held, cells)):
            return found
        made = _over(found.__code__, found.__globals__, qualname, cells)
        made.__module__ = found.__module__
        return made
    return _over(_code_of(module, qualname, key), vars(sys.modules[module]), qualname, cells)


def _defined(module, qualname):
    if module != "__main__":
        _loaded(module, "")
    try:
        return _loaded(module, qualname)
    except LookupError:
        return None


def _code_of(module, qualname, key):
    """The code object that has that key."""
    if "@" in key:
        return _code_at(module, qualname, *key.rpartition("@")[::2])
    mark = "*" if "*" in key else "#"
    path, _, order = key.rpartition(mark)
    path, _, shape = path.rpartition(":")
    alike = []
    if path and mark == "*":
        alike = _alike_in_file(module, path, shape)
    elif path:
        alike = [code for code in _siblings(module, path) if _shape(code) == shape]
    if not order.isdigit() or int(order) >= len(alike):
        raise LookupError(f"the code of `{qualname}` is not loaded, or is another one now")
    return alike[int(order)]


def _code_at(module, qualname, path, line):
    """The code of a library's function, by the path to it and its first line."""
    found = [code for code in _siblings(module, path) if str(code.co_firstlineno) == line]
    if len(found) != 1:
        raise LookupError(f"the code of `{module}.{qualname}` is not loaded, or is another one now")
    return found[0]


def _over(code, namespace, qualname, cells):
    name = qualname.rpartition(".")[2]
    made = types.FunctionType(code, namespace, name, None, tuple(cells))
    made.__qualname__ = qualname
    return made
