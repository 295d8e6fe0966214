from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from eventbus import Event, Record, Severity
from eventbus_local import LogEvent, LoggingHandler, LoggingSettings, LoggingSink


class ToolResult(Event, tag="agent.tool_result"):
    tool_name: str
    duration_ms: float = 0.0


class Anything(Event, tag="anything"):
    value: Any = None


class Keeping(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.threads: set[int] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.threads.add(threading.get_ident())


@pytest.fixture
def kept() -> Iterator[Keeping]:
    logger, handler = logging.getLogger("events"), Keeping()
    logger.addHandler(handler)
    logger.setLevel(1)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def shell(severity: Severity = "info", **fields: Any) -> Record[ToolResult]:
    event = ToolResult(tool_name="shell", duration_ms=12.5)
    return Record(event, severity=severity, **fields)


async def test_an_event_is_a_line_of_its_fields(kept: Keeping) -> None:
    sink = LoggingSink()
    await sink.start()
    assert await sink.write([shell()]) is None
    await sink.aclose()
    (line,) = kept.records
    assert (line.name, line.levelname) == ("events", "INFO")
    assert line.getMessage() == '[agent] tool_result tool_name="shell" duration_ms=12.5'


async def test_a_line_carries_the_facts_for_other_formatters(kept: Keeping) -> None:
    record = shell(
        id="b-1",
        time_unix_nano=1_767_355_445_678_000_000,
        attributes={"conversation_id": "c", "tool_name": "bound"},
        trace_id="0af7651916cd43dd8448eb211c80319c",
        span_id="b7ad6b7169203331",
    )
    await LoggingSink().write([record])
    facts = kept.records[0].__dict__
    assert facts["event_name"] == "agent.tool_result"
    assert facts["event_id"] == "b-1"
    assert facts["event_fields"] == {
        "conversation_id": "c",
        "tool_name": "shell",
        "duration_ms": 12.5,
    }
    assert facts["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert facts["span_id"] == "b7ad6b7169203331"
    assert facts["created"] == pytest.approx(1_767_355_445.678)
    assert facts["msecs"] == 678


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        ("trace", 5),
        ("debug", logging.DEBUG),
        ("info", logging.INFO),
        ("warn", logging.WARNING),
        ("error", logging.ERROR),
        ("fatal", logging.CRITICAL),
    ],
)
async def test_each_severity_has_its_level(
    kept: Keeping, severity: Severity, level: int
) -> None:
    await LoggingSink().write([shell(severity)])
    assert kept.records[0].levelno == level


@pytest.mark.proves("I3")
async def test_routine_events_take_the_given_level_and_errors_keep_theirs(
    kept: Keeping,
) -> None:
    sink = LoggingSink(LoggingSettings(routine_level="debug"))
    await sink.write([shell("info"), shell("warn"), shell("error"), shell("fatal")])
    assert [line.levelname for line in kept.records] == [
        "DEBUG",
        "DEBUG",
        "ERROR",
        "CRITICAL",
    ]


class Telling:
    def __eq__(self, other: object) -> bool:
        raise SystemExit("text was made of it")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.proves("I3")
async def test_no_text_is_made_for_a_level_that_is_off(kept: Keeping) -> None:
    logging.getLogger("events").setLevel(logging.WARNING)
    await LoggingSink().write([Record(Anything(value=Telling()), severity="info")])
    assert kept.records == []
    with pytest.raises(SystemExit):
        await LoggingSink().write([Record(Anything(value=Telling()), severity="warn")])


async def test_another_logger_can_be_named(kept: Keeping) -> None:
    await LoggingSink(LoggingSettings(logger="events.audit")).write([shell()])
    assert kept.records[0].name == "events.audit"


async def test_handlers_run_outside_the_loop(kept: Keeping) -> None:
    await LoggingSink().write([shell()])
    assert kept.threads
    assert threading.get_ident() not in kept.threads


async def test_a_handler_that_raises_rejects_its_record_alone(kept: Keeping) -> None:
    class Raising(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            if record.levelno == logging.WARNING:
                raise RuntimeError("a secret")
            return True

    refusing = Raising()
    kept.addFilter(refusing)
    outcome = await LoggingSink().write([shell(), shell("warn"), shell()])
    assert outcome is not None
    assert outcome.rejected == [(1, "a handler raised RuntimeError")]
    assert len(kept.records) == 2


@pytest.mark.proves("fault-141")
async def test_a_log_line_is_not_logged_a_second_time(kept: Keeping) -> None:
    event = LogEvent(message="hello", logger="app", level="INFO")
    assert await LoggingSink().write([Record(event, severity="info")]) is None
    assert kept.records == []


@pytest.mark.proves("fault-16", "fault-141")
async def test_a_line_made_of_an_event_does_not_become_one_again(
    kept: Keeping,
) -> None:
    class Bus:
        def __init__(self) -> None:
            self.events: list[Event] = []

        def emit(self, event: Event) -> bool:
            self.events.append(event)
            return True

    bus = Bus()
    handler = LoggingHandler(bus)
    logging.getLogger("events").addHandler(handler)
    await LoggingSink().write([shell()])
    logging.getLogger("events").removeHandler(handler)
    assert len(kept.records) == 1
    assert bus.events == []
