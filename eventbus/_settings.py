"""Which bounds an attachment has, by name, and their defaults."""

from __future__ import annotations

import enum
import math
from typing import Annotated, Final, cast

import msgspec
from msgspec import Meta

from eventbus._bounds import WrongSetting, above, at_least, between, out_of_range
from eventbus._severity import SEVERITIES, Severity

DEFAULT_MAX_EVENTS: Final = 8192  # 16 batches: 1.6 s of 5,000 events a second
DEFAULT_WAIT_TIMEOUT_SECONDS: Final = 5.0
DEFAULT_START_TIMEOUT_SECONDS: Final = 5.0
DEFAULT_CLOSE_TIMEOUT_SECONDS: Final = 5.0
DEFAULT_BATCH_EVENTS: Final = 512  # OpenTelemetry's maxExportBatchSize
DEFAULT_MAX_DELAY_SECONDS: Final = 0.2
DEFAULT_RESERVE_RATIO: Final = 0.1


class Overflow(enum.Enum):
    """What a full buffer does."""

    WAIT = "wait"
    """``publish`` waits for room; to ``emit``, which never waits, drop newest."""

    DROP_NEWEST = "drop_newest"
    """The event that does not fit is dropped."""

    DROP_OLDEST = "drop_oldest"
    """The oldest event that is not in flight makes room."""


class _Settings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
): ...


class Reserve(_Settings, frozen=True, kw_only=True):
    """Room in a buffer that is kept for what is severe.

    Args:
        ratio: How much of it: of ``max_bytes`` where bytes are bounded, else of
            ``max_events``.
        severity: The least severity that it is for.
    """

    ratio: Annotated[float, Meta(gt=0, lt=1)] = DEFAULT_RESERVE_RATIO
    severity: Severity = "error"

    def __post_init__(self) -> None:
        """Refuse a reserve of nothing, of everything, or for nobody."""
        between("ratio", self.ratio, 0, 1)
        if self.ratio in (0, 1):
            raise out_of_range("ratio", "between 0 and 1, both excluded", self.ratio)
        if self.severity not in SEVERITIES:
            raise WrongSetting(
                f"severity must be one of {', '.join(SEVERITIES)}, "
                f"got {self.severity!r}",
                "severity",
            )


