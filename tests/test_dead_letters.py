from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest

from eventbus import (
    AttachError,
    Buffer,
    Bus,
    Event,
    Outcome,
    Refused,
    Retry,
    Sensitive,
    TooLarge,
    Unavailable,
)
from eventbus._trouble import PREFIX
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import ONE_BY_ONE, Numbered, Rig, numbers


def told(sink: RecordingSink) -> list[tuple[int, dict[str, Any]]]:
    """Return the number of each letter, and what it says of its end."""
    return [
        (
            record.event.n,  # type: ignore[attr-defined]
            {
                name.removeprefix(PREFIX): value
                for name, value in record.attributes.items()
                if name.startswith(PREFIX)
            },
        )
        for record in sink.records
    ]


async def test_a_letter_says_where_why_and_how_often_it_was_tried() -> None:
    async with Rig() as rig:
        letters = RecordingSink()
        sink = ScriptedSink(
            steps.fail(Unavailable("503")),
            steps.fail(Unavailable("504")),
            steps.fail(Refused("410 gone")),
        )
        await rig.attach(sink, dead_letters=letters)
        await rig.emit(1)
        await rig.after(1.0)
        await rig.after(2.0)
        assert told(letters) == [
            (
                1,
                {
                    "sink": "sink",
                    "reason": "rejected",
                    "attempts": 3,
                    "first_error": "503",
                    "last_error": "410 gone",
                },
            )
        ]
        stats = rig.stats()
        assert (stats.dead_lettered, stats.rejected, stats.dropped) == (1, 0, {})


async def test_a_letter_keeps_the_id_the_time_and_the_sequence() -> None:
    async with Rig() as rig:
        letters = RecordingSink()
        await rig.attach(original := RecordingSink(), name="original")
        await rig.attach(ScriptedSink(steps.fail(Refused("no"))), dead_letters=letters)
        await rig.emit(1)
        kept, record = letters.records[0], original.records[0]
        assert (kept.id, kept.time_unix_nano, kept.sequence, kept.event) == (
            record.id,
            record.time_unix_nano,
            record.sequence,
            record.event,
        )


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (steps.fail(Refused("no")), "rejected"),
        (steps.fail(TooLarge()), "too_large"),
        (steps.answer(Outcome(rejected=[(0, "bad")])), "rejected"),
        (steps.answer(Outcome(unencodable=[(0, "no form")])), "encode_error"),
        (steps.fail(Refused("revoked", permanent=True)), "permanent"),
    ],
)
async def test_what_a_person_could_mend_is_kept(step: steps.Step, reason: str) -> None:
    async with Rig() as rig:
        letters = RecordingSink()
        await rig.attach(ScriptedSink(then=step), dead_letters=letters)
        await rig.emit(1)
        assert [(n, said["reason"]) for n, said in told(letters)] == [(1, reason)]
        assert rig.stats().dead_lettered == 1
        assert rig.stats("sink.dead_letters").delivered == 1


async def test_what_was_tried_in_vain_is_kept() -> None:
    async with Rig() as rig:
        letters = RecordingSink()
        sink = ScriptedSink(then=steps.fail(ValueError("bug")))
        await rig.attach(sink, dead_letters=letters)
        await rig.emit(1)
        await rig.after(1.0)
        await rig.after(2.0)
        ((_, said),) = told(letters)
        assert (said["reason"], said["attempts"]) == ("retry_exhausted", 3)


async def test_what_comes_after_a_sink_failed_for_good_is_kept_too() -> None:
    async with Rig() as rig:
        letters = RecordingSink()
        sink = ScriptedSink(steps.fail(Refused("revoked", permanent=True)))
        await rig.attach(sink, batch=ONE_BY_ONE, dead_letters=letters)
        await rig.emit(1, 2)
        await rig.emit(3)
        await rig.bus.publish(Numbered(n=4))
        await rig.after(1.0)
        assert [(n, said["reason"]) for n, said in told(letters)] == [
            (n, "permanent") for n in (1, 2, 3, 4)
        ]
        assert {said["last_error"] for _, said in told(letters)} == {"revoked"}
        assert (rig.stats().dead_lettered, rig.stats().dropped) == (4, {})


