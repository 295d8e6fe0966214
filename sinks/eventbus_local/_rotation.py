"""What rotated files are called, which of them are kept, and how they shrink.

``events.jsonl`` becomes ``events.20260102T030405.123456789Z.jsonl``, and that with
``gzip`` its ``.gz``: names that sort by time and never move, so that several
processes can rotate one file.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Iterator
from functools import cached_property
from typing import IO, Final

from eventbus_local._locking import try_lock

_PART: Final = ".gz.part"
_COPY_BYTES: Final = 1 << 20
_STAMP: Final = r"\.(\d{8}T\d{6}\.\d{9}Z)(?:-(\d+))?"
_rotated: Final = re.compile(rf"(?P<stem>.+){_STAMP}(?P<suffix>\.[^.]*)?").fullmatch


def paths_with_rotated_files(directory: str, *, depth: int) -> Iterator[str]:
    """Yield the paths that rotated files once had, those of uncompressed ones at least.

    Args:
        directory: Where to look; links to other directories are not followed.
        depth: How many directories below it they are.
    """
    for entry in _entries(directory):
        if depth:
            if entry.is_dir(follow_symlinks=False):
                yield from paths_with_rotated_files(entry.path, depth=depth - 1)
        elif match := _rotated(entry.name):
            yield os.path.join(directory, match["stem"] + (match["suffix"] or ""))


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as found:
            return list(found)
    except FileNotFoundError:
        return []


class RotatedFiles:
    """The rotated files of one path.

    Args:
        path: The absolute path that is written to.
    """

    def __init__(self, path: str) -> None:
        """Work out what their names look like."""
        self._directory, name = os.path.split(path)
        self._stem, self._suffix = os.path.splitext(name)

    @cached_property
    def _name(self) -> re.Pattern[str]:
        stem, suffix = re.escape(self._stem), re.escape(self._suffix)
        return re.compile(rf"{stem}{_STAMP}{suffix}(?:\.gz)?")

    def new_path(self, time_unix_nano: int) -> str:
        """Return a path that no rotated file has."""
        seconds, nanoseconds = divmod(time_unix_nano, 1_000_000_000)
        day = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))
        stamp, number = f"{day}.{nanoseconds:09d}Z", 0
        while True:
            again = f"-{number}" if number else ""
            path = self._path(f"{self._stem}.{stamp}{again}{self._suffix}")
            if not (os.path.lexists(path) or os.path.lexists(f"{path}.gz")):
                return path
            number += 1

    def paths(self) -> list[str]:
        """Return the paths of all of them, the oldest first."""
        found = (self._name.fullmatch(name) for name in os.listdir(self._directory))
        ordered = sorted((m[1], int(m[2] or 0), m[0]) for m in found if m is not None)
        return [self._path(name) for _, _, name in ordered]

    def keep(self, newest: int) -> None:
        """Delete all but the *newest* ones."""
        paths = self.paths()
        for path in paths[: max(len(paths) - newest, 0)]:
            for spare in (path, f"{path}{_PART}"):
                with contextlib.suppress(FileNotFoundError):  # or another was faster
                    os.unlink(spare)

    def compress(self, stopped: threading.Event) -> None:
        """Compress those that are not, until *stopped*; one it stopped at is left."""
        for path in self.paths():
            if not path.endswith(".gz") and not stopped.is_set():
                with contextlib.suppress(FileNotFoundError):
                    _compress(path, stopped)

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)


def _compress(path: str, stopped: threading.Event) -> None:
    import shutil  # like gzip, only here: most files are never compressed

    with open(path, "rb") as source:
        if not try_lock(source.fileno()):
            return  # its writer is not done, or another process compresses it
        part = f"{path}{_PART}"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            is_whole = _copy(source, target, stopped)
        if not is_whole:
            os.unlink(part)
            return
        shutil.copystat(path, part)
        os.replace(part, f"{path}.gz")
        os.unlink(path)


def _copy(source: IO[bytes], target: IO[bytes], stopped: threading.Event) -> bool:
    import gzip

    with gzip.GzipFile(fileobj=target, mode="wb", filename="", mtime=0) as packed:
        while piece := source.read(_COPY_BYTES):
            if stopped.is_set():
                return False
            packed.write(piece)
    return True
