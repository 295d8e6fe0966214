"""Which paths may be opened for appending, and with which rights."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Generator
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
    stat.S_IFREG: "a file",
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
_DIRECTORY_FLAGS: Final = (
    getattr(os, "O_PATH", os.O_RDONLY)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_DIRECTORY", 0)
)
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_HAS_WALK: Final = os.open in os.supports_dir_fd  # not on Windows


def open_for_appending(
    path: str, *, follow_symlinks: bool, root: str | None = None
) -> int:
    """Open *path*, making it and its directory where they are missing.

    Args:
        path: Absolute.
        follow_symlinks: Whether it may be a symbolic link itself.
        root: A directory above it, below which no directory may be a symbolic link;
            ``None`` lets them be anything.

    Raises:
        Refused: It is no regular file, or a symbolic link that is not to be followed;
            ``permanent``, since trying again changes nothing.
        OSError: The system refused.
    """
    with _directory_of(path, root) as directory:
        return _open(path, directory, follow_symlinks=follow_symlinks)


def keeps_back_others(error: OSError, path: str, root: str) -> bool:
    """Return whether *error* at *path* may hold for every path below *root*."""
    if error.errno == errno.ENAMETOOLONG:
        return False
    first = os.path.relpath(path, root).split(os.sep)[0]
    exists = os.path.lexists(os.path.join(root, first))
    return not (isinstance(error, PermissionError) and exists)


def resolved(path: str, root: str | None) -> tuple[str, str | None]:
    """Return *path* and *root* without symbolic links.

    Raises:
        Refused: Its links lead out of *root*.
    """
    found = os.path.realpath(path)
    if root is None:
        return found, None
    real_root = os.path.realpath(root)
    if not found.startswith(os.path.join(real_root, "")):
        raise Refused(f"path must stay below {root!r}, {path!r} is {found!r}")
    return found, real_root


@contextlib.contextmanager
def _directory_of(path: str, root: str | None) -> Generator[int | None]:
    """Make what is missing above *path*; give its directory where a root binds it."""
    directory = os.path.dirname(path)
    if root is None or directory == root:
        make_directory(directory)
        yield None
        return
    _check_length(path)
    make_directory(root)
    names = os.path.relpath(directory, root).split(os.sep)
    if not _HAS_WALK:
        _make_each(root, names)
        yield None
        return
    descriptor = _walk(root, names)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _check_length(path: str) -> None:
    """Refuse what could be made name by name, and never be reached as a whole."""
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise


def _walk(path: str, names: list[str]) -> int:
    """Open the directory *names* lead to, one after the other, through no link."""
    descriptor = os.open(path, _DIRECTORY_FLAGS)
    for name in names:
        path = os.path.join(path, name)
        above = descriptor
        try:
            descriptor = _enter(path, name, above)
        finally:
            os.close(above)
    return descriptor


def _enter(path: str, name: str, above: int) -> int:
    flags = _DIRECTORY_FLAGS | _NO_FOLLOW
    try:
        return os.open(name, flags, dir_fd=above)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, _DIRECTORY_MODE, dir_fd=above)
        return os.open(name, flags, dir_fd=above)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise _no_directory(path) from error
        raise


def _make_each(path: str, names: list[str]) -> None:
    for name in names:
        path = os.path.join(path, name)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, _DIRECTORY_MODE)
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise _no_directory(path)


def _no_directory(path: str) -> Refused:
    kind = _kind(os.lstat(path).st_mode)
    return Refused(f"path must lead through directories, {path!r} is {kind}")


def _open(path: str, directory: int | None, *, follow_symlinks: bool) -> int:
    name = path if directory is None else os.path.basename(path)
    _check_before_opening(path, name, directory, follow_symlinks=follow_symlinks)
    flags = _FLAGS if follow_symlinks else _FLAGS | _NO_FOLLOW
    try:
        descriptor = os.open(name, flags, _FILE_MODE, dir_fd=directory)
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


def _check_before_opening(
    path: str, name: str, directory: int | None, *, follow_symlinks: bool
) -> None:
    """Refuse what acts when it is opened; a link is not, O_NOFOLLOW sees to that."""
    try:
        mode = os.stat(name, dir_fd=directory, follow_symlinks=follow_symlinks).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISLNK(mode):
        _check(path, mode)


def _check(path: str, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    remedy = "; follow_symlinks = true allows it" if stat.S_ISLNK(mode) else ""
    raise Refused(
        f"path must be a regular file, {path!r} is {_kind(mode)}{remedy}",
        permanent=True,
    )


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "no regular file")


def make_directory(path: str) -> None:
    """Make the directory *path* and those above it, where they are missing.

    Raises:
        OSError: The system refused, or something else has the path.
    """
    if os.path.isdir(path):
        return
    make_directory(os.path.dirname(path))
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
