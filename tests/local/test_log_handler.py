from __future__ import annotations

import logging
import logging.config
import logging.handlers
import queue
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import eventbus
from eventbus import Bus, Event
from eventbus._context import current_bound
from eventbus_local import LogEvent, LoggingHandler


class Collector:
    """Takes events, with what was bound when they came."""

    def __init__(self) -> None:
        self.events: list[LogEvent] = []
        self.attributes: list[dict[str, Any]] = []

    def emit(self, event: Event) -> bool:
        assert isinstance(event, LogEvent)
        bound = current_bound()
        self.events.append(event)
        self.attributes.append(dict(bound.attributes) if bound else {})
        return True

    @property
    def only(self) -> LogEvent:
        (event,) = self.events
        return event


def line(**fields: Any) -> logging.LogRecord:
    info = {"levelno": logging.INFO, "levelname": "INFO", "name": "a", "msg": "m"}
    return logging.makeLogRecord({**info, **fields})


@pytest.fixture
def bus() -> Collector:
    return Collector()


@pytest.fixture
def logger(bus: Collector) -> Iterator[logging.Logger]:
    made = logging.getLogger("checkout.cart")
    made.handlers = [LoggingHandler(bus)]
    made.propagate = False
    made.setLevel(1)
    yield made
    made.handlers = []
    made.propagate = True
    made.setLevel(logging.NOTSET)


@pytest.mark.proves("fault-141")
@pytest.mark.parametrize(
    ("level", "severity", "name"),
    [
        (5, "trace", "Level 5"),
        (logging.DEBUG, "debug", "DEBUG"),
        (logging.INFO, "info", "INFO"),
        (25, "info", "Level 25"),
        (logging.WARNING, "warn", "WARNING"),
        (logging.ERROR, "error", "ERROR"),
        (logging.CRITICAL, "fatal", "CRITICAL"),
        (60, "fatal", "Level 60"),
    ],
)
def test_each_level_has_its_severity(
    logger: logging.Logger, bus: Collector, level: int, severity: str, name: str
) -> None:
    logger.log(level, "ready")
    assert (bus.only.severity, bus.only.level) == (severity, name)


def test_a_line_says_what_where_and_by_whom(
    logger: logging.Logger, bus: Collector
) -> None:
    logger.info("cart %s has %d items", "c-1", 3)
    event = bus.only
    assert event.message == "cart c-1 has 3 items"
    assert event.logger == "checkout.cart"
    assert event.file == __file__
    assert event.function == "test_a_line_says_what_where_and_by_whom"
    assert isinstance(event.line, int)
    assert event.thread_name == "MainThread"
    assert event.exception_type is None


@pytest.mark.proves("fault-141")
def test_extra_becomes_attributes_and_clashes_are_renamed(
    logger: logging.Logger, bus: Collector
) -> None:
    extra = {
        "user": "u-1",
        "items": ["a", 1],
        "cart": {"id": 3},
        "line": 7,
        "severity": "x",
        "none": None,
    }
    with eventbus.bind(tenant="t"):
        logger.info("hello", extra=extra)
    assert bus.attributes == [
        {
            "tenant": "t",
            "user": "u-1",
            "items": ("a", 1),
            "cart": '{"id":3}',
            "extra.line": 7,
            "extra.severity": "x",
        }
    ]
    assert isinstance(bus.only.line, int)


@pytest.mark.proves("fault-141")
def test_arguments_that_do_not_fit_are_shown_beside_the_text(
    bus: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    LoggingHandler(bus).handle(line(msg="%s and %s", args=("one",)))
    assert bus.only.message == "%s and %s ('one',)"
    assert capsys.readouterr().err == ""


class Untold:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.proves("fault-141")
def test_a_message_without_a_text_is_an_event_all_the_same(bus: Collector) -> None:
    LoggingHandler(bus).handle(line(msg=Untold()))
    assert bus.only.message == "<Untold without text> ()"


@pytest.mark.proves("fault-141")
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": None}, {"logger": "None"}),
        ({"name": 5}, {"logger": "5"}),
        ({"levelno": None}, {"severity": "info"}),
        ({"levelno": 0}, {"severity": "trace"}),
        ({"levelno": 45.0}, {"severity": "error"}),
        ({"levelname": 7}, {"level": "7"}),
        ({"exc_text": 5}, {"exception_stacktrace": "5"}),
        ({"stack_info": 5}, {"stack": "5"}),
        ({"pathname": 5, "funcName": 6}, {"file": "5", "function": "6"}),
        ({"lineno": "x", "thread": "y"}, {"line": None, "thread_id": None}),
        ({"threadName": 5}, {"thread_name": "5"}),
    ],
)
def test_a_foreign_value_loses_no_line(
    bus: Collector, fields: dict[str, Any], said: dict[str, Any]
) -> None:
    LoggingHandler(bus).handle(line(**fields))
    assert {name: getattr(bus.only, name) for name in said} == said
    assert bus.only.message == "m"


