"""What a run comes to: counts that add up, and whether anything was lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from eventbus._stats import AttachmentStats, BusStats
from eventbus.cli._tally import Tally

# Any in this module: JSON.

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A run at its end.

    Args:
        stats: The bus's counts.
        tally: What was read.
        seconds: From the first line to the last delivery.
        stopped: The signal that ended it, or ``None``.
        failure: Why it could not go on, or ``None``.
        reader: The name of what made records of the lines, if it has one.
        digests: What sums up the records, by its name.
        digest_lines: The same for a person.
    """

    stats: BusStats
    tally: Tally
    seconds: float
    stopped: str | None = None
    failure: str | None = None
    reader: str | None = None
    digests: Mapping[str, Mapping[str, Any]] = {}
    digest_lines: tuple[str, ...] = ()

    @property
    def lost(self) -> int:
        """Events that did not arrive somewhere though they should have."""
        attached = self.stats.attachments.values()
        undecided = sum(one.pending for one in attached)
        refused = sum(self.stats.refused.values())
        return sum(one.lost for one in attached) + undecided + refused

    @property
    def troubles(self) -> dict[str, str]:
        """What sinks say is missing at their far sides beside events, by name."""
        attached = self.stats.attachments.items()
        return {name: one.trouble for name, one in attached if one.trouble is not None}

    @property
    def complete(self) -> bool:
        """Whether all that was there to be read arrived, with what follows from it."""
        return not (self.lost or self.troubles or self.tally.unread or self.failure)

    @property
    def status(self) -> int:
        """The exit status: 1 when something was lost, or a line was broken."""
        return OK if self.complete and not self.tally.broken else FAILED


def as_json(account: Account) -> dict[str, Any]:
    """Return *account* as one JSON object; what is absent is left out."""
    tally = account.tally
    said: dict[str, Any] = {
        "complete": account.complete,
        **stats_as_json(account.stats),
        "lines": tally.lines,
        "records": tally.records,
        "skipped": dict(tally.skipped.most_common()),
        "broken": tally.broken,
        "unread": tally.unread,
        "seconds": round(account.seconds, 6),
    }
    also: dict[str, Any] = {
        "stopped": account.stopped,
        "failure": account.failure,
        "digests": account.digests or None,
    }
    return said | {key: value for key, value in also.items() if value is not None}


def stats_as_json(stats: BusStats) -> dict[str, Any]:
    """Return *stats* as JSON: each attachment's fields, and whether they add up."""
    return {
        "emitted": stats.emitted,
        "attachments": {n: _counts(one) for n, one in stats.attachments.items()},
        "refused": dict(stats.refused),
        "warned": dict(stats.warned),
    }


def _counts(stats: AttachmentStats) -> dict[str, Any]:
    fields = msgspec.structs.asdict(stats)
    counts = {name: value for name, value in fields.items() if value is not None}
    mappings = ("dropped", "errors", "failed", "set_aside", "operations")
    by_reason = {name: dict(fields[name]) for name in mappings}
    return counts | by_reason | {"balanced": stats.balanced}
