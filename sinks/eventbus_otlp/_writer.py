"""What a form of OTLP has to know: how attributes, records and requests are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from eventbus_otlp._plain_value import Plain

Cells = Sequence[bytes]
"""A part of each record of a group; empty where a record has no such part."""


class ValueWriter(Protocol):
    """Writes values where one attribute goes, or the body.

    A sequence holds values of that very type, whole numbers within 64 bits; whatever
    else there is may raise anything, and is then written value by value.
    """

    def texts(self, values: Sequence[str]) -> list[bytes]:
        """Write text."""
        ...

    def ints(self, values: Sequence[int]) -> list[bytes]:
        """Write whole numbers."""
        ...

    def floats(self, values: Sequence[float]) -> list[bytes]:
        """Write numbers."""
        ...

    def bools(self, values: Sequence[bool]) -> list[bytes]:
        """Write truth values."""
        ...

    def one(self, value: Plain) -> bytes:
        """Write any value. Raises nothing."""
        ...


class RecordWriter(Protocol):
    """Writes what all records of a signal have around their own parts."""

    def attribute(self, name: str) -> ValueWriter:
        """Return what writes the attribute of that *name*."""
        ...

    def dropped_attributes(self, count: int) -> bytes:
        """Write how many attributes were left out; nothing for 0."""
        ...

    def resource(self, attributes: Mapping[str, Plain], dropped: int) -> bytes:
        """Write a resource, and of how many attributes it is short."""
        ...

    def records(
        self,
        before: Iterable[Cells],
        attributes: Iterable[Cells],
        after: Iterable[Cells],
    ) -> list[bytes]:
        """Put the parts of records together, those around the attributes too."""
        ...

    def request(self, records: Mapping[bytes, Sequence[bytes]]) -> bytes:
        """Write the request with *records* by their resource."""
        ...


class LogWriter(RecordWriter, Protocol):
    """Writes log records."""

    def times(self, times: Sequence[int], observed: Sequence[int]) -> list[bytes]:
        """Write two times of each record, in nanoseconds since 1970; 0 is unknown.

        Raises:
            Exception: One of them has no form.
        """
        ...

    def kind(self, number: int, severity: str, name: str) -> bytes:
        """Write the severity and the event's name."""
        ...

    def body(self) -> ValueWriter:
        """Return what writes the body."""
        ...

    def trace_id(self, trace_id: str) -> bytes:
        """Write a valid id."""
        ...

    def span_ids(self, span_ids: Sequence[str]) -> list[bytes]:
        """Write valid ids."""
        ...

    def flags(self, flags: int) -> bytes:
        """Write W3C trace flags; nothing for 0."""
        ...
