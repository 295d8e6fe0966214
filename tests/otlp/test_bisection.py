"""How many requests one bad record costs, and a far side that likes none of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from eventbus import AttachmentReport, Batch, Bus, Refused, TooLarge
from eventbus.testing import OtlpCollector, OtlpRequest, RecordingSink, replies
from eventbus_otlp import OtlpSettings, OtlpSink
from eventbus_otlp._bisection import ASK_AGAIN_AFTER, GIVE_UP_AFTER, Bisection
from tests.otlp._collector import BOTH, ids_of, refusing
from tests.otlp._sinks import Ping, open_sink, pings

N = 512
COST = 2 * math.log2(N) + 2


def has_text(request: OtlpRequest, text: str) -> bool:
    return text.encode() in request.content


async def publish(
    collector: OtlpCollector, *texts: str, protocol: Any = "http/protobuf", **own: Any
) -> tuple[AttachmentReport, list[str]]:
    """Send a batch of *N* events, some of them with *texts*; return what came of it."""
    letters = RecordingSink()
    async with Bus() as bus:
        endpoint = collector.url_for(protocol)
        sink = OtlpSink(OtlpSettings(endpoint=endpoint, protocol=protocol, **own))
        bus.attach(sink, name="otlp", batch=Batch(max_events=N), dead_letters=letters)
        bus.emit(Ping(n=-1))
        await bus.flush(10)
        collector.clear()
        for n in range(N):
            bus.emit(
                Ping(n=n, text=texts[n - 300] if 0 <= n - 300 < len(texts) else "")
            )
        await bus.flush(20)
        report = bus.stats().attachments["otlp"]
        assert report.balanced
    return report, [record.event.text for record in letters.records]  # type: ignore[return-value]


def accepted(
    collector: OtlpCollector, is_bad: Callable[[OtlpRequest], bool]
) -> list[str]:
    return [one for r in collector.requests if not is_bad(r) for one in ids_of(r)]


@pytest.mark.proves("fault-65")
async def test_one_poisoned_event_costs_itself_and_few_requests() -> None:
    is_bad = partial(has_text, text="poison")

    async with OtlpCollector(
        otherwise=refusing(replies.http(400), is_bad)
    ) as collector:
        report, letters = await publish(collector, "poison")
        arrived = accepted(collector, is_bad)
    assert (report.delivered, report.dead_lettered) == (N, 1)
    assert letters == ["poison"]
    assert len(arrived) == len({*arrived}) == N - 1
    assert len(collector.requests) <= COST


@pytest.mark.proves("fault-64")
async def test_one_event_too_large_costs_itself_and_few_requests() -> None:
    is_bad = partial(has_text, text="large")

    async with OtlpCollector(
        otherwise=refusing(replies.http(413), is_bad)
    ) as collector:
        report, letters = await publish(collector, "large")
        arrived = accepted(collector, is_bad)
    assert report.dead_lettered == report.set_aside["too_large"] == 1
    assert letters == ["large"]
    assert len(arrived) == len({*arrived}) == N - 1
    assert len(collector.requests) <= COST


@pytest.mark.proves("fault-64")
async def test_what_the_far_side_takes_in_parts_arrives_in_parts() -> None:
    def is_bad(request: OtlpRequest) -> bool:
        return len(request.content) > 10_000

    async with OtlpCollector(
        otherwise=refusing(replies.http(413), is_bad)
    ) as collector:
        report, letters = await publish(collector)
        arrived = accepted(collector, is_bad)
    assert (report.delivered, letters) == (N + 1, [])
    assert len(arrived) == len({*arrived}) == N


@pytest.mark.proves("fault-66")
async def test_what_is_over_our_own_limit_arrives_in_parts() -> None:
    async with OtlpCollector() as collector:
        report, letters = await publish(collector, max_request_bytes=10_000)
    assert (report.delivered, letters) == (N + 1, [])
    assert len(ids_of(collector)) == len({*ids_of(collector)}) == N
    assert max(len(request.content) for request in collector.requests) <= 10_000


@pytest.mark.proves("fault-65")
async def test_several_poisoned_events_cost_themselves() -> None:
    texts = ["poison", "", "poison", "poison", *["", "poison"] * GIVE_UP_AFTER]

    is_bad = partial(has_text, text="poison")

    async with OtlpCollector(
        otherwise=refusing(replies.http(400), is_bad)
    ) as collector:
        report, letters = await publish(collector, *texts)
    bad = texts.count("poison")
    assert (report.delivered, letters) == (N + 1 - bad, ["poison"] * bad)


@pytest.mark.proves("fault-65")
async def test_a_far_side_that_refuses_everything_is_not_asked_for_each() -> None:
    async with OtlpCollector(otherwise=replies.http(400)) as collector:
        report, letters = await publish(collector)
    assert len(letters) == report.dead_lettered == N + 1
    assert len(collector.requests) <= COST + 2 * GIVE_UP_AFTER


@pytest.mark.proves("fault-65")
@pytest.mark.parametrize("status", [403, 404, 405, 415, 422])
async def test_other_refusals_are_not_searched(status: int) -> None:
    async with OtlpCollector(otherwise=replies.http(status)) as collector:
        report, _ = await publish(collector)
    assert report.dead_lettered == N + 1
    assert len(collector.requests) == 1


@pytest.mark.proves("fault-65")
async def test_wrong_credentials_are_not_searched() -> None:
    async with OtlpCollector(replies.ok, otherwise=replies.http(401)) as collector:
        report, _ = await publish(collector)
    assert report.set_aside["permanent"] == N
    assert len(collector.requests) == 1


@pytest.mark.proves("fault-65")
async def test_an_invalid_argument_over_grpc_is_searched_too() -> None:
    refusal = replies.grpc("INVALID_ARGUMENT")
    poison = partial(has_text, text="poison")
    async with OtlpCollector(
        transports=BOTH, otherwise=refusing(refusal, poison)
    ) as collector:
        report, letters = await publish(collector, "poison", protocol="grpc")
    assert (report.delivered, letters) == (N, ["poison"])
    assert len(collector.requests) <= COST + 1


def test_who_refused_everything_is_asked_again_now_and_then() -> None:
    bisection = Bisection()
    for _ in range(2):
        for _ in range(GIVE_UP_AFTER):
            assert isinstance(bisection.verdict("no", 1), Refused)
        answers = [bisection.verdict("no", 100) for _ in range(ASK_AGAIN_AFTER + 1)]
        assert [isinstance(answer, Refused) for answer in answers] == [
            *[True] * ASK_AGAIN_AFTER,
            False,
        ]


def test_after_a_success_mistrust_begins_anew() -> None:
    bisection = Bisection()
    for wholes in (ASK_AGAIN_AFTER - 1, 2):
        bisection.succeeded()
        for _ in range(GIVE_UP_AFTER):
            bisection.verdict("no", 1)
        for _ in range(wholes):
            assert isinstance(bisection.verdict("no", 100), Refused)


@pytest.mark.proves("fault-65")
async def test_one_record_that_has_a_form_is_not_searched_for() -> None:
    async with (
        OtlpCollector(replies.http(400)) as collector,
        open_sink(collector.url) as sink,
    ):
        with pytest.raises(Refused, match="400"):
            await sink.write([*pings(1), *pings(2, text=object())])


def test_a_success_ends_the_mistrust() -> None:
    bisection = Bisection()
    for _ in range(GIVE_UP_AFTER):
        bisection.verdict("no", 1)
    bisection.succeeded()
    assert isinstance(bisection.verdict("no", 100), TooLarge)
