"""What is sent of a program that others log and trace in: the bus's own events."""

from __future__ import annotations

import logging
import warnings
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Annotated

import pytest
from opentelemetry.sdk.trace import TracerProvider

from eventbus import Bus, Event, Span, Unit
from eventbus.testing import OtlpCollector
from eventbus_local import LoggingHandler

pytestmark = pytest.mark.eventbus_network

FOREIGN = ("", "httpx", "acme", "acme.payments.card", "acme.paymentsx", "other.acme")


class Step(Event, tag="work.step", span=Span("step", duration="duration_ms")):
    duration_ms: Annotated[float, Unit("ms")] = 5.0


@pytest.fixture
async def collector() -> AsyncGenerator[OtlpCollector]:
    async with OtlpCollector() as collector:
        yield collector


def bus_to(collector: OtlpCollector) -> Bus:
    otlp = {"endpoint": collector.url, "signals": ["logs", "traces"]}
    return Bus.from_config({"sinks": {"otlp": otlp}}, strict=True)


def let_others_speak() -> None:
    """Log, warn and trace as foreign libraries of the process do."""
    for name in FOREIGN:
        logging.getLogger(name).error("from %r", name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn("from warnings", stacklevel=1)
    with TracerProvider().get_tracer("foreign").start_as_current_span("foreign"):
        pass


@contextmanager
def handling(name: str, handler: logging.Handler) -> Iterator[None]:
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@pytest.mark.proves("E2")
async def test_foreign_log_records_and_spans_do_not_arrive(
    collector: OtlpCollector,
) -> None:
    async with bus_to(collector) as bus:
        let_others_speak()
        bus.emit(Step())
        assert (await bus.flush()).complete
        let_others_speak()
    assert [log.name for log in collector.logs] == ["work.step"]
    assert [span.name for span in collector.spans] == ["step"]


@pytest.mark.proves("E2")
async def test_a_handler_opts_in_one_namespace_and_what_is_below_it(
    collector: OtlpCollector,
) -> None:
    async with bus_to(collector) as bus:
        with handling("acme.payments", LoggingHandler(bus)):
            let_others_speak()
        let_others_speak()
        bus.emit(Step())
    logs = collector.logs
    assert [(log.name, log.attributes.get("log.logger")) for log in logs] == [
        ("log.record", "acme.payments.card"),
        ("work.step", None),
    ]
    assert [span.name for span in collector.spans] == ["step"]
