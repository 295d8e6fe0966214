"""What is accepted as a configuration file, before anything in it is looked at."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Mapping
from os import PathLike
from typing import Any, Final

import msgspec

from eventbus._errors import ConfigError
from eventbus._log import LOGGER_NAME
from eventbus._place import Place
from eventbus.config._lines import lines_of

# Any in this module: a configuration holds values of any type.

ARGUMENT: Final = "argument"
"""Where a value is from that stands in no file."""

MAX_FILE_BYTES: Final = 1_048_576  # ten thousand sinks; a file beyond it is another one


class Unusable(ConfigError):
    """A file that is no configuration; the text names the file, and no place in it."""

    def __init__(self, message: str) -> None:
        """Leave the place out of the message."""
        super().__init__(message)
        self.args = (message,)


class Unreadable(Unusable):
    """The system refuses to hand over the file."""


class Document(msgspec.Struct, frozen=True):
    """What a configuration says, as it was written.

    Args:
        name: The file, or ``None``: it was handed over as a mapping.
        tree: Tables, arrays and values.
        lines: In which line of the file each key stands.
    """

    name: str | None
    tree: Mapping[str, Any]
    lines: Mapping[Place, int]

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


def read_document(source: str | PathLike[str] | Mapping[str, Any]) -> Document:
    """Return what *source* says: a TOML file, or what would be in one.

    Raises:
        Unreadable: The system refuses to hand over the file.
        Unusable: It is over 1 MiB, or is no TOML.
    """
    if isinstance(source, Mapping):
        return Document(None, source, {})
    name = os.fspath(source)
    text = _text_of(name)
    try:
        return Document(name, _parsed(name, text), lines_of(text))
    except RecursionError:
        raise Unusable(f"{name!r} is nested too deeply") from None


def _text_of(name: str) -> str:
    try:
        with open(name, "rb") as file:
            _warn_of_writers(name, os.fstat(file.fileno()).st_mode)
            data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unreadable(f"Cannot read {name!r}: {reason}") from error
    if len(data) > MAX_FILE_BYTES:
        raise Unusable(f"Expected at most {MAX_FILE_BYTES} bytes in {name!r}, got more")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable(
            f"Expected UTF-8 in {name!r}, got byte 0x{data[error.start]:02x} "
            f"at offset {error.start}"
        ) from error


def _warn_of_writers(name: str, mode: int) -> None:
    if stat.S_ISREG(mode) and mode & stat.S_IWOTH:
        logging.getLogger(LOGGER_NAME).warning(
            "%s can be written by everybody on this machine (mode %04o), "
            "who can thereby send events anywhere: chmod o-w",
            name,
            stat.S_IMODE(mode),
        )


def _parsed(name: str, text: str) -> Mapping[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise Unusable(f"{name!r} is not TOML: {error}") from error
