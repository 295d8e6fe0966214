"""Events to sample, a clock that is moved by hand, and the weights that come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from eventbus import Event, Record, Severity
from eventbus.sampling import Sampler

COUNT = 20_000
DAY = 86_400.0


class Started(Event, tag="agent.started"): ...


class Sse(Event, tag="agent.sse.frame"): ...


class Failed(Event, tag="job.failed", severity="error"): ...


class LogLine(Event, tag="log.line"):
    severity: Severity = "info"


STARTED = Record(Started(), id="1")
FAILED = Record(Failed(), id="2")


class HandClock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def time_ns(self) -> int:
        raise AssertionError("a sampler must not read the wall clock")

    def monotonic(self) -> float:
        return self.now

    def call_later(self, delay_seconds: float, callback: Callable[[], object]) -> Any:
        raise AssertionError("a sampler must not wait")


def weights(sampler: Sampler, records: Iterable[Record[Any]]) -> list[float]:
    return [sampler.sample(record) for record in records]
