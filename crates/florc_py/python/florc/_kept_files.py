"""What files of the project held all the time that a run took: a later date is not another content.

    cp -r project elsewhere; git checkout data.csv      # all of it is dated today, and holds what it held

Looked at when the run ends: what has not changed since it began is what it read. Few files and small ones, the smallest first,
as much as takes little of the run's time; the rest goes by its date.
"""

import os

from . import _florc

# of the project, but not the program's
_OTHERS = {".florc", ".git", ".hg", ".svn", ".tox", ".venv", "__pycache__", "node_modules", "venv"}
# at most, and for each second of the run
_BYTES, _FILES, _ENTRIES = (128 << 20, 16 << 20), (2_000, 300), (20_000, 1_000)
# dates of files are coarse
_EARLIER = 0.02


def look(project, began, seconds):
    """Files and folders by their path in the project: size and hash, or the hash of the names."""
    most, left, entries = (min(most, int(each * (seconds + 0.1))) for most, each in (_FILES, _BYTES, _ENTRIES))
    files, folders = _unchanged(project, began - _EARLIER, entries)
    kept = {}
    for size, path in sorted(files)[:most]:
        left -= size
        if left < 0:
            break
        kept[os.path.relpath(path, project)] = [size, _florc.hash_of_file(path)]
    for path, names in folders:
        kept[os.path.relpath(path, project)] = [-1, _names(names)]
    return kept


def _unchanged(project, before, entries):
    """Sizes and paths of files, paths and names of folders, that are older; of so many entries at most."""
    files, folders, ahead = [], [], [project]
    while ahead and entries > 0:
        folder = ahead.pop()
        with os.scandir(folder) as found:
            listed = list(found)
        entries -= len(listed)
        if any(entry.name == "pyvenv.cfg" for entry in listed):
            continue
        if _is_older(os.stat(folder), before):
            folders.append((folder, [entry.name for entry in listed]))
        for entry in listed:
            if entry.is_dir(follow_symlinks=False) and entry.name not in _OTHERS:
                ahead.append(entry.path)
            elif entry.is_file(follow_symlinks=False) and _is_older(status := entry.stat(), before):
                files.append((status.st_size, entry.path))
    return files, folders


def _is_older(status, before):
    # what was put in place with an older date has changed now
    return status.st_mtime < before and status.st_ctime < before


def _names(names):
    return _florc.hash_of(os.fsencode("\0".join(sorted(names))))


class Kept:
    """Asked in a replay, with the function that really lists folders."""

    def __init__(self, known, project, listdir):
        self._known, self._project, self._listdir = known, project, listdir
        self._same = {}  # by path and date

    def holds(self, path, status):
        """Whether a file, or the list of a folder, is what it was during all of the run."""
        size, then = self._known.get(os.path.relpath(path, self._project), (None, None))
        if then is None or size >= 0 and size != status.st_size:
            return False
        key = path, status.st_mtime_ns
        if key not in self._same:
            try:
                now = _names(self._listdir(path)) if size < 0 else _florc.hash_of_file(path)
            except OSError:
                return False
            self._same[key] = now == then
        return self._same[key]
