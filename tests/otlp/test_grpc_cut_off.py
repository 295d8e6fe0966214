"""gRPC calls that end without an answer, and what is known of them."""

from __future__ import annotations

import pytest

from eventbus import Bus, Retry, Unavailable
from eventbus.testing import OtlpCollector
from eventbus_otlp import OtlpSettings, OtlpSink
from tests.otlp._collector import ids_of, port_of
from tests.otlp._http2 import (
    ENHANCE_YOUR_CALM,
    REFUSED_STREAM,
    BreaksOff,
    aborts,
    breaking_off,
    goes_away,
    resets,
)
from tests.otlp._sinks import Ping, ids, open_sink, pings

pytestmark = pytest.mark.proves("fault-78")

INTERNAL_ERROR = 2


async def test_a_call_that_the_server_has_not_seen_costs_no_attempt() -> None:
    first = goes_away(has_seen_the_call=False)
    async with (
        breaking_off(first) as (collector, url),
        open_sink(url, protocol="grpc") as sink,
    ):
        for n in range(3):
            assert await sink.write(pings(n)) is None
    assert ids_of(collector) == ids(0, 1, 2)


@pytest.mark.parametrize(
    ("first", "unknown"),
    [
        (goes_away(has_seen_the_call=True), True),
        (aborts, True),
        (resets(INTERNAL_ERROR), True),
        (resets(ENHANCE_YOUR_CALM), True),
        (resets(REFUSED_STREAM), False),
    ],
    ids=["too many pings", "abort", "reset", "calm", "refused"],
)
async def test_a_call_that_is_cut_off_may_have_arrived(
    first: BreaksOff, unknown: bool
) -> None:
    async with (
        breaking_off(first) as (_, url),
        open_sink(url, protocol="grpc") as sink,
    ):
        with pytest.raises(
            Unavailable, match=f"no answer from .*{port_of(url)}"
        ) as got:
            await sink.write(pings(1))
        assert got.value.outcome_unknown == unknown


async def test_a_call_that_never_left_has_not_arrived() -> None:
    async with OtlpCollector(transports=["grpc"]) as collector:
        pass
    async with open_sink(collector.grpc_url, protocol="grpc") as sink:
        with pytest.raises(Unavailable) as got:
            await sink.write(pings(1))
    assert not got.value.outcome_unknown


async def test_what_the_bus_sends_again_is_counted_as_a_possible_duplicate() -> None:
    first = goes_away(has_seen_the_call=True)
    async with breaking_off(first) as (collector, url), Bus() as bus:
        sink = OtlpSink(OtlpSettings(endpoint=url, protocol="grpc"))
        bus.attach(sink, name="otlp", retry=Retry(initial_seconds=0.001))
        for n in range(3):
            bus.emit(Ping(n=n))
            assert (await bus.flush(20)).complete
        report = bus.stats().attachments["otlp"]
    assert len(ids_of(collector)) == report.delivered == 3
    assert report.possible_duplicates == 1
