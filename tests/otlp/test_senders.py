"""A batch that goes out as two signals: what arrived as one is not sent again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest

from eventbus import Outcome, Record, Refused, Unavailable
from eventbus._clock import SystemClock
from eventbus._log import QuietLog
from eventbus._record import AnyRecord
from eventbus.testing import OtlpCollector, replies
from eventbus_otlp import OtlpSettings
from eventbus_otlp._arrived import Arrived
from eventbus_otlp._encode import LogsEncoder
from eventbus_otlp._encoded import Encoded
from eventbus_otlp._sender import AT_ONCE_BYTES, Encoder, Sender
from eventbus_otlp._senders import NO_SPAN, Senders
from eventbus_otlp._signal import Signal
from tests.otlp._collector import ids_of
from tests.otlp._sinks import ids, open_client, pings


class EvenOnes(LogsEncoder):
    """Knows the form of every second record only, as spans have one."""

    def encode(self, batch: Sequence[AnyRecord]) -> Encoded:
        places = [i for i, record in enumerate(batch) if record.event.n % 2 == 0]
        encoded = super().encode([batch[i] for i in places])
        return encoded._replace(
            sent=[places[i] for i in encoded.sent],
            unencodable=[(places[i], why) for i, why in encoded.unencodable],
        )


class Formless:
    """Knows no form of the first record, and none is a span."""

    def encode(self, batch: Sequence[AnyRecord]) -> Encoded:
        nothing = LogsEncoder("protobuf", resource={}).encode([])
        return nothing._replace(unencodable=[(0, "none")])


class Noted(LogsEncoder):
    """Notes what it is given."""

    def __init__(self) -> None:
        super().__init__("protobuf", resource={})
        self.batches: list[Sequence[AnyRecord]] = []

    def encode(self, batch: Sequence[AnyRecord]) -> Encoded:
        self.batches.append(batch)
        return super().encode(batch)


@asynccontextmanager
async def senders(
    server: OtlpCollector, *signals: Signal, sends_all: bool = True
) -> AsyncGenerator[Senders]:
    """Open senders of the *signals*; traces are of every second record."""
    settings = OtlpSettings(endpoint=server.url, signals=signals)
    log = QuietLog(SystemClock())
    async with open_client(settings) as client:
        yield Senders(
            [
                Sender(signal, _encoder(signal), client, name="otlp", log=log)
                for signal in signals
            ],
            sends_all=sends_all,
        )


def _encoder(signal: Signal) -> partial[Encoder]:
    kind = LogsEncoder if signal == "logs" else EvenOnes
    return partial(kind, "protobuf", resource={})


def sent(server: OtlpCollector) -> list[tuple[str, list[str]]]:
    """Return what came, by signal."""
    return [(r.target.rpartition("/")[2], ids_of(r)) for r in server.requests]


BATCH = pings(1, 2, 3, 4)
collecting = partial(OtlpCollector, paths={"/v1/traces": "logs"})
"""Reads what comes as traces, since here they have the form of logs."""


async def test_each_signal_has_its_request() -> None:
    async with collecting() as server, senders(server, "logs", "traces") as both:
        assert await both.send(BATCH) is None
        assert await both.send(BATCH) is None
    once = [("logs", ids(1, 2, 3, 4)), ("traces", ids(2, 4))]
    assert sent(server) == once + once


async def test_only_what_failed_is_tried_again() -> None:
    async with (
        collecting(replies.http(200), replies.http(503)) as server,
        senders(server, "logs", "traces") as both,
    ):
        with pytest.raises(Unavailable):
            await both.send(BATCH)
        assert await both.send(BATCH) is None
        assert await both.send(BATCH) is None
    assert sent(server) == [
        ("logs", ids(1, 2, 3, 4)),
        ("traces", ids(2, 4)),
        ("traces", ids(2, 4)),
        ("logs", ids(1, 2, 3, 4)),
        ("traces", ids(2, 4)),
    ]


async def test_a_part_of_a_batch_that_was_split_is_known_too() -> None:
    async with (
        collecting(replies.http(200), replies.http(413)) as server,
        senders(server, "logs", "traces") as both,
    ):
        with pytest.raises(Exception, match="413"):
            await both.send(BATCH)
        await both.send([*BATCH[:2], *pings(5)])
        await both.send(BATCH[2:])
    assert sent(server)[2:] == [
        ("logs", ids(5)),
        ("traces", ids(2)),
        ("traces", ids(4)),
    ]


async def test_what_one_refuses_is_sent_as_the_other_and_said_in_the_end() -> None:
    async with (
        collecting(replies.http(404), replies.http(503), replies.http(200)) as server,
        senders(server, "logs", "traces") as both,
    ):
        with pytest.raises(Unavailable):
            await both.send(BATCH)
        outcome = await both.send(BATCH)
    assert outcome is not None
    assert [place for place, _ in outcome.rejected] == [0, 1, 2, 3]
    assert [kind for kind, _ in sent(server)] == ["logs", "traces", "traces"]


@pytest.mark.parametrize(
    ("answers", "rejected"),
    [
        ((replies.took(1), replies.took(0)), [3]),
        ((replies.took(0), replies.took(1)), [3]),
        ((replies.took(2), replies.took(2)), [1, 2, 3]),
    ],
)
async def test_what_either_refused_is_rejected_once(
    answers: tuple[replies.Reply, ...], rejected: list[int]
) -> None:
    async with (
        collecting(*answers) as server,
        senders(server, "logs", "traces") as both,
    ):
        outcome = await both.send(BATCH)
    assert isinstance(outcome, Outcome)
    assert sorted(place for place, _ in outcome.rejected) == rejected


async def test_what_has_no_form_as_one_goes_out_as_the_other() -> None:
    batch = [*pings(1), *pings(2, text=object())]
    async with collecting() as server, senders(server, "logs", "traces") as both:
        outcome = await both.send(batch)
    assert outcome is not None
    assert [place for place, _ in outcome.unencodable] == [1]
    assert outcome.rejected == []


async def test_what_has_no_form_is_not_rejected_too() -> None:
    batch = [*pings(1), *pings(2, text=object())]
    async with (
        collecting(replies.http(200), replies.http(404)) as server,
        senders(server, "logs", "traces") as both,
    ):
        outcome = await both.send([*batch, *pings(4)])
    assert outcome is not None
    assert [place for place, _ in outcome.unencodable] == [1]
    assert [place for place, _ in outcome.rejected] == [2]


async def test_what_is_no_span_has_no_form_where_only_spans_are_sent() -> None:
    async with (
        collecting() as server,
        senders(server, "traces", sends_all=False) as spans,
    ):
        outcome = await spans.send(BATCH)
    assert outcome is not None
    assert outcome.unencodable == [(0, NO_SPAN), (2, NO_SPAN)]
    assert sent(server) == [("traces", ids(2, 4))]


async def test_wrong_credentials_for_all_signals_end_it() -> None:
    async with (
        collecting(replies.http(401), replies.http(401)) as server,
        senders(server, "logs", "traces") as both,
    ):
        with pytest.raises(Refused) as caught:
            await both.send(BATCH)
    assert caught.value.permanent
    assert len(server.requests) == 2


async def test_wrong_credentials_for_one_signal_leave_the_other_alone() -> None:
    async with (
        collecting(replies.http(200), replies.http(401)) as server,
        senders(server, "logs", "traces") as both,
    ):
        first = await both.send(BATCH)
        second = await both.send(pings(5, 6))
    assert first is not None
    assert [place for place, _ in first.rejected] == [1, 3]
    assert second is not None
    [(place, why)] = second.rejected
    assert (place, "401" in why) == (1, True)
    assert sent(server) == [
        ("logs", ids(1, 2, 3, 4)),
        ("traces", ids(2, 4)),
        ("logs", ids(5, 6)),
    ]


async def test_a_record_too_large_as_one_signal_goes_out_as_the_other() -> None:
    async with (
        collecting(replies.http(413), replies.http(200)) as server,
        senders(server, "logs", "traces") as both,
    ):
        outcome = await both.send(pings(2))
    assert outcome is not None
    assert [place for place, _ in outcome.rejected] == [0]
    assert [kind for kind, _ in sent(server)] == ["logs", "traces"]


async def test_what_was_wrong_before_another_signal_failed_is_told_in_the_end() -> None:
    batch = [*pings(1, text="\ud800"), *pings(2, text=object()), *pings(4)]
    async with (
        collecting(replies.http(200), replies.http(503)) as server,
        senders(server, "logs", "traces") as both,
    ):
        with pytest.raises(Unavailable):
            await both.send(batch)
        outcome = await both.send(batch)
        again = await both.send(pings(6))
    assert outcome is not None
    assert [place for place, _ in outcome.unencodable] == [1]
    assert outcome.warned == {"sanitized": 1}
    assert again is None


@pytest.mark.parametrize(
    ("more", "rejected", "unencodable"),
    [
        ([], [3], [2]),
        ([*pings(7, text=object()), *pings(8, 5)], [3, 6], [2, 4]),
    ],
)
async def test_what_came_of_each_record_is_told_whenever_it_was_sent(
    more: list[AnyRecord], rejected: list[int], unencodable: list[int]
) -> None:
    """Of some of the second batch one signal has had its answer before."""
    batch = [*pings(1, 2), *pings(3, text=object()), *pings(4)]
    async with (
        collecting(
            replies.took(1),
            replies.http(503),
            replies.took(1) if more else replies.took(),
        ) as server,
        senders(server, "logs", "traces") as both,
    ):
        with pytest.raises(Unavailable):
            await both.send(batch)
        outcome = await both.send([*batch, *more])
    assert outcome is not None
    assert sorted(place for place, _ in outcome.rejected) == rejected
    assert sorted(place for place, _ in outcome.unencodable) == unencodable


async def test_of_two_refusals_the_first_is_told() -> None:
    async with (
        collecting(replies.took(1, "one"), replies.took(1, "two")) as server,
        senders(server, "logs", "traces") as both,
    ):
        outcome = await both.send(BATCH)
    assert outcome is not None
    [(_, why)] = outcome.rejected
    assert "one" in why


async def test_a_refusal_of_one_batch_closes_nothing() -> None:
    async with (
        collecting(replies.http(404)) as server,
        senders(server, "logs", "traces") as both,
    ):
        await both.send(BATCH)
        assert await both.send(pings(5, 6)) is None
    assert [kind for kind, _ in sent(server)] == ["logs", "traces"] * 2


async def test_what_no_encoder_has_a_form_for_says_why() -> None:
    async with (
        collecting() as server,
        senders(server, "traces", sends_all=False) as spans,
    ):
        outcome = await spans.send(pings(2, text=object()))
    assert outcome is not None
    [(_, why)] = outcome.unencodable
    assert why != NO_SPAN


async def test_what_is_refused_as_one_and_has_no_form_as_the_other_is_told_once() -> (
    None
):
    async with (
        collecting(replies.took(4)) as server,
        senders(server, "logs", "traces") as both,
    ):
        both._senders[1]._encoder = Formless()
        outcome = await both.send(BATCH)
    assert outcome is not None
    assert outcome.unencodable == [(0, "none")]
    assert sorted(place for place, _ in outcome.rejected) == [1, 2, 3]


async def test_a_record_without_an_id_is_not_remembered() -> None:
    batch: list[AnyRecord] = [Record(one.event) for one in BATCH]
    async with (
        collecting(replies.http(200), replies.http(503)) as server,
        senders(server, "logs", "traces") as both,
    ):
        with pytest.raises(Unavailable):
            await both.send(batch)
        await both.send(batch)
    assert [request.target for request in server.requests] == [
        *("/v1/logs", "/v1/traces") * 2
    ]


class Weighing(list[AnyRecord]):
    """Records of many bytes, as a batch of the bus says; notes who looks at them."""

    size_bytes = AT_ONCE_BYTES + 1


async def test_what_is_left_of_a_batch_of_many_bytes_is_not_encoded_on_the_loop() -> (
    None
):
    async with (
        collecting(replies.http(200), replies.http(503)) as server,
        senders(server, "logs", "traces") as both,
    ):
        with pytest.raises(Unavailable):
            await both.send(BATCH)
        spy = Noted()
        for sender in both._senders:
            sender._large_encoder = spy
        await both.send(Weighing([*BATCH, *pings(5)]))
    assert [len(batch) for batch in spy.batches] == [1, 5]


def test_what_is_remembered_is_bounded() -> None:
    arrived = Arrived(at_most=3)
    arrived.note("logs", BATCH, {3: "no"}, {2: "none"})
    assert list(arrived.left("logs", BATCH)) == [0]
    assert arrived.outcomes("logs", BATCH) == ({3: "no"}, {2: "none"})
    assert list(arrived.left("traces", BATCH)) == [0, 1, 2, 3]
    arrived.forget(["logs"], BATCH)
    assert list(arrived.left("logs", BATCH)) == [0, 1, 2, 3]
