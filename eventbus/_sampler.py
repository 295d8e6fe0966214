"""What a sampler must offer: one answer per record."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from eventbus._clock import Clock
from eventbus._record import AnyRecord


@runtime_checkable
class Sampler(Protocol):
    """Decides which records an attachment takes, and how many each stands for.

    Called once per selected record, on the bus's loop, in the order of the records.
    What it raises is counted as ``sampler_error``, and the record is kept.

    Optional method: ``for_attachment(clock) -> Sampler``, called once when a sink is
    attached; it returns a sampler of the same settings with a state of its own, that
    reads the bus's :class:`eventbus.Clock`. Without it, attachments that are given the
    same sampler share its state.
    """

    def sample(self, record: AnyRecord) -> float:
        """Return 0 for sampled out, or how many records like it *record* stands for.

        The answer is a factor of 1 or more; the bus multiplies it with the weight the
        record has already.
        """
        ...


def for_attachment(sampler: Sampler, clock: Clock) -> Sampler:
    """Return *sampler* with a state of its own, reading *clock* where it needs one."""
    method = getattr(sampler, "for_attachment", None)
    return sampler if method is None else method(clock)
