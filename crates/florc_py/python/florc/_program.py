"""The script as `__main__`: namespace, arguments, path, and how it ends, as in a plain run.

Plain: `python train.py --epochs 3`. Here: the same `sys.argv`, `sys.path[0]`, `__file__`, exit
code, traceback. The module object of the runner becomes that of the script. Sessions are begun and
ended elsewhere.
"""

import ast
import builtins
import json
import os
import sys
import warnings
from typing import NamedTuple

from . import _florc
from ._modules import installed_folders, relative
from .adapters import functions


class File(NamedTuple):
    """A file of the program."""

    path: str  # in the project; of a library, in its folder of packages
    name: str
    package: str
    source: bytes
    excerpt: list = []  # of a library, the functions that count


class Program:
    """What is to be run.

    `folder` holds what Python itself put on `sys.path`, and nothing where it was told not to.
    """

    def __init__(self, command, folder, project, path=None):
        self.is_module = command[0] == "-m"
        command = command[1:] if self.is_module else command
        self.name, self.arguments = command[0], command[1:]
        self.path = path or (None if self.is_module else _absolute(self.name))
        self.is_given = path is not None
        self.folder = folder
        self.project = project
        self.package = ""
        self.spec = None

    def find(self):
        """Sets `sys.argv` and `sys.path`, and finds the file. Errors are Python's own."""
        options = sys.orig_argv[1 : sys.orig_argv.index("-m")]
        what = ["-m", self.name] if self.is_module else [self.name]
        sys.orig_argv[1:] = [*options, *what, *self.arguments]
        sys.argv[:] = [what[0], *self.arguments]
        if self.folder and not self.is_module:
            self.folder = [os.path.dirname(os.path.realpath(self.path))]
        sys.path[:0] = self.folder
        for folder in self.folder:
            _make_way(folder)
        if self.is_module:
            found = _florc.locate_module(json.dumps(self._start()), self.name)
            if found is None:
                self.locate()
            else:
                self.path, self.package = self.path or found[0], found[1]

    def locate(self):
        """Imports the packages around a module that is run, and finds it as Python does."""
        import runpy

        if not self.is_module or self.spec is not None:
            return
        try:
            _, self.spec, _ = runpy._get_module_details(self.name, runpy._Error)
        except runpy._Error as error:
            sys.exit(f"{sys.executable}: {error}")
        sys.argv[0] = self.spec.origin
        self.path = self.path or self.spec.origin
        self.package = self.spec.parent or ""

    def is_located(self):
        """Whether the file is the one that Python found, where that is to be."""
        return self.spec is None or self.is_given or os.path.realpath(self.spec.origin) == os.path.realpath(self.path)

    def argv(self):
        """`sys.argv` of the script."""
        return [self.path if self.is_module else self.name, *self.arguments]

    def read(self):
        """The bytes of the source."""
        try:
            with open(self.path, "rb") as file:
                return file.read()
        except OSError as error:
            reason = f"[Errno {error.errno}] {error.strerror}"
            sys.stderr.write(f"{sys.executable}: can't open file {self.path!r}: {reason}\n")
            sys.exit(2)

    def _start(self):
        return {
            "path": self.path or "",
            "package": self.package,
            "search": [os.path.join(os.getcwd(), path) for path in sys.path if isinstance(path, str)],
            "folder": os.getcwd(),
            "taken": sorted({*sys.builtin_module_names, *_STARTED}),
            "root": self.project,
            "installed": installed_folders(),
        }

    def files(self, source):
        """The files of the program, the script first; and what was left out, in words."""
        alone = File(relative(self.path, self.project), "__main__", self.package, source)
        try:
            files, left_out = _florc.program_files(json.dumps(self._start()))
        except Exception as error:
            return [alone], [f"the imports of `{alone.path}` could not be followed: {error}"]
        files = [File(path, name, package, bytes(text), excerpt) for path, name, package, text, excerpt in files[1:]]
        # What Python had to import to find the script was run already.
        return [alone, *(file for file in files if file.name not in sys.modules)], left_out

    def namespace(self):
        """The globals of `__main__`, made as a plain run makes them."""
        names = sys.modules["__main__"].__dict__
        names.clear()
        names["__name__"] = "__main__"
        names["__doc__"] = None
        names["__package__"] = self.spec.parent if self.spec else None
        names["__loader__"] = self.spec.loader if self.spec else _loader(self.path)
        names["__spec__"] = self.spec
        if sys.version_info < (3, 14):
            names["__annotations__"] = {}
        names["__builtins__"] = builtins
        names["__file__"] = self.path
        names["__cached__"] = self.spec.cached if self.spec else None
        return names


