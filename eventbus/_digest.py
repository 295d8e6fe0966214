"""What sums up a run of events for a person, where a catalog knows what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from eventbus._record import AnyRecord

# Any in this module: JSON.


class Digest(Protocol):
    """Sums up records: what ``eventbus run`` shows at its end, beside its account.

    A catalog offers digests by name: ``Catalog(digests={"agent": SessionDigest})``.
    Each run makes one of each. One that raises is left out of the rest of the run.
    """

    def take(self, records: Sequence[AnyRecord], /) -> None:
        """Add *records*, of whatever types; synchronous and quick."""
        ...

    def lines(self) -> Iterable[str]:
        """Return what a person reads; nothing where there was nothing to sum up."""
        ...

    def as_json(self) -> Mapping[str, Any]:
        """Return the same for machines, in base units; empty where there is nothing."""
        ...
