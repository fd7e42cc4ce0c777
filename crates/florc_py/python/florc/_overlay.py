"""Files of a replayed script: what it writes goes to a scratch directory.

    open("best.pt", "wb")      # scratch/…/best.pt; the user's best.pt stays as it is
    open("best.pt", "rb")      # the scratch copy, when there is one

Only in replay workers. Paths are led astray where Python's own functions take them; libraries that
write through C alone are not seen, but for some (`_native_files.py`). Programs are not started, unless the user asks for them.
"""

import builtins
import io
import os
import pathlib
import shutil
import sys

from . import _compilers, _florc, _native_files
from ._askers import Askers
from ._file_doubts import FileDoubts
from ._kept_files import Kept

_CREATES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_KEPT = "stat open listdir scandir chmod mkdir unlink link rmdir rename replace symlink readlink".split()
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn")
# Besides these, the folders in which processes of one program meet (`pymp-…`).
_UNTOUCHED = ("/dev/", "/proc/", "/sys/")

_INSTALLED = tuple({os.path.realpath(each) + os.sep for each in (sys.prefix, sys.base_prefix)} | {sys.prefix + os.sep})


class Overlay:
    """A scratch directory over the file system."""

    def __init__(self, scratch, project, store=None, ran=(0.0, float("inf")), kept=None, programs=False):
        self.programs = programs
        self.scratch = os.path.realpath(scratch)
        self.project = os.path.realpath(project) + os.sep
        self.absent = {}  # what was not there at a moment: when, and whether it is a folder
        self.told = set()  # what the recorded run was told is there
        self.real = {
            name: getattr(os, name)
            for name in (
                "open stat lstat remove unlink rename replace mkdir rmdir listdir scandir access "
                "chmod utime truncate symlink link readlink"
            ).split()
        }
        self.real_open = io.open
        self.askers = Askers(self.project)
        kept = Kept(kept or {}, os.path.realpath(project), self.real["listdir"])
        self.doubts = FileDoubts(self.real["stat"], self.askers, store and os.path.realpath(store), ran, kept)

    def _absolute(self, path):
        """An absolute path as text, or `None` for what is not led astray."""
        if isinstance(path, int) or _compilers.are_asking():
            return None
        try:
            text = os.fsdecode(path)
        except TypeError:
            return None
        text = os.path.normpath(os.path.join(os.getcwd(), text))
        inside = text == self.scratch or text.startswith(self.scratch + os.sep)
        if inside or text.startswith(_UNTOUCHED) or "/pymp-" in text:
            return None
        return text

    def _shadow(self, text):
        return self.scratch + text

    def _exists(self, function, path):
        try:
            function(path)
        except OSError:
            return False
        return True

    def put(self, path, content):
        """A file with this content, seen at `path`."""
        shadow = self._shadow(self._absolute(path))
        os.makedirs(os.path.dirname(shadow), exist_ok=True)
        with self.real_open(shadow, "wb") as file:
            file.write(content)
        self.doubts.sources.add(self._absolute(path))

    def reading(self, path):
        """Where `path` is to be read."""
        text = self._absolute(path)
        if text is None:
            return path
        shadow = self._shadow(text)
        if self._is_gone(text):
            return shadow
        if self._exists(self.real["lstat"], shadow) and not self._is_directory(shadow):
            return shadow
        return path

    def _is_gone(self, text):
        return self.doubts.is_gone(text) or bool(self.absent) and self._is_absent(text)

    def updating(self, path):
        """Where a file is to be read and written: the copy is to hold what the run had there."""
        text = self._absolute(path)
        if text is None:
            return path
        shadow = self._shadow(text)
        if not self.doubts.is_gone(text) and self._exists(self.real["lstat"], shadow) and self.doubts.is_outdated(text):
            self._copy(text, shadow)
            self.doubts.begins_anew(text)
        self.writing(path)
        self.doubts.reads_own(text)
        return shadow

    def _copy(self, source, target):
        with self.real_open(source, "rb") as source, self.real_open(target, "wb") as target:
            while block := source.read(1 << 20):
                target.write(block)

    def _at(self, path, folder):
        """A path that is meant below an open folder."""
        if folder is None:
            return path
        text = self.real["readlink"](f"/proc/self/fd/{folder}")
        text = text.removeprefix(self.scratch) or "/"
        return os.path.join(text, os.fsdecode(path))

    def _is_absent(self, text):
        """Not there at this moment: later ones may be reached without what the run did in between."""
        now = _florc.file_moment()[0]
        self.absent = {path: found for path, found in self.absent.items() if found[0] == now}
        return any(text == path or is_folder and text.startswith(path + os.sep) for path, (_, is_folder) in self.absent.items())

    def hide(self, path):
        """The recorded run was told that there is nothing at `path`: nor is there in this part of it, until the script makes it."""
        text = self._absolute(path)
        if text is None or self._exists(self.real["lstat"], self._shadow(text)):
            return
        try:
            status = self.real["stat"](text)
        except OSError:
            return
        self.absent[text] = _florc.file_moment()[0], status.st_mode & 0o170000 == 0o040000

    def content(self, path):
        """As `reading`, of a file whose content is wanted: what was written after the recorded run
        had read it is not what it read."""
        found = self.reading(path)
        text = self._absolute(path)
        if text is None:
            return found
        if found is not path and not self.doubts.is_gone(text) and self.doubts.is_outdated(text):
            found = path
        else:
            self.doubts.reads_own(text)
        if found is path and not text.startswith(_INSTALLED):
            try:
                status = self.real["stat"](text)
            except OSError:
                self.doubts.misses(text)
                return found
            if status.st_mode & 0o170000 == 0o100000:
                self.doubts.reads(text, status)
        return found

    def _is_directory(self, shadow):
        """A shadow directory that only holds copies does not hide the real one."""
        try:
            return (self.real["stat"](shadow).st_mode & 0o170000) == 0o040000 and self._exists(
                self.real["stat"], shadow[len(self.scratch) :]
            )
        except OSError:
            return False

    def writing(self, path, keep=True):
        """Where `path` is to be written; with `keep`, its content comes along."""
        text = self._absolute(path)
        if text is None:
            return path
        self.doubts.writes(text, anew=not keep)
        shadow = self._shadow(text)
        parent = os.path.dirname(text)
        if self._exists(self.real["stat"], self.reading(parent)):
            self._make(os.path.dirname(shadow))
        known = self._is_gone(text) or self._exists(self.real["lstat"], shadow)
        if keep and not known and os.path.isfile(text):
            self.doubts.borrows(text)
            self._copy(text, shadow)
        return shadow

    def replacing(self, path):
        """Where a file is to be written whose content is all new."""
        target = self.writing(path, keep=False)
        self.doubts.makes(self._absolute(path))
        return target

    def _make(self, directory):
        missing = []
        while not self._exists(self.real["stat"], directory):
            missing.append(directory)
            directory = os.path.dirname(directory)
        for directory in reversed(missing):
            self.real["mkdir"](directory)

    def _present(self, text):
        return self._exists(self.real["lstat"], self.reading(text))

    # the functions that scripts see

    def open(self, file, mode="r", *args, **kwargs):
        writes = any(letter in mode for letter in "wax+")
        if "x" in mode and self._absolute(file) and self._present(self._absolute(file)):
            raise FileExistsError(17, "File exists", os.fspath(file))
        if writes:
            updates = "+" in mode and "w" not in mode and "x" not in mode
            opened = self.updating(file) if updates else self.writing(file, keep="a" in mode)
            if opened is not file:
                text = self._absolute(file)
                self.doubts.makes(text)
                return self.doubts.watched(self.real_open(opened, mode, *args, **kwargs), text)
        return self.real_open(self.content(file), mode, *args, **kwargs)

    def os_open(self, path, flags, mode=0o777, *, dir_fd=None):
        path = self._at(path, dir_fd)
        if flags & _CREATES:
            text = self._absolute(path)
            if flags & os.O_EXCL and text and self._present(text):
                raise FileExistsError(17, "File exists", os.fspath(path))
            updates = flags & os.O_RDWR and not flags & os.O_TRUNC
            target = self.updating(path) if updates else self.writing(path)
            if flags & os.O_TRUNC:
                self.doubts.begins_anew(text)  # what is there is emptied: without `O_CREAT` it has to be there
            self.doubts.makes(text)
            return self.real["open"](target, flags, mode)
        return self.real["open"](self.content(path), flags, mode)

    def _reader(self, name):
        real = self.real[name]

        def call(path=".", *args, **kwargs):
            path = self._at(path, kwargs.pop("dir_fd", None))
            found = self.reading(path)
            if name == "stat" and found is not path and os.path.isfile(found) and self.askers.asks(sys._getframe(1)):
                found = self.content(path)
            return real(found, *args, **kwargs)

        return call

    def _writer(self, name):
        real = self.real[name]

        def call(path, *args, **kwargs):
            path = self._at(path, kwargs.pop("dir_fd", None))
            return real(self.writing(path), *args, **kwargs)

        return call

    def remove(self, path, *, dir_fd=None):
        path = self._at(path, dir_fd)
        text = self._absolute(path)
        if text is None:
            return self.real["remove"](path)
        if not self._present(text) and (text not in self.told or self.doubts.is_gone(text)):
            raise FileNotFoundError(2, "No such file or directory", os.fspath(path))
        shadow = self._shadow(text)
        if self._exists(self.real["lstat"], shadow):
            self.real["remove"](shadow)
        elif os.path.isdir(text):
            raise IsADirectoryError(21, "Is a directory", os.fspath(path))
        self.doubts.removes(text)

    def do_again(self, function, args, kwargs, path):
        """What the recorded run made or removed it makes or removes here, too, though parts that are not run had to come before."""
        try:
            function(*args, **kwargs or {})
        except OSError:
            if function.__name__ in ("remove", "unlink", "rmdir"):
                self.doubts.removes(self._absolute(path))

    def rmdir(self, path, *, dir_fd=None):
        path = self._at(path, dir_fd)
        text = self._absolute(path)
        if text is None:
            return self.real["rmdir"](path)
        if self.listdir(path):
            raise OSError(39, "Directory not empty", os.fspath(path))
        if self._exists(self.real["lstat"], self._shadow(text)):
            self.real["rmdir"](self._shadow(text))
        self.doubts.removes(text)

    def mkdir(self, path, mode=0o777, *, dir_fd=None):
        path = self._at(path, dir_fd)
        text = self._absolute(path)
        if text is None:
            return self.real["mkdir"](path, mode)
        if self._present(text):
            raise FileExistsError(17, "File exists", os.fspath(path))
        target = self.writing(path, keep=False)
        self.doubts.makes(text)
        self.real["mkdir"](target, mode)

    def rename(self, source, target, *, src_dir_fd=None, dst_dir_fd=None):
        source, target = self._at(source, src_dir_fd), self._at(target, dst_dir_fd)
        old, new = self._absolute(source), self._absolute(target)
        if old is None or new is None:
            return self.real["replace"](source, target)
        if not self._present(old):
            raise FileNotFoundError(2, "No such file or directory", os.fspath(source))
        if os.path.isdir(self.reading(old)):
            self._copy_up(old)
        moved = self.writing(target, keep=False)
        self.real["replace"](self.writing(source), moved)
        self.doubts.names(old, new, moves=True)

    def link(self, source, target, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=True):
        source, target = self._at(source, src_dir_fd), self._at(target, dst_dir_fd)
        old, new = self._absolute(source), self._absolute(target)
        self.real["link"](self.writing(source), self.writing(target, keep=False))
        self.doubts.names(old, new, moves=False)

    def symlink(self, source, target, target_is_directory=False, *, dir_fd=None):
        target = self._at(target, dir_fd)
        self.real["symlink"](source, self.writing(target, keep=False), target_is_directory)
        self.doubts.points(self._absolute(target))

    def _copy_up(self, directory):
        self._make(self._shadow(directory))
        for name in self.listdir(directory):
            path = os.path.join(directory, name)
            if os.path.isdir(path):
                self._copy_up(path)
            else:
                self.writing(path)

    def listdir(self, path="."):
        text = self._absolute(path)
        if text is None:
            return self.real["listdir"](path)
        names = set()
        found = False
        for place in (text, self._shadow(text)):
            if place == text and self._is_gone(text):
                continue
            try:
                names.update(self.real["listdir"](place))
                found = True
            except FileNotFoundError:
                continue
        if not found:
            raise FileNotFoundError(2, "No such file or directory", path)
        names = {name for name in names if not self.doubts.is_gone(os.path.join(text, name))}
        return [os.fsencode(n) for n in sorted(names)] if isinstance(path, bytes) else sorted(names)

    def scandir(self, path="."):
        text = self._absolute(path)
        if text is not None:
            self.doubts.lists(text, sys._getframe(1))
        if text is None or not os.path.isdir(self._shadow(text)) and not self._is_gone(text):
            if text is None or not self.doubts.has_gone_from(text):
                return self.real["scandir"](path)
        return _Entries([_Entry(path, name) for name in self.listdir(path)])

    def install(self):
        """From now on the script's files are these."""
        _installed.append(self)
        builtins.open = io.open = self.open
        os.open = self.os_open
        self._replace_kept()
        for name in ("stat", "lstat", "access", "readlink"):
            setattr(os, name, self._reader(name))
        for name in ("chmod", "utime", "truncate"):
            setattr(os, name, self._writer(name))
        os.symlink, os.link = self.symlink, self.link
        os.remove = os.unlink = self.remove
        os.rename = os.replace = self.rename
        os.mkdir, os.rmdir = self.mkdir, self.rmdir
        os.listdir, os.scandir = self.listdir, self.scandir
        accessor = getattr(pathlib, "_NormalAccessor", None)  # Python 3.10 keeps its own references
        for name in _KEPT if accessor else ():
            setattr(accessor, name, staticmethod(io.open if name == "open" else getattr(os, name)))
        shutil._use_fd_functions = False
        shutil._USE_CP_SENDFILE = False
        _native_files.install(self)
        sys.addaudithook(self._audit)

    def _replace_kept(self):
        """Modules that are loaded already may have kept `open` under a name of their own, as `tokenize` does."""
        for module in list(sys.modules.values()):
            names = getattr(module, "__dict__", {})
            if names is globals() or module is sys.modules["_io"]:
                continue
            for name in [name for name, value in names.items() if value is self.real_open]:
                names[name] = self.open

    def _audit(self, event, arguments):
        if event not in _STARTS or _compilers.are_asking():
            return
        program = arguments[0] if arguments else ""
        if self.programs:
            _florc.note("program-started", f"a program was started ({program!r}): what it does is not looked at")
            return
        if self.askers.is_behind(sys._getframe(1)):
            _florc.note("program-not-started", f"the script starts a program ({program!r}): not done in a replay")
        raise PermissionError(1, "florc starts no programs in a replay (`--allow-programs` does)")


