"""That a recording leaves the bus without its texts, and with their lengths."""

from __future__ import annotations

from typing import Any

import pytest

from eventbus import Bus, Record
from eventbus.testing import RecordingSink
from eventbus_schemas import agent_catalog

from ._lines import EXEC_OUTPUTS, ROLLOUTS, read_recording, records


async def relayed(name: str) -> tuple[list[Record[Any]], list[Record[Any]]]:
    """Return what an attachment gets of the recording, and one that asks for all."""
    safe, full = RecordingSink(), RecordingSink()
    async with Bus() as bus:
        bus.attach(safe, name="safe")
        bus.attach(full, name="full", content="full")
        for record in records(read_recording(name)):
            bus.relay(record)
        report = await bus.flush(timeout_seconds=20.0)
    assert report.complete
    return safe.records, full.records


def sensitive_values(record: Record[Any]) -> list[str | None]:
    known = agent_catalog.get(record.name)
    assert known is not None
    return [getattr(record.event, field) for field in known.sensitive_fields]


@pytest.mark.proves("B8", "B10", "B16")
@pytest.mark.parametrize("name", [*ROLLOUTS, *EXEC_OUTPUTS])
async def test_every_text_is_redacted_unless_asked_for(name: str) -> None:
    safe, full = await relayed(name)
    assert len(safe) == len(full) == len(records(read_recording(name)))
    for kept_back, told in zip(safe, full, strict=True):
        for shown, text in zip(
            sensitive_values(kept_back), sensitive_values(told), strict=True
        ):
            assert shown == ("[REDACTED]" if text else text)


@pytest.mark.parametrize("name", ROLLOUTS)
async def test_lengths_and_times_and_ids_are_the_same_either_way(name: str) -> None:
    safe, full = await relayed(name)
    for kept_back, told in zip(safe, full, strict=True):
        assert (kept_back.id, kept_back.time_unix_nano) == (
            told.id,
            told.time_unix_nano,
        )
        for field in told.event.__struct_fields__:
            if field.endswith("_length"):
                assert getattr(kept_back.event, field) == getattr(told.event, field)


async def test_what_asks_for_all_gets_the_recording_s_own_records() -> None:
    _, full = await relayed("rollout-small")
    read = records(read_recording("rollout-small"))
    assert [record.event for record in full] == [record.event for record in read]
    assert [record.id for record in full] == [record.id for record in read]
