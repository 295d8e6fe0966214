"""What a sink must offer, and what it may answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from eventbus._catalog import Catalog
from eventbus._clock import Clock
from eventbus._record import AnyRecord, AttributeValue
from eventbus._tracestate import NOTHING_ADDED, Tracestate


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch that was not delivered whole.

    Indexes count from 0 within the batch; what is named nowhere was delivered. An
    index out of range or named twice is ignored and counted as
    ``warned["contract_violation"]``.

    Args:
        rejected: Refused by the far side for good: ``(index, reason)`` each.
        unencodable: Has no form at this sink: ``(index, reason)`` each; counted as
            ``dropped["encode_error"]``.
        warned: What was delivered though something was wrong, by reason
            (``"sanitized"``, ``"truncated"``, ``"invalid_value"``, …).
    """

    rejected: Sequence[tuple[int, str]] = ()
    unencodable: Sequence[tuple[int, str]] = ()
    warned: Mapping[str, int] = msgspec.field(default_factory=dict[str, int])


class SinkContext(msgspec.Struct, frozen=True):
    """What a sink is told before it starts.

    Args:
        name: The attachment's name.
        resource: Attributes of the service, as the bus was given them.
        catalog: The event types the bus knows; it grows.
        clock: The bus's clock.
        tracestate: What stands in front of every tracestate that leaves.
        content_attributes: Bound attributes that are content: where that must not
            leave, neither must they.
    """

    name: str
    resource: Mapping[str, AttributeValue]
    catalog: Catalog
    clock: Clock
    tracestate: Tracestate = NOTHING_ADDED
    content_attributes: tuple[str, ...] = ()


class Sink(Protocol):
    """Carries batches of records somewhere.

    One attempt per call: batching, retry, deadlines and accounting are the bus's. All
    calls are made on the bus's loop, ``write`` never twice at once unless the
    attachment's ``Batch.max_in_flight`` allows it. See ``sinks/SPEC.md``.

    Optional methods: ``configure(context: SinkContext)`` before ``start``;
    ``observe(batch)``, synchronous and quick, which sees every selected record before
    sampling and buffering; ``after_fork()``, synchronous and quick, in the child of a
    fork, where ``start`` is called next; ``async check()``, which raises when the far
    side cannot be reached. An optional attribute ``trouble``, ``None`` or a text, says
    what is missing at the far side beside records, such as metrics that wait: for as
    long the attachment is degraded and no report complete. Optional class attributes:
    ``buffer``, ``batch`` and ``retry``, the sink's own defaults; ``ordered = True`` for
    one batch in flight at most; ``Settings``, the Struct that a configuration is read
    into.
    """

    async def start(self) -> None:
        """Open what is needed. Retried with backoff while it raises."""
        ...

    async def write(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """Make one attempt to deliver *batch*; returning means delivered.

        Raises:
            Unavailable: Not now; the batch is tried again.
            Refused: Never; the batch is counted as rejected.
            TooLarge: The batch is split.

        Any other exception is a fault of the sink: the batch is tried three times in
        all. When cancelled, the attempt's outcome counts as unknown.
        """
        ...

    async def aclose(self) -> None:
        """Let go of everything. Called once, also after a failed start.

        Again only if the host cancelled the call, not the bus.
        """
        ...


def optional_method(sink: Sink, name: str) -> Any:
    """Return the bound method *name* of *sink*, or ``None``: its type is its name's."""
    return getattr(sink, name, None)
