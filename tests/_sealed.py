"""Events to seal, and a sink that shows what it observes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eventbus import Event, Severity
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink


class Step(Event, tag="work.step"):
    number: int = 0


class Line(Event, tag="log.line"):
    number: int = 0
    severity: Severity = "debug"


class Observer(RecordingSink):
    """Shows every batch it observes to *look*."""

    def __init__(self, look: Callable[[Sequence[AnyRecord]], object]) -> None:
        super().__init__()
        self.observe = look


def numbers(sink: RecordingSink) -> list[int]:
    return [event.number for event in sink.events]  # type: ignore[attr-defined]
