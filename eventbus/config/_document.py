"""What is accepted as a configuration file, before anything in it is looked at."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from eventbus._errors import ConfigError
from eventbus._log import LOGGER_NAME
from eventbus._place import Place
from eventbus.config._layers import Content, Layer, Rank
from eventbus.config._lines import lines_of

# Any in this module: a configuration holds values of any type.

ARGUMENT: Final = "argument"
"""Where a value is from that stands in no file."""

_FILE: Final = "FILE"
_NOT_REGULAR: Final = "Cannot read FILE: one that is not trusted must be a regular file"

MAX_FILE_BYTES: Final = 1_048_576  # ten thousand sinks; a file beyond it is another one

MAX_UNTRUSTED_BYTES: Final = 65_536  # a parser may need a time that grows by the square


class Unusable(ConfigError):
    """A file that is no configuration; the text names the file, and no place in it.

    Attributes:
        reason: The text for a line that names the file already.
    """

    def __init__(self, text: str, name: str) -> None:
        """Put the *name* of the file at the first ``FILE`` of *text*."""
        message = text.replace(_FILE, repr(name), 1)
        super().__init__(message)
        self.args = (message,)
        self.reason = text.replace(_FILE, "it", 1)


class Unreadable(Unusable):
    """The system refuses to hand over the file."""


class Document(msgspec.Struct, frozen=True):
    """What a configuration says, as it was written.

    Args:
        name: The file, or ``None``: it was handed over as a mapping.
        tree: Tables, arrays and values.
        lines: In which line of the file each key stands.
        rank: Who says it.
    """

    name: str | None
    tree: Mapping[str, Any]
    lines: Mapping[Place, int]
    rank: Rank = "user"

    def __repr__(self) -> str:
        """Name the file; what is in it may be secret."""
        return f"<Document {self.name or ARGUMENT}, {self.rank}>"

    @property
    def directory(self) -> str | None:
        """Where relative paths in it begin; ``None`` is the working directory."""
        return None if self.name is None else os.path.dirname(self.name) or os.curdir

    def where(self, place: Place) -> str:
        """Return the file and the line of *place*, or of what holds it."""
        if self.name is None:
            return ARGUMENT
        line = self.line(place)
        return self.name if line is None else f"{self.name}:{line}"

    def line(self, place: Place) -> int | None:
        """Return the line of *place*, or of what holds it."""
        outwards = (place[:length] for length in range(len(place), 0, -1))
        return next((self.lines[p] for p in outwards if p in self.lines), None)


def read_document(source: Content | Layer) -> Document:
    """Return what *source* says: a TOML file, or what would be in one.

    Raises:
        Unreadable: The system refuses to hand over the file, or it is not trusted and
            no regular file.
        Unusable: It is over 1 MiB, 64 KiB where it is not trusted, or is no TOML.
    """
    layer = source if isinstance(source, Layer) else Layer(source)
    if isinstance(layer.source, Mapping):
        return Document(None, layer.source, {}, layer.rank)
    name = os.fspath(layer.source)
    most = MAX_FILE_BYTES if layer.trusted else MAX_UNTRUSTED_BYTES
    read = _read(_bytes_of(name, most + 1, is_trusted=layer.trusted), most)
    if isinstance(read, str):
        raise Unusable(read, name)
    return Document(name, *read, layer.rank)


def _bytes_of(name: str, size: int, *, is_trusted: bool) -> bytes:
    try:
        with open(name, "rb", opener=None if is_trusted else _opened) as file:
            mode = os.fstat(file.fileno()).st_mode
            if is_trusted:
                _warn_of_writers(name, mode)
            elif not stat.S_ISREG(mode):
                raise Unreadable(_NOT_REGULAR, name)
            return file.read(size)
    except Unusable:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unreadable(f"Cannot read FILE: {reason}", name) from error


def _read(
    data: bytes, most: int
) -> tuple[Mapping[str, Any], Mapping[Place, int]] | str:
    """Return what *data* says with its lines, or why it says nothing.

    An error that began here would show *data*, with its secrets, where a traceback
    shows what each function knew.
    """
    import tomllib

    if len(data) > most:
        return f"Expected at most {most} bytes in FILE, got more"
    try:
        text = data.decode("utf-8-sig")
        return tomllib.loads(text), lines_of(text)
    except UnicodeDecodeError as error:
        byte = f"byte 0x{data[error.start]:02x} at offset {error.start}"
        return f"Expected UTF-8 in FILE, got {byte}"
    except RecursionError:
        return "FILE is nested too deeply"
    except ValueError as error:
        return f"FILE is not TOML: {error}"


def _opened(name: str, flags: int) -> int:
    """Open a file of somebody else, who cannot make us wait or follow a link."""
    if os.path.islink(name):
        raise Unreadable(_NOT_REGULAR, name)
    guards = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.open(name, flags | guards)


def _warn_of_writers(name: str, mode: int) -> None:
    if stat.S_ISREG(mode) and mode & stat.S_IWOTH:
        logging.getLogger(LOGGER_NAME).warning(
            "%s can be written by everybody on this machine (mode %04o), "
            "who can thereby send events anywhere: chmod o-w",
            name,
            stat.S_IMODE(mode),
        )
