"""What is written where, and whether a library made for it draws it.

Output goes to the standard output, everything said about it to the standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from eventbus._visible import visible, visible_json, visible_lines

if TYPE_CHECKING:
    from rich.console import Console


class OutputError(OSError):
    """The standard output takes no more."""


def say(line: str) -> None:
    """Write *line* to the standard error; nobody there is nobody to tell."""
    _write(sys.stderr, f"{visible(line)}\n")


def put(text: str) -> None:
    """Write *text* with a line feed to the standard output.

    Raises:
        BrokenPipeError: The reader has gone.
        OutputError: It cannot be written, as on a full disk.
    """
    _put(visible_lines(text))


def put_json(value: Any, *, indent: bool = False) -> None:
    """Write *value* as JSON, on one line or indented; see :func:`put`."""
    data = msgspec.json.encode(value)
    text = (msgspec.json.format(data, indent=2) if indent else data).decode()
    _put(visible_json(text))


def _put(text: str) -> None:
    try:
        _write(sys.stdout, f"{text}\n", is_output=True)
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"Cannot write the output: {reason}") from error


def _write(stream: TextIO | None, text: str, *, is_output: bool = False) -> None:
    if stream is None:  # pythonw has none
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except (OSError, ValueError):
        if is_output:
            raise


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a person looks at *stream*."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


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


def leave_quietly() -> None:
    """Keep the interpreter from complaining about a closed output at its end."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            _replace(stream)


def _replace(stream: TextIO | None) -> None:
    if stream is None or stream.closed:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