def test_the_barest_record_is_an_event(bus: Collector) -> None:
    record = logging.makeLogRecord({"msg": "hi", "levelno": 20})
    LoggingHandler(bus).handle(record)
    assert (bus.only.message, bus.only.severity) == ("hi", "info")


def test_a_record_without_a_name_goes_to_handle_error(
    bus: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    record = line()
    del record.name
    LoggingHandler(bus).handle(record)
    assert "AttributeError" in capsys.readouterr().err
    assert bus.events == []


@pytest.mark.proves("fault-141")
def test_an_exception_is_told_with_type_message_and_trace(
    logger: logging.Logger, bus: Collector
) -> None:
    try:
        raise LookupError("no cart")
    except LookupError:
        logger.exception("failed", stack_info=True)
    event = bus.only
    assert event.severity == "error"
    assert event.exception_type == "LookupError"
    assert event.exception_message == "no cart"
    assert event.exception_stacktrace is not None
    assert event.exception_stacktrace.endswith("LookupError: no cart\n")
    assert event.stack is not None
    assert event.stack.startswith("Stack (most recent call last):")


def test_an_exception_of_a_module_has_its_full_name(
    logger: logging.Logger, bus: Collector
) -> None:
    logger.error("failed", exc_info=queue.Empty())
    assert bus.only.exception_type == "_queue.Empty"


def test_no_exception_in_hand_is_none(logger: logging.Logger, bus: Collector) -> None:
    logger.error("failed", exc_info=True)
    assert bus.only.exception_stacktrace is None


@pytest.mark.proves("fault-141")
def test_a_huge_message_is_cut_marked_and_counted(bus: Collector) -> None:
    handler = LoggingHandler(bus, max_chars=10)
    record = line(msg="x" * 25, stack_info="y" * 11)
    handler.handle(record)
    assert bus.only.message == "x" * 10 + "… [15 more characters]"
    assert bus.only.stack == "y" * 10 + "… [1 more characters]"
    assert bus.only.truncated_chars == 16


def test_the_default_bound_is_65536_characters(
    logger: logging.Logger, bus: Collector
) -> None:
    logger.info("x" * 65_536)
    logger.info("x" * 65_537)
    assert [event.truncated_chars for event in bus.events] == [None, 1]


def test_a_level_keeps_lines_out(bus: Collector, logger: logging.Logger) -> None:
    logger.handlers[0].setLevel("ERROR")
    logger.warning("quiet")
    logger.error("loud")
    assert bus.only.message == "loud"


@pytest.mark.proves("fault-141")
def test_a_line_that_meets_two_handlers_of_one_bus_is_sent_once(
    logger: logging.Logger, bus: Collector
) -> None:
    child = logging.getLogger("checkout.cart.items")
    child.handlers = [LoggingHandler(bus)]
    try:
        child.info("once")
    finally:
        child.handlers = []
    assert bus.only.message == "once"


def test_handlers_of_two_buses_send_a_line_to_both(
    logger: logging.Logger, bus: Collector
) -> None:
    other = Collector()
    logger.addHandler(LoggingHandler(other))
    logger.info("twice")
    assert bus.only.message == other.only.message == "twice"
    assert other.attributes == [{}]


@pytest.mark.proves("fault-141")
def test_a_queue_handler_passes_lines_on_whole(
    logger: logging.Logger, bus: Collector
) -> None:
    waiting: queue.Queue[logging.LogRecord] = queue.Queue()
    listener = logging.handlers.QueueListener(waiting, logger.handlers[0])
    logger.handlers = [logging.handlers.QueueHandler(waiting)]
    listener.start()
    try:
        raise ValueError("bad")
    except ValueError:
        logger.exception("failed %s", "here", extra={"user": "u-1"})
    listener.stop()
    assert bus.only.message.startswith("failed here\nTraceback")
    assert bus.only.message.endswith("ValueError: bad")
    assert bus.attributes == [{"user": "u-1"}]


class Raising:
    def emit(self, event: Event) -> bool:
        raise RuntimeError("broken bus")


@pytest.mark.proves("fault-141")
@pytest.mark.parametrize("raise_exceptions", [True, False])
def test_a_bus_that_raises_hurts_nobody(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raise_exceptions: bool,
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", raise_exceptions)
    handler = LoggingHandler(Raising())
    handler.handle(line(msg="hello"))
    assert ("broken bus" in capsys.readouterr().err) is raise_exceptions


def uvicorn_configuration(**root: Any) -> dict[str, Any]:
    """Return what a server configures at its start, over whatever was there."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"default": {"class": "logging.StreamHandler"}},
        "loggers": {"uvicorn": {"handlers": ["default"], "propagate": False}},
        **root,
    }


@pytest.mark.proves("fault-141")
def test_a_server_that_configures_logging_leaves_the_handler_working(
    logger: logging.Logger, bus: Collector
) -> None:
    logging.config.dictConfig(uvicorn_configuration())
    logging.getLogger("uvicorn").handlers = []
    logging.getLogger("uvicorn").propagate = True
    logger.info("still here")
    assert bus.only.message == "still here"


def test_the_handler_can_be_named_in_a_configuration(
    monkeypatch: pytest.MonkeyPatch, bus: Collector
) -> None:
    monkeypatch.setattr(sys, "bus_of_this_test", bus, raising=False)
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {
                "bus": {
                    "class": "eventbus_local.LoggingHandler",
                    "bus": "ext://sys.bus_of_this_test",
                    "level": "INFO",
                }
            },
            "loggers": {"configured": {"handlers": ["bus"], "level": "DEBUG"}},
        }
    )
    logging.getLogger("configured").debug("no")
    logging.getLogger("configured").info("yes")
    logging.getLogger("configured").handlers = []
    assert bus.only.message == "yes"


async def test_without_a_bus_the_one_in_use_is_meant() -> None:
    handler = LoggingHandler()
    handler.handle(line(msg="before", name="a"))
    async with Bus() as bus, bus.subscribe("log.*") as records:
        with eventbus.use(bus):
            handler.handle(line(msg="during", name="a"))
        record = await anext(records)
    assert record.event.message == "during"


@pytest.mark.proves("fault-16", "fault-141")
@pytest.mark.parametrize("name", ["eventbus", "eventbus.sinks.kafka"])
def test_the_buses_own_lines_are_left_out(bus: Collector, name: str) -> None:
    LoggingHandler(bus).handle(line(msg="m", name=name))
    assert bus.events == []


def test_a_name_that_only_begins_alike_is_somebody_elses(bus: Collector) -> None:
    record = line(msg="m", name="eventbusiness")
    LoggingHandler(bus).handle(record)
    assert bus.only.logger == "eventbusiness"


@pytest.mark.proves("fault-16", "fault-141")
def test_a_bus_that_logs_while_it_emits_is_heard_once(logger: logging.Logger) -> None:
    class Chatty(Collector):
        def emit(self, event: Event) -> bool:
            logger.warning("about to emit")
            return super().emit(event)

    bus = Chatty()
    logger.handlers = [LoggingHandler(bus)]
    logger.info("hello")
    logger.info("again")
    assert [event.message for event in bus.events] == ["hello", "again"]


@pytest.mark.proves("fault-16")
async def test_a_failing_sink_that_logs_does_not_feed_itself(
    logger: logging.Logger,
) -> None:
    seen: list[str] = []

    class Failing:
        async def start(self) -> None: ...

        async def write(self, batch: Any) -> None:
            for record in batch:
                seen.append(record.event.message)
                logger.error("failed on %s", record.event.message)
            raise eventbus.Refused("no")

        async def aclose(self) -> None: ...

    async with Bus() as bus:
        bus.attach(Failing(), name="failing")
        logger.handlers = [LoggingHandler(bus)]
        logger.info("hello")
        await bus.flush(timeout_seconds=5)
        await bus.flush(timeout_seconds=5)
        await bus.flush(timeout_seconds=5)
        stats = bus.stats()
        logger.handlers = []
    assert stats.refused == {}
    assert seen == ["hello"]
