"""Which share of the records is kept, and which records those are."""

from __future__ import annotations

import math
from copy import copy
from random import Random
from typing import Final

from eventbus._clock import Clock
from eventbus._record import AnyRecord
from eventbus._sampling_key import Key, checked_ratio, rejection_threshold


class Ratio:
    """Keeps a share of the records; each kept one weighs ``1 / ratio``.

    With a *key*, records with the same value are kept or sampled out together, the
    same ones in every process; by trace id, the same ones that OpenTelemetry's samplers
    and Collectors keep. Without one, each record has its own luck, which is cheaper.

    Args:
        ratio: 0 keeps nothing, 1 everything; between them at least 2**-56.
        key: ``"trace_id"``, a field of the event, or a bound attribute; a record
            without it is decided by its own id. ``None`` is luck.
        seed: Makes the luck repeatable, for tests.

    Raises:
        TypeError: *ratio* is no number.
        ValueError: *ratio* is out of its range.
    """

    def __init__(
        self, ratio: float, *, key: str | None = None, seed: int | None = None
    ) -> None:
        """Work out the threshold, or draw the first gap."""
        self.ratio: Final = checked_ratio(ratio)
        self.key: Final = key
        self.seed: Final = seed
        self.weight: Final = 1 / ratio if ratio else 0.0
        self._threshold: Final = rejection_threshold(ratio)
        self._log_left_out: Final = math.log1p(-ratio) if 0 < ratio < 1 else 0.0
        self._key: Final = None if key is None else Key(key)
        self._begin()

    def _begin(self) -> None:
        """Draw anew: the state of one attachment."""
        self._uniform = Random(self.seed).random
        self._gap = self.drawn_gap()

    @property
    def keyless(self) -> bool:
        """Whether a decision needs nothing of the record."""
        return self._key is None

    def sample(self, record: AnyRecord) -> float:
        """See :class:`Sampler`."""
        if self._key is not None:
            kept = self._key.randomness(record) >= self._threshold
            return self.weight if kept else 0.0
        if self._gap > 0:
            self._gap -= 1
            return 0.0
        self._gap = self.drawn_gap()
        return self.weight

    def drawn_gap(self) -> int:
        """Draw how many are left out before the next kept one: geometric."""
        if not self._log_left_out:
            return 0
        return int(math.log(1 - self._uniform()) / self._log_left_out)

    def for_attachment(self, clock: Clock) -> Ratio:
        """See :class:`Sampler`; the *clock* is not needed."""
        own = copy(self)
        own._begin()
        return own

    def __repr__(self) -> str:
        """Show the settings that are not the defaults."""
        key = "" if self.key is None else f", key={self.key!r}"
        seed = "" if self.seed is None else f", seed={self.seed}"
        return f"Ratio({self.ratio}{key}{seed})"
