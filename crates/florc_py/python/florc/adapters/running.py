"""Generators that have begun, where it can be told how to begin them again at the same place.

    def cycle(loader):               # its one loop, the iterator that the loop draws from
        while True:
            for batch in loader:
                yield batch

A generator that has not begun is its function and its arguments. One that only hands on what a loop over a
parameter gives is made again over a stand-in for that parameter, which first gives the iterator as it is now.
Nothing here moves a generator. Of others it cannot be told where they are.
Nor can it of loaders' iterators with workers, but for those that have ended.
"""

import ast
import gc
import inspect
import sys
import types

from . import samplers, workers
from .functions import resolve

name = "running"


def fits(value, data):
    return False


def patch(value, data):
    pass


def save(value):
    """What `load` takes, or `None`."""
    if type(value) is not types.GeneratorType:
        return workers.save(value) if "torch" in sys.modules else None
    if value.gi_running:
        return None
    frame = value.gi_frame
    if frame is None:
        return ("ended",)
    created = inspect.getgeneratorstate(value) == inspect.GEN_CREATED
    state = samplers.save(value, frame.f_locals, created) if "torch" in sys.modules else None
    return state or _save(value, frame, created)


def load(cls, data):
    kind, *rest = data
    return _LOAD[kind](*rest)


def _ended():
    generator = (item for item in ())
    next(generator, None)
    return generator


class Resumed:
    """An iterable that goes on with an iterator once, before it is iterated over anew."""

    def __init__(self, iterable, begun):
        self.iterable, self.begun = iterable, begun

    def __iter__(self):
        begun, self.begun = self.begun, None
        return iter(self.iterable) if begun is None else begun


def _save(value, frame, created):
    function = _function(value, frame)
    if function is None:
        return None
    code = value.gi_code
    arguments = {name: frame.f_locals[name] for name in _parameters(code) if name in frame.f_locals}
    if len(arguments) != len(_parameters(code)):
        return None
    given = next((name for name, held in arguments.items() if type(held) is Resumed), None)
    if created and given is None:
        return ("called", function, arguments)
    over = _over(code)
    if over is None:
        return None
    iterable, begun = arguments[over], None
    if type(iterable) is Resumed:
        iterable, begun = iterable.iterable, iterable.begun if created else None
    if begun is None:
        begun = _drawn_from(value, frame)
    if begun is None:
        return None
    return ("looping", function, {**arguments, over: iterable}, over, begun)


def _called(function, arguments):
    code = function.__code__
    positional = [arguments[name] for name in code.co_varnames[: code.co_argcount]]
    names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return function(*positional, **{name: arguments[name] for name in names})


def _looping(function, arguments, over, begun):
    return _called(function, {**arguments, over: Resumed(arguments[over], begun)})


_LOAD = {"ended": _ended, "called": _called, "looping": _looping, "exhausted": workers.load, **samplers.LOAD}


def _function(value, frame):
    """The function that made a generator, if its name leads to it and it has no closure."""
    if value.gi_code.co_freevars or not value.__qualname__.replace(".", "").isidentifier():
        return None
    try:
        found = resolve(frame.f_globals.get("__name__"), value.__qualname__)
    except LookupError:
        return None
    return found if getattr(found, "__code__", None) is value.gi_code else None


def _parameters(code):
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _drawn_from(value, frame):
    """The iterator of the loop that a generator stands in: what it holds besides its variables."""
    if value.gi_yieldfrom is not None:
        return value.gi_yieldfrom
    held = gc.get_referents(value)
    if any(part is frame for part in held):
        held += gc.get_referents(frame)
    known = {id(part) for part in frame.f_locals.values()}
    known.update(map(id, (value.gi_code, frame.f_globals, frame.f_builtins, frame)))
    found = {id(part): part for part in held if id(part) not in known and hasattr(type(part), "__next__")}
    return next(iter(found.values())) if len(found) == 1 else None


_OVER = {}


def _over(code):
    """The parameter that a generator's only loop is over, if all it does is to hand on its items."""
    if code not in _OVER:
        try:
            _OVER[code] = _read(code)
        except (OSError, SyntaxError, TypeError, ValueError):
            _OVER[code] = None
    return _OVER[code]


def _read(code):
    if code.co_flags & 0x0C:  # *args, **kwargs
        return None
    tree = ast.parse("".join(inspect.findsource(code)[0]))
    written = [part for part in _codes(compile(tree, "", "exec")) if _is_alike(part, code)]
    functions = [
        part for part in ast.walk(tree)
        if isinstance(part, ast.FunctionDef) and part.name == code.co_name and _first_line(part) == code.co_firstlineno
    ]  # fmt: skip
    if len(written) != 1 or len(functions) != 1:
        return None  # another source, or one that florc instrumented
    function = functions[0]
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if len(body) != 1:
        return None
    return _loop(body[0], set(_parameters(code)), set(code.co_varnames))


def _codes(code):
    """A code object and those in it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from _codes(const)


def _is_alike(one, other):
    same = (getattr(one, part) == getattr(other, part) for part in ("co_name", "co_firstlineno", "co_code", "co_names"))
    return all(same)


def _first_line(function):
    return min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])


def _loop(stmt, parameters, variables):
    if isinstance(stmt, ast.While) and isinstance(stmt.test, ast.Constant) and stmt.test.value:
        if len(stmt.body) == 1 and not stmt.orelse:
            return _loop(stmt.body[0], parameters, variables)
        return None
    if isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.YieldFrom):
        over = stmt.value.value
        return over.id if isinstance(over, ast.Name) and over.id in parameters else None
    if not isinstance(stmt, ast.For) or stmt.orelse or not isinstance(stmt.iter, ast.Name):
        return None
    over = stmt.iter.id
    known = parameters - {over} | _names(stmt.target, ast.Store)
    for inner in stmt.body:
        known |= {name for part in ast.walk(inner) if isinstance(part, ast.comprehension)
                  for name in _names(part.target, ast.Store)}  # fmt: skip
        if _names(inner, ast.Load) & variables - known or not _is_plain(inner, inner is stmt.body[-1]):
            return None
        known |= _names(inner, ast.Store)
    stored = _names(stmt, ast.Store) & parameters
    return over if over in parameters and not stored else None


def _names(tree, context):
    return {part.id for part in ast.walk(tree) if isinstance(part, ast.Name) and isinstance(part.ctx, context)}


def _is_plain(stmt, last):
    """An assignment, or the one `yield` at the end."""
    yields = [part for part in ast.walk(stmt) if isinstance(part, (ast.Yield, ast.YieldFrom, ast.Await))]
    if last:
        return isinstance(stmt, ast.Expr) and yields == [stmt.value] and isinstance(stmt.value, ast.Yield)
    return isinstance(stmt, ast.Assign) and not yields and all(
        isinstance(target, (ast.Name, ast.Tuple)) for target in stmt.targets
    )
