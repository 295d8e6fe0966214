"""What one window means to one attachment: what it keeps, and what becomes of the rest.

The user's code runs here, never under the lock: an ``observe``, samplers, and the
methods of values that are sized.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from msgspec.structs import replace

from eventbus._chunk import Chunk, RecordBatch
from eventbus._context import Bound, scope, sink_scope
from eventbus._gaps import Gap
from eventbus._plan import Plan
from eventbus._reserve import severe_ones
from eventbus._sampler import Sampler
from eventbus._sink import optional_method
from eventbus._trouble import Trouble
from eventbus._verdict import describe_error, refuse_awaitable, was_pressed
from eventbus._window import Window

if TYPE_CHECKING:
    from eventbus._attachment import Attachment
    from eventbus._thinning import Thinning

MAX_WEIGHT: Final = 1e18  # beyond it, sums of weights lose whole events


class Portion(msgspec.Struct, frozen=True):
    """What one window means to one attachment.

    Args:
        sequences: Those of the records it selected.
        lost: Which of them came when its door was closed, could never fit its bytes,
            or could not be made anything of.
        sampled_out: How many it chose not to take.
        kept: What is to be queued, or ``None``.
        set_aside: How many were kept as dead letters instead, by reason.
    """

    sequences: Sequence[int]
    lost: tuple[Gap, ...] = ()
    sampled_out: int = 0
    kept: Chunk | None = None
    set_aside: Mapping[str, int] = {}

    @property
    def offered(self) -> int:
        """How many records it selected."""
        return len(self.sequences)

    @property
    def neighbours(self) -> tuple[int, int]:
        """The sequence before its records and the last of theirs; 0 is not known."""
        if not self.sequences:
            return 0, 0
        return self.sequences[0] - 1, self.sequences[-1]

    @property
    def is_severe(self) -> bool:
        """Whether a reserve is for the first record that it keeps."""
        kept = self.kept
        return kept is not None and len(kept) > 0 and kept.is_severe(kept.start)

    def also_aside(self, reason: str, count: int) -> Mapping[str, int]:
        """Return what is set aside, with *count* more for *reason*."""
        return {**self.set_aside, reason: self.set_aside.get(reason, 0) + count}


class Portions:
    """Works out portions for one attachment; on the loop's thread only."""

    def __init__(self, attachment: Attachment) -> None:
        """Look at what the sink observes, and at what the plan asks for."""
        self._attachment: Final = attachment
        self._intake: Final = attachment.intake
        self._observe_all: Any = optional_method(attachment.sink, "observe")
        self.follow(attachment.plan)

    def follow(self, plan: Plan) -> None:
        """Work by *plan* from now on."""
        self._plan = plan
        self._appraises = plan.weighs or plan.buffer.reserve is not None
        self._takes_all = not (self._appraises or self.is_looked_at)

    @property
    def is_observed(self) -> bool:
        """Whether the sink sees every selected record before sampling."""
        return self._observe_all is not None

    @property
    def is_looked_at(self) -> bool:
        """Whether an ``observe`` or a sampler sees every selected record."""
        return self._observe_all is not None or self._plan.sampler is not None

    def of(self, window: Window, stop: int) -> Portion:
        """Work out what *window* means here; it never hurts the neighbours.

        Args:
            window: What is selected, redacted as asked.
            stop: From which record on the door was closed.
        """
        if self._takes_all and self._intake.closed_for is None:
            sequences = window.sequences
            lost = () if stop == len(sequences) else _refused(window, stop)
            return Portion(sequences, lost, 0, Chunk(window, 0, stop))
        try:
            if self._takes_all or not len(window):
                return self._of(window, stop)
            watch = self._attachment.workers.delivery.watch
            with watch.stretch(), scope(Bound(depth=window.depth + 1)):
                return self._of(window, stop)
        except Exception as error:  # noqa: BLE001 - it must not hurt the neighbours
            why = describe_error(error)
            self._attachment.health.degrade(f"{stop} event(s) lost: {why}")
            lost = _gaps_in(window, "encode_error", 0, stop)
            return Portion(window.sequences, (*lost, *_refused(window, stop)))

    def _of(self, window: Window, stop: int) -> Portion:
        if len(window):
            self._observe(window)
        kept = Chunk(window, 0, stop)
        if self._plan.sampler is not None:
            part, thinning = window.head(stop), self._attachment.thinning
            sampled = sample(part, self._plan.sampler, self._warn, thinning)
            kept = Chunk(sampled, 0, len(sampled))
        lost = () if stop == len(window) else _refused(window, stop)
        portion = Portion(window.sequences, lost, stop - len(kept), kept)
        return self.diverted(self.appraised(portion) if self._appraises else portion)

    def _observe(self, window: Window) -> None:
        if self._observe_all is None:
            return
        try:
            with sink_scope():
                batch = RecordBatch([Chunk(window, 0, len(window))])
                refuse_awaitable(self._observe_all(batch), "observe")
        except BaseException as error:  # a sink must not hurt its neighbours
            if was_pressed(error):
                raise
            self._attachment.ledger.fail(type(error).__name__)
            self._attachment.health.degrade(f"observe raised {describe_error(error)}")

    def _warn(self, reason: str, error: BaseException) -> None:
        host, name = self._attachment.host, self._plan.name
        host.ledger.warn(reason)
        host.log.warning(
            f"{name}: {reason}",
            "%s at attachment %r: %s",
            reason,
            name,
            describe_error(error),
        )

    def appraised(self, portion: Portion) -> Portion:
        """Return *portion* with sizes and severities, without what could never fit."""
        kept, max_bytes = portion.kept, self._plan.buffer.max_bytes
        if kept is None:
            return portion
        self.appraise(kept)
        if max_bytes is None or max(kept.sizes or (), default=0) <= max_bytes:
            return replace(portion, kept=kept)
        kept, large = kept.sorted_out(max_bytes)
        trouble = Trouble.once(f"larger than max_bytes of the buffer, {max_bytes}")
        if self._set_aside(large, "too_large", trouble):
            set_aside = portion.also_aside("too_large", len(large))
            return replace(portion, kept=kept, set_aside=set_aside)
        lost = _gaps_in(large.window, "too_large", 0, len(large))
        return replace(portion, kept=kept, lost=(*portion.lost, *lost))

    def appraise(self, chunk: Chunk) -> None:
        """Know the sizes of *chunk*, and which of it is severe, where that counts."""
        bounds = self._plan.buffer
        if self._plan.weighs and chunk.sizes is None:
            measure = self._attachment.host.measure
            sizes = measure(chunk.window.records, bounds.max_bytes)
            chunk.sizes = array("q", sizes)  # a quarter of what a list takes
        chunk.severe = None
        if bounds.reserve is not None:
            chunk.severe = severe_ones(chunk.window.records, bounds.reserve)

    def diverted(self, portion: Portion) -> Portion:
        """Keep as dead letters what comes when the sink was given up for good."""
        attachment, kept = self._attachment, portion.kept
        reason = self._intake.closed_for
        if not kept or reason is None or attachment.dead_letters is None:
            return portion
        trouble = Trouble(last_error=attachment.health.cause or "")
        if not self._set_aside(kept, reason, trouble):
            return portion
        set_aside = portion.also_aside(reason, len(kept))
        return replace(portion, kept=None, set_aside=set_aside)

    def _set_aside(self, chunk: Chunk, reason: str, trouble: Trouble) -> bool:
        batch = RecordBatch([chunk])
        return self._attachment.fate.set_aside(batch, reason, trouble)


