"""What becomes of a batch when it is encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Encoded(NamedTuple):
    """One request, and what of the batch is in it.

    Args:
        body: The request, uncompressed; empty when nothing is in it.
        sent: Places in the batch of the records that are in it.
        unencodable: Places of those that have no form, and why.
        warned: What is in it though something was wrong, by reason.
    """

    body: bytes
    sent: Sequence[int]
    unencodable: Sequence[tuple[int, str]] = ()
    warned: Mapping[str, int] = {}
