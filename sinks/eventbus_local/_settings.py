"""Which settings the local sinks have, by name, and their defaults."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from eventbus import Severity
from eventbus._bounds import WrongSetting, above, at_least, concerning
from eventbus_local._path_template import PathTemplate

DEFAULT_VALUE_CHARS: Final = 200  # about two lines of a terminal
DEFAULT_OPEN_FILES: Final = 64  # of the 256 that macOS gives a process
DEFAULT_LOGGER: Final = "events"
OWN_LOGGER: Final = "eventbus"


class _Settings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
): ...


class ConsoleSettings(_Settings, frozen=True, kw_only=True):
    """How events look on a terminal.

    Args:
        format: ``"text"`` for people, ``"json"`` for one record a line.
        stream: Which one of the process, looked up at each write.
        color: ``None`` colours where the stream is a terminal, unless ``NO_COLOR`` is
            set; ``FORCE_COLOR`` colours everywhere else too.
        level: The least severity that is shown; of the rest no text is made.
        time_zone: Of the times in text.
        max_value_chars: Longest value in text; of a longer one the rest is counted.
            Errors and exceptions are shown in full, up to 65,536 characters a value.
    """

    format: Literal["text", "json"] = "text"
    stream: Literal["stdout", "stderr"] = "stdout"
    color: bool | None = None
    level: Severity = "trace"
    time_zone: Literal["local", "utc"] = "local"
    max_value_chars: Annotated[int, Meta(ge=1)] = DEFAULT_VALUE_CHARS

    def __post_init__(self) -> None:
        """Refuse a length that shows nothing."""
        at_least("max_value_chars", self.max_value_chars, 1)


class JsonlSettings(_Settings, frozen=True, kw_only=True):
    """Where records are written as lines of JSON, and when a new file begins.

    Args:
        path: The file; ``~/`` is the home directory. What is missing of its directory
            is made with mode 0700, the file with mode 0600. With placeholders, as in
            ``sessions/{conversation_id}.jsonl``, each record goes to the file that
            its values name, below the directory before the first placeholder. A brace
            is written ``{{`` or ``}}``.
        max_open_files: How many files stay open where ``path`` has placeholders; those
            used least recently are closed. A batch for more is written in parts. Where
            the process has no file descriptors left, half as many as were open stay
            open for a minute.
        max_file_bytes: Size that no file passes, unless one line alone does; ``None``
            is no limit. A file that cannot be renamed (on Windows, while it is open)
            goes on growing, with a warning in the log.
        rotate_seconds: Length of the periods, counted from 1970 in UTC, that have a
            file each; 86400 begins one at each midnight. ``None`` is one for ever.
        keep_files: How many rotated files are kept; ``None`` keeps all of them.
        gzip: Whether rotated files are compressed, in the background.
        fsync: ``"batch"`` waits for the disk with each batch; ``"never"`` leaves that
            to the system: enough when the process dies, not when the machine does.
        follow_symlinks: Whether ``path`` may be a symbolic link; with placeholders,
            also the directories that they name, which must not lead out of the one
            before them. Refused by default: in a directory that others can write to, a
            link can point anywhere.
        write_resource: Whether each line says its record's resource, also where that
            is the bus's own. Without it, a bus with another resource that reads the
            file gives those records its own.
    """

    path: Annotated[str, Meta(min_length=1)]
    max_open_files: Annotated[int, Meta(ge=1)] = DEFAULT_OPEN_FILES
    max_file_bytes: Annotated[int, Meta(ge=1)] | None = None
    rotate_seconds: Annotated[float, Meta(gt=0)] | None = None
    keep_files: Annotated[int, Meta(ge=0)] | None = None
    gzip: bool = False
    fsync: Literal["never", "batch"] = "never"
    follow_symlinks: bool = False
    write_resource: bool = False

    def __post_init__(self) -> None:
        """Refuse a path that names no file, and bounds that bound nothing."""
        if not self.path:
            raise WrongSetting("path must name a file, got ''", "path")
        if "\0" in str(self.path):
            raise WrongSetting(f"path must not contain NUL, got {self.path!r}", "path")
        with concerning("path"):
            PathTemplate(self.path)
        at_least("max_open_files", self.max_open_files, 1)
        at_least("max_file_bytes", self.max_file_bytes, 1)
        at_least("keep_files", self.keep_files, 0)
        above("rotate_seconds", self.rotate_seconds, 0)


class LoggingSettings(_Settings, frozen=True, kw_only=True):
    """How events become records of the standard library's ``logging``.

    Args:
        logger: Name of the logger that gets them. Not one of the bus's own, whose
            lines are about itself.
        routine_level: The level of what is less severe than an error; ``None`` takes
            each record's own. Errors keep theirs.
    """

    logger: Annotated[str, Meta(min_length=1)] = DEFAULT_LOGGER
    routine_level: Severity | None = None

    def __post_init__(self) -> None:
        """Refuse the loggers that would feed the bus with itself."""
        if self.logger == OWN_LOGGER or self.logger.startswith(f"{OWN_LOGGER}."):
            raise WrongSetting(
                f"logger must not be {OWN_LOGGER!r} or below it, got {self.logger!r}",
                "logger",
            )