def _absolute(path):
    if os.path.isabs(path):
        return path
    return os.path.join(os.getcwd(), path)


def _loader(path):
    from importlib.machinery import SourceFileLoader

    return SourceFileLoader("__main__", path)


def _make_way(folder):
    """Modules that florc loaded and the script has files of the same name for are the script's."""
    for name in [name for name in sys.modules if "." not in name and name not in _STARTED]:
        path = os.path.join(folder, name)
        if os.path.isfile(path + ".py") or os.path.isfile(os.path.join(path, "__init__.py")):
            del sys.modules[name]


_STARTED = frozenset(
    "__main__ _abc _codecs _collections_abc _distutils_hack _frozen_importlib "
    "_frozen_importlib_external _imp _io _signal _sitebuiltins _stat _thread _warnings _weakref "
    "abc builtins codecs encodings florc genericpath io marshal os posix posixpath site stat sys "
    "time warnings winreg zipimport".split()
)


def compiled(program, files, plan=None, settings=None):
    """Code to run, and the instrumented program or why there is none. The script is the first file.

    The user's bytes are compiled first, so that warnings are Python's own. What does not compile
    is handed to a plain interpreter, whose words differ a little from those of `compile`.
    """
    path = program.path
    try:
        plain = compile(files[0].source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        sys.stderr.flush()
        os.execv(sys.executable, sys.orig_argv)
    try:
        module = _florc.compile_program(files, plan, settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return placed(module, 0, path), module, None
    except Exception as error:
        return plain, None, str(error)


def placed(module, index, path):
    """Code of an instrumented file, with the positions of the original source."""
    return compiled_file(module, index, path)[0]


def compiled_file(module, index, path):
    """The same, and the names that it knows florc by."""
    tree = ast.parse(module.text(index), path)
    imports = [node for node in tree.body if type(node) is ast.Import]
    names = [alias.asname or alias.name for node in imports for alias in node.names if alias.name == "florc"]
    calls = []
    for node in ast.walk(tree):
        if "lineno" in node._attributes:
            module.place(index, node)
        if type(node) is ast.Call and len(node.args) > 1:
            calls.append(node)
    for call in calls:
        _cover(*call.args[:2])
    return compile(tree, path, "exec", dont_inherit=True), names


def _cover(first, second):
    """A hook's site takes the place of the argument after it.

    Python 3.11 loads both by one instruction, which has the place of the first.
    """
    place = (first.end_lineno, first.end_col_offset)
    if type(first) is ast.Constant and place == (first.lineno, first.col_offset):
        ast.copy_location(first, second)


def execute(program, code, fail):
    """Runs the script as `__main__`; tells how it ended by `execute.ended`. What is to be run must
    be what was compiled: else `fail` is told, and the plain source is run."""
    try:
        program.locate()
    except BaseException as error:
        execute.ended = outcome(error)
        raise
    if not program.is_located():
        fail(f"module `{program.name}` is not `{program.path}`, as it seemed before the run")
        program.path = program.spec.origin
        code = compile(program.read(), program.path, "exec", dont_inherit=True)
    names = program.namespace()
    functions.know_file(code)
    try:
        exec(code, names)
    except BaseException as error:
        execute.ended = outcome(error)
        _florc.show_from(code, program.is_module)
        raise


execute.ended = "finished"


def outcome(error):
    """How a script ended by an exception, for the run's record."""
    if isinstance(error, SystemExit):
        code = error.code
        if code is None or code == 0:
            return "finished"
        return {"exited": {"code": code if isinstance(code, int) else 1}}
    text = str(error).partition("\n")[0]
    name = type(error).__qualname__
    return {"raised": {"exception": f"{name}: {text}" if text else name}}
