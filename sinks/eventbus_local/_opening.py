"""Which paths may be opened for appending, and with which rights."""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from eventbus import Refused

_DIRECTORY_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_KINDS: Final = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
}
# No terminal of ours, nothing inherited, and no waiting for the other end of a FIFO.
_FLAGS: Final = (
    os.O_RDWR
    | os.O_APPEND
    | os.O_CREAT
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_for_appending(path: str, *, follow_symlinks: bool) -> int:
    """Open *path*, making it and its directory where they are missing.

    Raises:
        Refused: It is no regular file, or a symbolic link that is not to be followed;
            ``permanent``, since trying again changes nothing.
        OSError: The system refused.
    """
    _make_directory(os.path.dirname(path))
    _check_before_opening(path, follow_symlinks)
    flags = _FLAGS if follow_symlinks else _FLAGS | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags, _FILE_MODE)
    except OSError as error:
        if error.errno == errno.ELOOP:
            _check(path, stat.S_IFLNK)
        raise
    try:
        _check(path, os.fstat(descriptor).st_mode)
    except Refused:
        os.close(descriptor)
        raise
    return descriptor


def _check_before_opening(path: str, follow_symlinks: bool) -> None:
    """Refuse what acts when it is opened; a link is not, O_NOFOLLOW sees to that."""
    try:
        mode = os.stat(path, follow_symlinks=follow_symlinks).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISLNK(mode):
        _check(path, mode)


def _check(path: str, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kind = _KINDS.get(stat.S_IFMT(mode), "no regular file")
    remedy = "; follow_symlinks = true allows it" if stat.S_ISLNK(mode) else ""
    raise Refused(
        f"path must be a regular file, {path!r} is {kind}{remedy}", permanent=True
    )


def _make_directory(path: str) -> None:
    if os.path.isdir(path):
        return
    _make_directory(os.path.dirname(path))
    try:
        os.mkdir(path, _DIRECTORY_MODE)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def sync_directory(path: str) -> None:
    """Wait until the disk knows the names in the directory of *path*."""
    if os.name != "posix":
        return
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
