"""What a line of a recording may hold, and what is said of one that cannot be read."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final, Protocol, TypeVar, get_args

import msgspec
from msgspec import Meta

from eventbus import Broken, Reading, Skipped

MAX_LINE_BYTES: Final = 32 * 1024 * 1024  # room for a pasted image, none for a disk
MAX_KINDS: Final = 64
OTHER_KIND: Final = "other"
BLANK_KIND: Final = "blank"

Name = Annotated[str, Meta(max_length=256)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Share = Annotated[float, Meta(ge=0)]

UNREADABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)

_QUOTED_VALUE: Final = re.compile(r"^Invalid value '.*'", re.DOTALL)
_KIND: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")

Line_contra = TypeVar("Line_contra", contravariant=True)
Line = TypeVar("Line")

KnownKinds = Mapping[str, frozenset[str] | None]


class LineSession(Protocol[Line_contra]):
    """What reads the decoded lines of one input, one after the other.

    ``given_up`` are readings that no line of their own completes; they are taken away.
    """

    given_up: deque[Reading]

    def take(self, line: Line_contra, number: int) -> Reading | None:
        """Return what line *number* is, ``None`` when a later line completes it."""
        ...

    def end(self) -> None:
        """Give up what still waits for a later line."""
        ...


class _Peek(msgspec.Struct):
    type: str
    payload: msgspec.Raw = msgspec.Raw()
    item: msgspec.Raw = msgspec.Raw()


class _Inner(msgspec.Struct):
    type: str


_peek: Final = msgspec.json.Decoder(_Peek)
_inner: Final = msgspec.json.Decoder(_Inner)


def tags(union: object) -> frozenset[str]:
    """Return the tags of the Structs in *union*."""
    return frozenset(member.__struct_config__.tag for member in get_args(union))


class LineFaults:
    """Says of the lines of one input what is no record of them.

    Args:
        path: The input's name.
        known: The types of lines that are decoded; for each the types of what is
            inside, or ``None`` when there is only one.
    """

    def __init__(self, path: str, known: KnownKinds) -> None:
        """Begin at the first line."""
        self._path = path
        self._known = known
        self._kinds: set[str] = set()

    def skipped(self, kind: str, number: int) -> Skipped:
        """Return line *number* as one of a *kind* that has no event type."""
        return Skipped(kind, self._path, number)

    def broken(self, reason: str, number: int) -> Broken:
        """Return line *number* as one that should have been a record."""
        return Broken(reason, self._path, number)

    def explain(self, error: Exception, line: bytes, number: int) -> Reading:
        """Return what is to be said of *line*, which raised *error*."""
        if not line.strip():
            return self.skipped(BLANK_KIND, number)
        if isinstance(error, msgspec.ValidationError):
            kind = self._unknown_kind(line)
            if kind is not None:
                return self.skipped(self.bounded(kind), number)
        return self.broken(_reason(error), number)

    def bounded(self, kind: str) -> str:
        """Return *kind*, or ``"other"`` when it is no plain word or one too many."""
        if kind in self._kinds:
            return kind
        if len(self._kinds) >= MAX_KINDS or not _KIND.fullmatch(kind):
            return OTHER_KIND
        self._kinds.add(kind)
        return kind

    def _unknown_kind(self, line: bytes) -> str | None:
        try:
            outer = _peek.decode(line)
            if outer.type not in self._known:
                return outer.type
            inside = self._known[outer.type]
            if inside is None:
                return None
            inner = _inner.decode(bytes(outer.payload) or bytes(outer.item))
        except UNREADABLE:
            return None
        return None if inner.type in inside else f"{outer.type}.{inner.type}"


def read_lines(
    lines: Iterable[bytes],
    decoder: msgspec.json.Decoder[Line],
    session: LineSession[Line],
    faults: LineFaults,
) -> Iterator[Reading]:
    """Decode *lines* and yield what *session* makes of each.

    Raises nothing for what stands in the lines: one that cannot be decoded is yielded
    as skipped or broken, and the next one is read.
    """
    decode, take, given_up = decoder.decode, session.take, session.given_up
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE_BYTES:
            yield faults.broken(_too_long(len(line)), number)
            continue
        try:
            decoded = decode(line)
        except UNREADABLE as error:
            yield faults.explain(error, line, number)
            continue
        reading = take(decoded, number)
        while given_up:
            yield given_up.popleft()
        if reading is not None:
            yield reading
    session.end()
    yield from given_up


def _too_long(length: int) -> str:
    return f"expected a line of at most {MAX_LINE_BYTES} bytes, got {length}"


def _reason(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return _QUOTED_VALUE.sub("Invalid value", str(error))
    if isinstance(error, RecursionError):
        return "expected JSON that is not nested this deep"
    if isinstance(error, UnicodeError):
        return f"expected UTF-8, got {error}"
    return f"expected one JSON object, got: {error}"
