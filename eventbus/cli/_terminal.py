"""What is written where, and whether a library made for it draws it.

Output goes to the standard output, everything said about it to the standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, Final, TextIO

import msgspec

from eventbus._visible import visible, visible_json, visible_lines

if TYPE_CHECKING:
    from rich.console import Console


_OUTPUT: Final = "output"


class OutputError(OSError):
    """The standard output takes nothing: it is closed, full, or its reader has gone."""


def say(line: str) -> None:
    """Write *line* to the standard error; nobody there is nobody to tell."""
    if sys.stderr is not None:  # pythonw has none
        with suppress(OSError, ValueError):
            _write(sys.stderr, f"{visible(line)}\n")


def put(text: str) -> None:
    """Write *text* with a line feed to the standard output.

    Raises:
        OutputError: It cannot be written.
    """
    _put(visible_lines(text))


def put_json(value: Any, *, indent: bool = False, name: str = _OUTPUT) -> None:
    """Write *value*, called *name*, as JSON, on one line or indented.

    Raises:
        OutputError: It cannot be written.
    """
    data = msgspec.json.encode(value)
    text = (msgspec.json.format(data, indent=2) if indent else data).decode()
    _put(visible_json(text), name)


def put_failure(value: Any) -> None:
    """Write *value*, which says what went wrong, as JSON if it can be written.

    What goes wrong is about to be told in any case.
    """
    try:
        put_json(value)
    except OutputError as error:
        say(f"eventbus: {error}")


def _put(text: str, name: str = _OUTPUT) -> None:
    if sys.stdout is None:
        raise OutputError(f"Cannot write the {name}: there is no standard output")
    try:
        _write(sys.stdout, f"{text}\n")
    except (OSError, ValueError) as error:
        raise _unwritten(name, error) from error


def _unwritten(name: str, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or str(error)
    return OutputError(f"Cannot write the {name}: {reason}")


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a person looks at *stream*."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def width_of(stream: TextIO | None) -> int | None:
    """Return how many characters a line of *stream* has.

    ``COLUMNS`` in the environment says so for everything; without it a terminal does,
    and a file or a pipe has as many as it takes: ``None``.
    """
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    if stream is None or not is_terminal(stream):
        return None
    with suppress(OSError, ValueError):
        return os.get_terminal_size(stream.fileno()).columns or None
    return None


def console(stream: TextIO | None) -> Console | None:
    """Return rich's console on *stream*, or ``None``: no terminal, or no rich."""
    if not is_terminal(stream) or os.environ.get("TERM") == "dumb":
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(file=stream, highlight=False, soft_wrap=False)


@contextmanager
def plugins_print_elsewhere() -> Generator[None]:
    """Send what plugins print, whenever they do, to the standard error."""
    with redirect_stdout(sys.stderr):
        yield


def leave() -> None:
    """Write out what is left, as the interpreter would at its end, but say it in words.

    Raises:
        OutputError: The standard output does not take it.
    """
    _flush(sys.stderr)
    error = _flush(sys.stdout)
    if error is not None:
        raise _unwritten(_OUTPUT, error) from error


def _flush(stream: TextIO | None) -> Exception | None:
    """Flush *stream*; when that fails, let it write to nowhere and return why."""
    if stream is None or stream.closed:
        return None
    try:
        stream.flush()
    except (OSError, ValueError) as error:
        _replace(stream)
        return error
    return None


def _replace(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