def _refused(window: Window, stop: int) -> tuple[Gap, ...]:
    """Return what of *window* came when the door was closed."""
    return _gaps_in(window, "queue_full", stop, len(window))


def _gaps_in(window: Window, reason: str, start: int, stop: int) -> tuple[Gap, ...]:
    """Return the records of *window* from *start* up to *stop* as lost."""
    if start >= stop:
        return ()
    first, last = window.sequences[start], window.sequences[stop - 1]
    return (Gap(reason, stop - start, first, last),)


class Warn(Protocol):
    """Counts and says what went on though something was wrong."""

    def __call__(self, reason: str, error: BaseException) -> None:
        """Count one event for *reason*."""
        ...


def sample(
    window: Window, sampler: Sampler, warn: Warn, thinning: Thinning | None = None
) -> Window:
    """Return what *sampler* keeps of *window*, with its weights.

    What its *thinning* kept as it was emitted stays kept. A sampler that raises keeps
    the event.
    """
    picks: list[int] = []
    weights: list[float] = []
    kept = thinning.kept_of(window.contexts) if thinning is not None else {}
    for index, record in enumerate(window.records):
        try:
            weight = kept.get(index) or _weight(sampler.sample(record))
            taken = weight > 0
        except BaseException as error:  # a sampler is the user's code
            if was_pressed(error):
                raise
            warn("sampler_error", error)
            weight, taken = 1.0, True
        if taken:
            picks.append(index)
            weights.append(weight)
    return window.picked(picks, weights=weights)


def _weight(answer: object) -> float:
    """Return a sampler's *answer* as a weight.

    Raises:
        ValueError: It is none: negative, infinite or no number.
    """
    if isinstance(answer, int | float) and 0 <= answer <= MAX_WEIGHT:
        return float(answer)
    raise ValueError(f"expected a weight from 0 to {MAX_WEIGHT:g}, got {answer!r:.40}")