_installed = []
_KINDS = {"exists": os.path.lexists, "lexists": os.path.lexists, "isfile": os.path.isfile, "is_file": os.path.isfile, "isdir": os.path.isdir, "is_dir": os.path.isdir}
_DONE = {"remove", "unlink", "mkdir", "makedirs", "rmdir"}


def was_told(function, args, kwargs, answer):
    """The recorded run called this function for a file or a folder, and that was the answer."""
    name = getattr(function, "__name__", "")
    path = args[0] if args else getattr(function, "__self__", None)
    if not _installed or not isinstance(path, (str, bytes, os.PathLike)):
        return
    overlay = _installed[-1]
    if name in _DONE:
        overlay.do_again(function, args, kwargs, path)
    elif answer is False and name in _KINDS and _KINDS[name](path):
        overlay.hide(path)
    elif answer is True and name in _KINDS:
        overlay.told.add(overlay._absolute(path))
    elif isinstance(answer, list) and name in ("listdir", "glob", "rglob", "iterdir"):
        folder = path if name == "listdir" else type(path)()
        overlay.told.update(overlay._absolute(os.path.join(folder, each)) for each in answer)


class _Entry:
    """What `os.scandir` gives, over both layers."""

    def __init__(self, folder, name):
        self.name = name
        self.path = os.path.join(folder, name)

    def __fspath__(self):
        return self.path

    def is_dir(self, *, follow_symlinks=True):
        return os.path.isdir(self.path) and (follow_symlinks or not os.path.islink(self.path))

    def is_file(self, *, follow_symlinks=True):
        return os.path.isfile(self.path) and (follow_symlinks or not os.path.islink(self.path))

    def is_symlink(self):
        return os.path.islink(self.path)

    def is_junction(self):
        return False

    def stat(self, *, follow_symlinks=True):
        return os.stat(self.path) if follow_symlinks else os.lstat(self.path)

    def inode(self):
        return os.lstat(self.path).st_ino


class _Entries:
    def __init__(self, entries):
        self._entries = iter(entries)

    def __iter__(self):
        return self._entries

    def __next__(self):
        return next(self._entries)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._entries = iter(())
