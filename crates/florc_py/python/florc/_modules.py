"""Modules of the project that the script imported.

Their sources are part of the run, and what their globals hold may be state. Installed packages and
Python's own modules are not the project's.
"""

import os
import stat
import sys
import sysconfig

from . import _florc

_INSTALLED = tuple(
    {
        os.path.realpath(path) + os.sep
        for name, path in sysconfig.get_paths().items()
        if name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)
_ENVIRONMENT = os.path.realpath(sys.prefix) + os.sep
_lstat = os.lstat  # a replay looks at every file through its scratch directory, which takes long for thousands of modules
_folders = {}
_known = {}
_recorded = set()
_last = {}


def _real(path):
    """As `os.path.realpath`; each folder is looked at once."""
    folder, name = os.path.split(path)
    if folder not in _folders:
        _folders[folder] = os.path.realpath(folder)
    path = os.path.join(_folders[folder], name)
    try:
        linked = stat.S_ISLNK(_lstat(path).st_mode)
    except OSError:
        return path
    return os.path.realpath(path) if linked else path


def _is_project_file(path, root):
    if not isinstance(path, str) or not path.endswith(".py"):
        return False
    real = _real(path)
    if not real.startswith(root + os.sep) or "site-packages" in real:
        return False
    if real.startswith(_INSTALLED):
        return False
    return not (sys.prefix != sys.base_prefix and real.startswith(_ENVIRONMENT))


def loaded(project):
    """Modules of the project by name, without the script itself."""
    if _last.get("count") == len(sys.modules):
        return _last["found"]
    root = os.path.realpath(project)
    main = sys.modules.get("__main__")
    found = {}
    for name, module in sorted(sys.modules.copy().items()):
        if name == "__main__" or module is main or name.partition(".")[0] == "florc":
            continue
        path = getattr(module, "__file__", None) if type(module) is type(sys) else None
        if path is None:
            continue
        if path not in _known:
            _known[path] = _is_project_file(path, root)
        if _known[path]:
            found[name] = module
    _last.update(count=len(sys.modules), found=found)
    return found


def began(project):
    """A main loop begins: what is loaded now takes part in it."""
    if None not in _recorded:
        _recorded.add(None)
        found = versions()
        if found:
            text = ", ".join(f"{name} {version}" for name, version in sorted(found.items()))
            _florc.note("packages", text)
    record(project)


def installed_folders():
    """Where the files are that are not the project's."""
    folders = [folder.rstrip(os.sep) for folder in _INSTALLED]
    if sys.prefix != sys.base_prefix:
        folders.append(_ENVIRONMENT.rstrip(os.sep))
    return folders


def recorded(files, project):
    """Sources of these files are kept already."""
    _recorded.update(os.path.realpath(os.path.join(project, path)) for path in files)


def record(project):
    """Keeps the sources of the modules that are loaded now."""
    for module in loaded(project).values():
        path = os.path.realpath(module.__file__)
        if path in _recorded:
            continue
        _recorded.add(path)
        try:
            with open(path, "rb") as file:
                source = file.read()
        except OSError:
            continue
        _florc.add_source(relative(path, project), source)


def relative(path, project):
    """A path as the store names it: relative to the project, with `/`, or absolute outside."""
    real, root = os.path.realpath(path), os.path.realpath(project)
    if real.startswith(root + os.sep):
        return real[len(root) + 1 :].replace(os.sep, "/")
    return real


_IMPORTANT = ("torch", "numpy", "pandas", "sklearn", "scipy", "jax", "lightning", "transformers")


def versions():
    """Versions of loaded libraries that decide bits."""
    found = {}
    for name in _IMPORTANT:
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            found[name] = str(version)
    return found
