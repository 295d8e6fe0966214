"""Metrics on their way to a server: none is lost, none comes twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from eventbus import Unavailable
from eventbus.metrics import NumberPoint
from eventbus.testing import Gate, replies, settled
from tests.otlp._collector import refusing
from tests.otlp._metrics_rig import jobs, metrics, sending, timed


@pytest.mark.proves("H13")
async def test_metrics_go_out_every_interval_and_at_the_end() -> None:
    async with sending() as rig:
        rig.export.start()
        rig.count(a=2)
        first = await rig.after(60)
        rig.count(a=1, b=3)
        second = await rig.after(60)
        rig.count(b=1)
        await rig.export.aclose()
        last = rig.server.requests[-1]
        assert (jobs(first), jobs(second), jobs(last)) == (
            *({"a": 2}, {"a": 1, "b": 3}, {"b": 1}),
        )
        assert len(rig.server.requests) == 3
        assert rig.export.delivered == 2 + 4 + 2
        assert rig.export.refused == 0


async def test_nothing_new_is_no_request() -> None:
    async with sending() as rig:
        await rig.export.export()
        rig.count(a=1)
        await rig.export.export()
        await rig.export.export()
        assert len(rig.server.requests) == 1


async def test_cumulative_metrics_are_sent_whole_each_time() -> None:
    async with sending(temporality="cumulative") as rig:
        for total in (1, 2):
            rig.count(a=1)
            await rig.export.export()
            assert jobs(rig.server.requests[-1]) == {"a": total}


@pytest.mark.parametrize(
    "down", [replies.http(503), replies.http(429), replies.http(502)]
)
async def test_what_a_server_cannot_take_now_comes_with_the_next(
    down: replies.Reply,
) -> None:
    async with sending(down, down) as rig:
        rig.count(a=2)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await rig.export.export()
            rig.count(a=1)
        await rig.export.export()
        *_, last = rig.server.requests
        assert jobs(last) == {"a": 4}
        assert timed(last) == 4
        point = metrics(last)["job"].points[0]
        assert point.time_unix_nano - point.start_time_unix_nano == 3 * 10**9


async def test_a_server_that_is_down_is_asked_again_soon_and_as_it_wishes() -> None:
    down = replies.http(503)
    wish = replies.http(503, b"", ("Retry-After", "7"))
    async with sending(down, down, wish) as rig:
        rig.export.start()
        rig.count(a=1)
        for seconds in (60, 1, 2, 7):
            await rig.until_it_waits()
            rig.clock.advance(seconds - 0.5)
            assert rig.clock.timers == 1
            request = await rig.after(0.5)
        assert jobs(request) == {"a": 1}
        await rig.export.aclose()
        assert len(rig.server.requests) == 4


async def test_no_answer_in_time_is_none_and_the_metrics_come_again() -> None:
    async with sending(replies.hang, timeout_seconds=0.01) as rig:
        rig.count(a=1)
        with pytest.raises(Unavailable, match="no answer in time"):
            await rig.export.export()
        counter, _ = rig.reader.collect()
        (point,) = counter.points
        assert isinstance(point, NumberPoint)
        assert point.value == 1


@pytest.mark.parametrize("status", [413, 400])
async def test_a_request_that_is_refused_is_halved_until_the_bad_point_is_alone(
    status: int,
) -> None:
    picky = refusing(replies.http(status), lambda request: "bad" in jobs(request))
    async with sending(otherwise=picky) as rig:
        rig.count(a=1, b=2, bad=3, c=4)
        await rig.export.export()
        taken = [one for one in rig.server.requests if "bad" not in jobs(one)]
        assert jobs(*taken) == {"a": 1, "b": 2, "c": 4}
        assert timed(*taken) == 10
        assert (rig.export.delivered, rig.export.refused) == (7, 1)


async def test_of_halves_what_was_not_tried_is_sent_again_as_well() -> None:
    async with sending(replies.http(413), replies.http(503)) as rig:
        rig.count(a=1, b=2, c=3, d=4)
        with pytest.raises(Unavailable):
            await rig.export.export()
        await rig.export.export()
        _, _, last = rig.server.requests
        assert jobs(last) == {"a": 1, "b": 2, "c": 3, "d": 4}
        assert timed(last) == 10


async def test_of_halves_only_what_did_not_arrive_is_sent_again() -> None:
    async with sending(replies.http(413), replies.took(), replies.http(503)) as rig:
        rig.count(a=1, b=2, c=3, d=4)
        with pytest.raises(Unavailable):
            await rig.export.export()
        rig.count(a=10)
        await rig.export.export()
        _, first, _, last = rig.server.requests
        assert jobs(first, last) == {"a": 11, "b": 2, "c": 3, "d": 4}
        assert timed(first, last) == 20


async def test_refused_points_are_counted_and_not_sent_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with sending(replies.took(1, "too old"), replies.http(404)) as rig:
        rig.count(a=1)
        await rig.export.export()
        assert (rig.export.delivered, rig.export.refused) == (1, 1)
        assert "1 of 2 points: too old" in caplog.text
        rig.count(a=1)
        await rig.export.export()
        assert (rig.export.delivered, rig.export.refused) == (1, 3)
        await rig.export.export()
        assert len(rig.server.requests) == 2


async def test_a_close_that_is_cancelled_ends_at_once_and_leaves_no_task(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with sending(replies.hang, timeout_seconds=None) as rig:
        rig.export.start()
        rig.count(a=1)
        closing = asyncio.create_task(rig.export.aclose())
        await rig.server.next_request()
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        names = [task.get_name() for task in asyncio.all_tasks()]
        assert "otlp metrics" not in names
        assert rig.clock.timers == 0
        await rig.export.aclose()
        lost = "metrics (2 points) lost: the close was cut off"
        assert rig.export.trouble == lost
        assert caplog.text.count(f"sink 'otlp': close: {lost}") == 1


async def test_what_a_close_cut_off_goes_out_if_it_starts_again() -> None:
    async with sending(replies.hang, timeout_seconds=None) as rig:
        rig.export.start()
        rig.count(a=1)
        closing = asyncio.create_task(rig.export.aclose())
        await rig.server.next_request()
        closing.cancel()
        await asyncio.wait((closing,))
        rig.export.start()
        rig.count(a=2)
        assert (rig.export.trouble or "").startswith("metrics (2 points) wait: ")
        assert jobs(await rig.after(60)) == {"a": 3}
        await rig.export.aclose()
        assert rig.export.trouble is None


async def test_a_close_waits_for_what_is_on_its_way_and_sends_the_rest() -> None:
    gate = Gate()
    async with sending(replies.after(gate)) as rig:
        rig.export.start()
        rig.count(a=1)
        await rig.after(60)
        rig.count(a=5)
        closing = asyncio.create_task(rig.export.aclose())
        await asyncio.sleep(0)
        gate.open()
        await closing
        assert [jobs(request) for request in rig.server.requests] == [
            *({"a": 1}, {"a": 5}),
        ]


async def test_of_two_exports_at_once_one_waits_for_the_other() -> None:
    gate = Gate()
    async with sending(replies.after(gate, replies.http(503))) as rig:
        rig.count(a=1)
        first = asyncio.create_task(rig.export.export())
        await rig.server.next_request()
        rig.count(a=1)
        second = asyncio.create_task(rig.export.export())
        await settled()
        gate.open()
        with pytest.raises(Unavailable):
            await first
        await second
        assert jobs(rig.server.requests[-1]) == {"a": 2}


async def test_an_error_of_the_encoder_s_own_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with sending() as rig:
        encode = rig.export._encoder.encode
        broken = [OSError("broken")]

        def once(collected: Any) -> bytes:
            if broken:
                raise broken.pop()
            return encode(collected)

        monkeypatch.setattr(rig.export._encoder, "encode", once)
        rig.export.start()
        rig.count(a=1)
        await rig.until_it_waits()
        rig.clock.advance(60)
        request = await rig.after(60)
        assert jobs(request) == {"a": 1}
        await rig.export.aclose()


@pytest.mark.parametrize(
    ("answer", "delivered"), [(replies.ok, 2), (replies.http(503), 0)]
)
async def test_a_host_that_cancels_every_task_still_gets_its_metrics_out(
    answer: replies.Reply, delivered: int
) -> None:
    async with sending(answer) as rig:
        rig.export.start()
        rig.count(a=1)
        await rig.until_it_waits()
        (task,) = [t for t in asyncio.all_tasks() if t.get_name() == "otlp metrics"]
        task.cancel()
        await asyncio.wait((task,))
        await rig.export.aclose()
        assert jobs(*rig.server.requests) == {"a": 1}
        assert rig.export.delivered == delivered


async def test_a_task_that_is_cancelled_begins_again_with_what_it_had() -> None:
    async with sending() as rig:
        rig.export.start()
        rig.count(a=1)
        await rig.until_it_waits()
        (task,) = [t for t in asyncio.all_tasks() if t.get_name() == "otlp metrics"]
        task.cancel()
        await asyncio.wait((task,))
        await rig.until_it_waits()
        rig.clock.advance(1)
        await settled()
        assert jobs(await rig.after(60)) == {"a": 1}
        await rig.export.aclose()
        assert rig.clock.timers == 0


async def test_a_server_s_own_delay_counts_though_the_interval_is_shorter() -> None:
    wish = replies.http(429, b"", ("Retry-After", "200"))
    async with sending(wish) as rig:
        rig.export.start()
        rig.count(a=1)
        await rig.after(60)
        await rig.until_it_waits()
        rig.clock.advance(199)
        assert rig.clock.timers == 1
        assert jobs(await rig.after(1)) == {"a": 1}
        await rig.export.aclose()


async def test_a_close_never_raises_what_went_wrong(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with sending(replies.http(503)) as rig:
        rig.export.start()
        rig.count(a=1)
        await rig.export.aclose()
        assert "sink 'otlp': close: metrics (2 points) lost: Unavailable" in caplog.text
        assert rig.export.delivered == 0