async def test_what_waited_for_room_at_a_sink_that_fails_is_kept_too() -> None:
    async with Rig() as rig:
        letters = RecordingSink()
        sink = ScriptedSink(
            steps.slow(1.0, steps.fail(Refused("revoked", permanent=True)))
        )
        await rig.attach(sink, buffer=Buffer(max_events=1), dead_letters=letters)
        await rig.emit(1)
        publishers = [
            asyncio.create_task(rig.bus.publish(Numbered(n=n))) for n in (2, 3)
        ]
        await settled()
        await rig.after(1.0)
        await asyncio.gather(*publishers)
        await rig.after(1.0)
        assert [n for n, _ in told(letters)] == [1, 2, 3]
        assert rig.stats().dropped == {}


async def test_what_is_larger_than_the_whole_buffer_is_kept() -> None:
    async with Rig() as rig:
        letters = RecordingSink()
        await rig.attach(
            sink := RecordingSink(),
            buffer=Buffer(max_bytes=1000),
            dead_letters=letters,
        )
        rig.bus.emit(Numbered(n=1))
        rig.bus.emit(Numbered(n=2, text="x" * 2000))
        rig.bus.emit(Numbered(n=3))
        await settled()
        assert numbers(sink.records) == [1, 3]
        ((n, said),) = told(letters)
        assert (n, said["reason"]) == (2, "too_large")
        assert said["last_error"] == "larger than max_bytes of the buffer, 1000"
        assert (rig.stats().dead_lettered, rig.stats().dropped) == (1, {})


async def test_what_the_host_made_us_drop_is_no_letter() -> None:
    async with Rig() as rig:
        letters = RecordingSink()
        await rig.attach(
            ScriptedSink(then=steps.hang()),
            buffer=Buffer(max_events=2),
            retry=Retry(timeout_seconds=None),
            dead_letters=letters,
        )
        await rig.emit(1, 2, 3)
        await rig.bus.aclose(0)
        assert rig.stats().dropped == {"queue_full": 1, "shutdown_deadline": 2}
        assert letters.records == []


async def test_letters_that_their_own_keeper_loses_are_counted_there() -> None:
    async with Rig() as rig:
        keeper = ScriptedSink(then=steps.fail(Refused("disk full")))
        sink = ScriptedSink(then=steps.fail(Refused("no")))
        await rig.attach(sink, dead_letters=keeper)
        await rig.emit(1)
        assert rig.stats().dead_lettered == 1
        assert rig.stats("sink.dead_letters").rejected == 1
        assert not (await rig.bus.flush()).complete


async def test_letters_are_as_redacted_as_what_the_sink_had() -> None:
    class Secret(Event, tag="secret"):
        text: Annotated[str, Sensitive]

    async with Rig() as rig:
        letters = RecordingSink()
        await rig.attach(ScriptedSink(steps.fail(Refused("no"))), dead_letters=letters)
        rig.bus.emit(Secret(text="canary"))
        await settled()
        assert letters.records[0].event == Secret(text="[REDACTED]")
        assert "canary" not in repr(letters.records)


async def test_a_keeper_that_observes_badly_costs_no_letter() -> None:
    class Observing(RecordingSink):
        def observe(self, batch: object) -> None:
            raise ValueError("bug")

    async with Rig() as rig:
        letters = Observing()
        await rig.attach(ScriptedSink(steps.fail(Refused("no"))), dead_letters=letters)
        await rig.emit(1)
        assert numbers(letters.records) == [1]


def test_letters_need_a_sink_of_their_own() -> None:
    bus, sink = Bus(), RecordingSink()
    with pytest.raises(AttachError, match="'audit': its dead letters need another sin"):
        bus.attach(sink, name="audit", dead_letters=sink)
    assert list(bus.stats().attachments) == []


def test_the_name_of_their_keeper_may_not_be_taken() -> None:
    bus = Bus()
    bus.attach(RecordingSink(), name="audit.dead_letters")
    with pytest.raises(AttachError, match=r"'audit\.dead_letters' is taken by another"):
        bus.attach(RecordingSink(), name="audit", dead_letters=RecordingSink())
    assert list(bus.stats().attachments) == ["audit.dead_letters"]
