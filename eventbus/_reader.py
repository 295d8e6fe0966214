"""What a reader yields: records, and what it could not make one of."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Final, Protocol, runtime_checkable

import msgspec

from eventbus._record import AnyRecord

MAX_LINE_BYTES: Final = 16_777_216
"""Longest line a reader is given by ``eventbus run``; the rest of it is passed over."""


class Skipped(msgspec.Struct, frozen=True):
    """Input that is in order but has no event type.

    Args:
        kind: What it is, from a small set; counted by it in the closing account.
        path: The input's name.
        line: Line number from 1.
    """

    kind: str
    path: str
    line: int


class Broken(msgspec.Struct, frozen=True):
    """Input that should have been a record and is none.

    Args:
        reason: What was expected and what was found; no line break, no secret.
        path: The input's name.
        line: Line number from 1.
    """

    reason: str
    path: str
    line: int

    def __str__(self) -> str:
        """Say the place first, as compilers do."""
        return f"{self.path}:{self.line}: {self.reason}"


Reading = AnyRecord | Skipped | Broken


@runtime_checkable
class Reader(Protocol):
    """Turns lines into records; found by its entry point in ``eventbus.readers``.

    It raises nothing for what stands in the lines: it yields :class:`Skipped` or
    :class:`Broken` and goes on. It keeps no more than a bounded part of its input.
    """

    def __call__(self, lines: Iterable[bytes], *, path: str) -> Iterator[Reading]:
        """Read *lines*; *path* names the input in what is skipped or broken."""
        ...


@runtime_checkable
class AsyncReader(Protocol):
    """A :class:`Reader` whose input arrives over time."""

    def __call__(
        self, lines: AsyncIterable[bytes], *, path: str
    ) -> AsyncIterator[Reading]:
        """See :class:`Reader`."""
        ...
