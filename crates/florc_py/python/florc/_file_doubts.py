"""Which files hold in a replay what they held in the recorded run, and who is told where nobody knows.

    open("log", "a").write(row)      # iterations 0 to 6 are skipped: their rows are not in the scratch copy
    len(open("log").readlines())     # no value; behind the loop the file of the run is the right one

What is skipped has written nothing here. By the clock that dates files: what the run wrote before the first skipped part is
there; what it did not write any more since this part of the program began is as it left it. Opens and copies no file.
"""

import functools
import os
import sys
import weakref

from . import _florc


def _skips():
    """How many parts were skipped so far."""
    return _florc.file_skips()[0]


def _moment():
    return _florc.file_moment()[0]


def _tell(text):
    _florc.note("file-changed", text)


class FileDoubts:
    """What is known of the run's files, by absolute path."""

    def __init__(self, stat, askers, store, ran, kept):
        self._stat, self._askers, self._store, self._kept = stat, askers, store, kept
        self._began, self._ended = ran
        self.sources = set()  # files of the program
        self._final = {}  # files that were read as the run left them: when
        self._borrowed = set()  # files that were added to, behind what the run had left in them
        self._gone = {}  # what was removed here, and how many parts had been skipped before
        self._fresh = {}  # the same of what was written anew
        self._touched = {}  # when something was written last

    # what the program does

    def writes(self, text, anew):
        """It opens a file to write; with `anew`, nothing is left of it."""
        if self._final.get(text) == _moment():
            _tell(f"`{text}` was read and then written: what it held when it was read is not there any more")
        self._touched[text] = _moment()
        if anew:
            self.begins_anew(text)

    def begins_anew(self, text):
        self._borrowed.discard(text)
        self._fresh[text] = _skips()

    def borrows(self, text):
        """It goes on with what the run had left in a file at its end."""
        if self._stat(text).st_mtime >= self._began:
            self._borrowed.add(text)

    def removes(self, text):
        self._borrowed.discard(text)
        self._gone[text] = _skips()

    def makes(self, text):
        self._gone.pop(text, None)

    def names(self, old, new, moves):
        """What is at `old` is at `new`, too; with `moves`, there only."""
        fresh, borrowed = self._fresh.get(old), old in self._borrowed
        self.makes(new)
        self._fresh[new] = fresh
        if borrowed:
            self._borrowed.add(new)
        if moves:
            self._fresh.pop(old, None)
            self.removes(old)

    def points(self, text):
        """A link is made: what it leads to has its own history."""
        self.makes(text)
        self._fresh.pop(text, None)

    # what is there

    def is_gone(self, text):
        """Removed here, and not made again by what was skipped since."""
        if text in self._gone and self._came_back(text):
            del self._gone[text]
        return text in self._gone

    def _came_back(self, text):
        skips, since, _ = _florc.file_skips()
        return skips != self._gone[text] and since is not None and self._written(text, float("-inf")) >= since

    def has_gone_from(self, folder):
        return any(os.path.dirname(gone) == folder for gone in self._gone)

    def _written(self, text, otherwise=None):
        """When the recorded run, or somebody after it, wrote a file last."""
        try:
            return self._dated(self._stat(text))
        except OSError:
            return otherwise

    def _dated(self, status):
        """What was put in place during the run may keep the time of something older (`shutil.copy2`)."""
        changed = status.st_ctime if self._began <= status.st_ctime <= self._ended else 0.0
        return max(status.st_mtime, changed)

    def is_outdated(self, text):
        """A copy lacks what was written where this replay skips, and the run's own file has all of it. Tells where nobody knows."""
        skips, since, began = _florc.file_skips()
        if not skips or self._fresh.get(text) == skips or text in self.sources:
            return False
        written = self._written(text)
        if None not in (written, since) and written < since:
            return False
        is_settled = self._touched.get(text) != _moment()
        if is_settled and None not in (written, began) and written < began:
            return True
        _tell(f"`{text}` was written in parts that are not run: what it held at this point is not known")
        return False

    # what it asks for

    def reads_own(self, text):
        """A copy here is read, behind what the run had left in it."""
        if text in self._borrowed:
            _tell(f"the run wrote `{text}`, which is added to and read: what it held at this point is not there any more")

    def reads(self, text, status):
        """A file of the run, or of before, is read: it may have another content than it had then."""
        moment, limit = _florc.file_moment()
        written = self._dated(status)
        if written >= self._began and self._kept.holds(text, status):
            return
        if written > self._ended:
            _tell(f"`{text}` was written after the run ended: what the run read is not there any more")
        elif limit is not None and written >= limit:
            _tell(f"the run wrote `{text}` again later: what it held at this point is not there any more")
        elif written >= self._began:
            self._final[text] = moment

    def misses(self, text):
        """A file is not there. A part that is not run may have made it, and a later one removed it."""
        skips, since, _ = _florc.file_skips()
        if not skips or not text.startswith(self._askers.project):
            return
        folder = os.path.dirname(text)
        if (since is None or self._written(folder, float("inf")) >= since) and not self._has_kept(folder):
            _tell(f"`{text}` is not there; it may have been made in parts that are not run, and removed since")

    def lists(self, folder, frame):
        """A folder is looked through in which something may have been made or removed since."""
        is_of_store = self._store and (folder + os.sep).startswith(self._store + os.sep)
        if is_of_store or not self._askers.asks(frame):
            return
        written, limit = self._written(folder), _florc.file_moment()[1]
        is_later = written is not None and (written > self._ended or limit is not None and written >= limit)
        if is_later and not self._has_kept(folder):
            _tell(f"what is in `{folder}` is not known: files were made or removed there since")

    def _has_kept(self, folder):
        """The same is in a folder as during all of the run."""
        try:
            return self._kept.holds(folder, self._stat(folder))
        except OSError:
            return False

    def watched(self, file, text):
        """An open file that lacks what was written where this replay skips, before or from now on: what it is asked for is not known."""
        opened, itself = _skips(), weakref.ref(file)
        is_doubtful = text in self._borrowed or 0 < opened != self._fresh.get(text)

        def asked(name, *args):
            lacks = is_doubtful or _skips() != opened
            # libraries ask for the position of what they only write
            if lacks and (name != "tell" or self._askers.is_behind(sys._getframe(1))):
                _tell(f"`{text}` was written in parts that are not run, and is asked for what it holds")
            return getattr(type(itself()), name)(itself(), *args)

        for name in ("tell", "read", "readline", "readlines", "readinto"):
            if hasattr(file, name):
                setattr(file, name, functools.partial(asked, name))
        return file
