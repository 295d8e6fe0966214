"""What went wrong with a batch on its way: for retries, logs and dead letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from eventbus._record import AnyRecord, Attributes

PREFIX: Final = "eventbus.dead_letter."


class Trouble(msgspec.Struct, frozen=True):
    """The failed attempts at a batch.

    Args:
        since: When the first attempt began, on the monotonic clock; ``None`` while
            there was none.
        attempts: How many failed.
        faults: How many of them by a fault of the sink's own.
        unknown: Whether the far side may have the batch all the same.
        first_error: What the first one said.
        last_error: What the last one said.
    """

    since: float | None = None
    attempts: int = 0
    faults: int = 0
    unknown: bool = False
    first_error: str = ""
    last_error: str = ""

    @classmethod
    def once(cls, error: str) -> Trouble:
        """Return the trouble of a single attempt, which said *error*."""
        return cls(attempts=1, first_error=error, last_error=error)

    def and_then(
        self, error: str, *, since: float, unknown: bool, is_fault: bool
    ) -> Trouble:
        """Return the trouble after one more failed attempt, begun at *since*."""
        return Trouble(
            self.begun_by(since),
            self.attempts + 1,
            self.faults + is_fault,
            self.unknown or unknown,
            self.first_error if self.attempts else error,
            error,
        )

    def begun(self, since: float) -> Trouble:
        """Return this, now that an attempt was made that began *since*."""
        if self.since is not None:
            return self
        return msgspec.structs.replace(self, since=since)

    def begun_by(self, since: float) -> float:
        """Return when the first attempt began, if there was one that began *since*."""
        return since if self.since is None else self.since


NO_TROUBLE: Final = Trouble()


def without_secrets(trouble: Trouble, clean: Callable[[str], str]) -> Trouble:
    """Return *trouble*, whose texts were cut off maybe, as *clean* leaves them."""
    return msgspec.structs.replace(
        trouble,
        first_error=clean(trouble.first_error),
        last_error=clean(trouble.last_error),
    )


def letter(record: AnyRecord, sink: str, reason: str, trouble: Trouble) -> AnyRecord:
    """Return *record* with what a person needs to know of its end."""
    attributes = Attributes(
        {
            **record.attributes,
            f"{PREFIX}sink": sink,
            f"{PREFIX}reason": reason,
            f"{PREFIX}attempts": trouble.attempts,
            f"{PREFIX}first_error": trouble.first_error,
            f"{PREFIX}last_error": trouble.last_error,
        }
    )
    return msgspec.structs.replace(record, attributes=attributes)
