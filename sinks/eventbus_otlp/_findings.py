"""What is to be said of the records of a batch when they have been written."""

from __future__ import annotations

from eventbus_otlp._bound import BoundCell
from eventbus_otlp._plain_value import PlainForm


class Findings:
    """What is to be said of records, by their places in the batch.

    Attributes:
        unencodable: Records that have no form, and why.
        sanitized: Records in which text was mended.
        truncated: Records in which values were cut.
        invalid: Records with a value that says nothing where it stands.
    """

    __slots__ = ("invalid", "sanitized", "truncated", "unencodable")

    def __init__(self) -> None:
        """Begin with nothing to say."""
        self.unencodable: dict[int, str] = {}
        self.sanitized: set[int] = set()
        self.truncated: set[int] = set()
        self.invalid: set[int] = set()

    def note(self, form: PlainForm, place: int) -> None:
        """Take over what became of a value of the record at *place*."""
        if form.sanitized:
            self.sanitized.add(place)
        if form.truncated:
            self.truncated.add(place)

    def note_bound(self, bound: BoundCell, place: int) -> None:
        """Take over what became of the bound attributes of the record at *place*."""
        self.note(bound.form, place)
        if bound.reason:
            self.unencodable.setdefault(place, bound.reason)

    def warned(self) -> dict[str, int]:
        """Return how many records that can be sent are to be warned of, by reason."""
        found = {
            "sanitized": self.sanitized,
            "truncated": self.truncated,
            "invalid_value": self.invalid,
        }
        sent = {name: at - self.unencodable.keys() for name, at in found.items()}
        return {reason: len(places) for reason, places in sent.items() if places}