class Buffer(_Settings, frozen=True, kw_only=True):
    """The bounds of one attachment's buffer.

    Everything not yet decided counts: queued, in flight, waiting for a retry.

    Args:
        max_events: Most events pending at once.
        max_bytes: Most bytes pending at once, as encoded text; ``None`` is no limit.
            An event larger than this is dropped as ``too_large``.
        overflow: What happens when the buffer is full.
        wait_timeout_seconds: Longest wait of ``publish`` where ``overflow`` is to
            wait; 0 never waits, ``None`` waits for as long as it takes.
        max_age_seconds: How long an event is worth sending, from when it was queued,
            on the monotonic clock. An older one is dropped as ``expired``: looked at
            before a batch leaves, before each attempt, and by one timer that frees
            the room in the queue on time. What a call of ``write`` has in hand stays
            until it ends. ``None`` is for ever.
        reserve: Room that others may not fill. Where the newest are dropped, severe
            ones go in when there is no room for others; where the oldest are, they
            stay as long as they fill no more than the reserve; where ``publish``
            waits, it waits earlier with others, and severe ones pass them in line.
            What is dropped is decided on the loop, so ``emit`` answers ``True``.
            ``None`` is none.
    """

    max_events: Annotated[int, Meta(ge=1)] = DEFAULT_MAX_EVENTS
    max_bytes: Annotated[int, Meta(ge=1)] | None = None
    overflow: Overflow = Overflow.WAIT
    wait_timeout_seconds: Annotated[float, Meta(ge=0)] | None = (
        DEFAULT_WAIT_TIMEOUT_SECONDS
    )
    max_age_seconds: Annotated[float, Meta(gt=0)] | None = None
    reserve: Reserve | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that bound nothing."""
        at_least("max_events", self.max_events, 1)
        at_least("max_bytes", self.max_bytes, 1)
        if not isinstance(cast("object", self.overflow), Overflow):
            raise WrongSetting(
                f"overflow must be an eventbus.Overflow, got {self.overflow!r}",
                "overflow",
            )
        at_least("wait_timeout_seconds", self.wait_timeout_seconds, 0)
        above("max_age_seconds", self.max_age_seconds, 0)
        if not isinstance(cast("object", self.reserve), Reserve | None):
            raise WrongSetting(
                f"reserve must be an eventbus.Reserve or None, got {self.reserve!r}",
                "reserve",
            )

    @property
    def reserved_events(self) -> int:
        """How many events ``reserve`` is; 0 where it is bytes."""
        if self.reserve is None or self.max_bytes is not None:
            return 0
        return math.ceil(self.max_events * self.reserve.ratio)

    @property
    def reserved_bytes(self) -> int:
        """How many bytes ``reserve`` is; 0 where it is events."""
        if self.reserve is None or self.max_bytes is None:
            return 0
        return math.ceil(self.max_bytes * self.reserve.ratio)


class Batch(_Settings, frozen=True, kw_only=True):
    """When a batch leaves, and how many at a time.

    The first event leaves at once; after that a batch leaves when it is full, or
    ``max_delay_seconds`` after the one before.

    Args:
        max_events: Most events in a batch.
        max_bytes: Most bytes in a batch, as encoded text; a larger event goes alone.
            ``None`` is no limit.
        max_delay_seconds: Longest wait for a batch to fill.
        max_in_flight: How many calls of ``write`` may run at once; a sink that is
            ``ordered`` has one.
    """

    max_events: Annotated[int, Meta(ge=1)] = DEFAULT_BATCH_EVENTS
    max_bytes: Annotated[int, Meta(ge=1)] | None = None
    max_delay_seconds: Annotated[float, Meta(ge=0)] = DEFAULT_MAX_DELAY_SECONDS
    max_in_flight: Annotated[int, Meta(ge=1)] = 1

    def __post_init__(self) -> None:
        """Refuse a batch that never leaves."""
        at_least("max_events", self.max_events, 1)
        at_least("max_bytes", self.max_bytes, 1)
        at_least("max_delay_seconds", self.max_delay_seconds, 0)
        at_least("max_in_flight", self.max_in_flight, 1)


class Retry(_Settings, frozen=True, kw_only=True):
    """How often and how long a batch is tried again.

    Waits are full jitter: uniform between 0 and ``initial_seconds`` doubled with each
    attempt, at most ``max_seconds``.

    Args:
        initial_seconds: The bound of the first wait.
        max_seconds: The bound of any wait of our own.
        max_elapsed_seconds: From the first attempt to giving up
            (``retry_exhausted``); 0 never gives up.
        max_server_delay_seconds: The longest wait a far side may ask for.
        budget_ratio: Records sent again per record sent fresh, over a minute; beyond
            it each wait is ``max_seconds``.
        timeout_seconds: Longest attempt; then it is cancelled and its outcome is
            unknown. ``None`` is no limit.
    """

    initial_seconds: Annotated[float, Meta(gt=0)] = 1.0
    max_seconds: Annotated[float, Meta(gt=0)] = 30.0
    max_elapsed_seconds: Annotated[float, Meta(ge=0)] = 300.0
    max_server_delay_seconds: Annotated[float, Meta(ge=0)] = 300.0
    budget_ratio: Annotated[float, Meta(ge=0, le=1)] = 0.2
    timeout_seconds: Annotated[float, Meta(gt=0)] | None = 10.0

    def __post_init__(self) -> None:
        """Refuse a backoff that cannot grow to its cap."""
        above("initial_seconds", self.initial_seconds, 0)
        above("timeout_seconds", self.timeout_seconds, 0)
        if not self.max_seconds >= self.initial_seconds:
            bounds = f">= initial_seconds ({self.initial_seconds})"
            raise out_of_range("max_seconds", bounds, self.max_seconds)
        at_least("max_elapsed_seconds", self.max_elapsed_seconds, 0)
        at_least("max_server_delay_seconds", self.max_server_delay_seconds, 0)
        between("budget_ratio", self.budget_ratio, 0, 1)


class Limits(_Settings, frozen=True, kw_only=True):
    """The bounds of a whole bus.

    Args:
        max_attachments: Most attachments at once, subscriptions and handlers
            included.
        max_event_types: Most event types seen; an event of one more is refused as
            ``unregistered``.
        max_depth: How many events may cause each other through handlers and sinks
            before the next is refused as ``recursion``.
        max_attributes: Most attributes of a record; what is bound or relayed beyond
            them is left out of it, counted in its ``dropped_attributes_count``, and
            the record as ``truncated``.
    """

    max_attachments: Annotated[int, Meta(ge=1)] = 1000
    max_event_types: Annotated[int, Meta(ge=1)] = 100_000
    max_depth: Annotated[int, Meta(ge=1)] = 3
    max_attributes: Annotated[int, Meta(ge=0, le=1024)] = 128

    def __post_init__(self) -> None:
        """Refuse bounds that let nothing through, and attributes without an end."""
        at_least("max_attachments", self.max_attachments, 1)
        at_least("max_event_types", self.max_event_types, 1)
        at_least("max_depth", self.max_depth, 1)
        between("max_attributes", self.max_attributes, 0, 1024)
