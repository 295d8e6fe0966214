from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars
from structlog.processors import CallsiteParameter, CallsiteParameterAdder

from eventbus import Event
from eventbus._context import current_bound
from eventbus_local import LogEvent, StructlogProcessor


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


@pytest.fixture
def bus() -> Collector:
    return Collector()


@pytest.fixture
def log(bus: Collector) -> Iterator[Any]:
    callsite = CallsiteParameterAdder(
        {
            CallsiteParameter.PATHNAME,
            CallsiteParameter.LINENO,
            CallsiteParameter.FUNC_NAME,
            CallsiteParameter.THREAD_NAME,
        }
    )
    structlog.configure(
        processors=[
            merge_contextvars,
            structlog.processors.add_log_level,
            callsite,
            StructlogProcessor(bus),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.ReturnLoggerFactory(),
    )
    yield structlog.get_logger().bind(logger="checkout")
    structlog.reset_defaults()
    clear_contextvars()


@pytest.mark.proves("fault-142")
def test_a_line_is_an_event_and_goes_on_unchanged(log: Any, bus: Collector) -> None:
    rendered = log.warning("cart full", items=3, user="u-1")
    assert '"event": "cart full"' in rendered
    event = bus.only
    assert event.message == "cart full"
    assert (event.level, event.severity) == ("WARNING", "warn")
    assert event.logger == "checkout"
    assert bus.attributes == [{"items": 3, "user": "u-1"}]


@pytest.mark.proves("fault-142")
def test_the_event_dict_is_the_same_and_not_mutated(bus: Collector) -> None:
    event_dict = {
        "event": "hello",
        "items": [1, object()],
        "exc_info": True,
        "level": 3,
    }
    before = copy.copy(event_dict)
    assert StructlogProcessor(bus)(None, "info", event_dict) is event_dict
    assert event_dict == before


@pytest.mark.proves("fault-142")
def test_the_callsite_is_told(log: Any, bus: Collector) -> None:
    log.info("here")
    event = bus.only
    assert event.file == __file__
    assert event.function == "test_the_callsite_is_told"
    assert isinstance(event.line, int)
    assert event.thread_name == "MainThread"
    assert bus.attributes == [{}]


@pytest.mark.proves("fault-142")
def test_context_variables_become_attributes(log: Any, bus: Collector) -> None:
    bind_contextvars(request_id="r-1")
    log.bind(step=2).info("here")
    assert bus.attributes == [{"request_id": "r-1", "step": 2}]


@pytest.mark.proves("fault-142")
async def test_a_bound_logger_works_from_a_task(log: Any, bus: Collector) -> None:
    bind_contextvars(request_id="r-1")
    await log.bind(step=2).ainfo("from a task")
    assert bus.only.message == "from a task"
    assert bus.attributes == [{"request_id": "r-1", "step": 2}]


def test_an_exception_is_told(log: Any, bus: Collector) -> None:
    try:
        raise LookupError("no cart")
    except LookupError:
        log.exception("failed")
    event = bus.only
    assert event.severity == "error"
    assert event.exception_type == "LookupError"
    assert event.exception_message == "no cart"
    assert (event.exception_stacktrace or "").endswith("LookupError: no cart\n")


@pytest.mark.parametrize(
    ("given", "trace"),
    [
        ({"exc_info": ValueError("bad")}, "ValueError: bad\n"),
        ({"exc_info": (ValueError, ValueError("bad"), None)}, "ValueError: bad\n"),
        ({"exception": "formatted before"}, "formatted before"),
        ({"exc_info": None}, None),
        ({"exc_info": True}, None),
    ],
)
def test_an_exception_has_several_forms(
    bus: Collector, given: dict[str, Any], trace: str | None
) -> None:
    StructlogProcessor(bus)(None, "error", {"event": "e", **given})
    assert bus.only.exception_stacktrace == trace


@pytest.mark.parametrize(
    ("method", "severity"),
    [
        ("debug", "debug"),
        ("info", "info"),
        ("msg", "info"),
        ("warn", "warn"),
        ("warning", "warn"),
        ("error", "error"),
        ("exception", "error"),
        ("critical", "fatal"),
        ("fatal", "fatal"),
    ],
)
def test_without_a_level_the_method_says_it(
    bus: Collector, method: str, severity: str
) -> None:
    StructlogProcessor(bus)(None, method, {"event": "e"})
    assert bus.only.severity == severity


def test_a_name_that_the_event_has_is_renamed(bus: Collector) -> None:
    StructlogProcessor(bus)(None, "info", {"event": "e", "message": "m"})
    assert bus.attributes == [{"extra.message": "m"}]


def test_a_long_text_is_cut_and_counted(bus: Collector) -> None:
    StructlogProcessor(bus, max_chars=5)(None, "info", {"event": "x" * 8})
    assert bus.only.message == "xxxxx… [3 more characters]"
    assert bus.only.truncated_chars == 3


@pytest.mark.proves("fault-16")
def test_the_buses_own_lines_are_left_out(bus: Collector) -> None:
    own = logging.getLogger("eventbus.kafka")
    StructlogProcessor(bus)(own, "info", {"event": "e"})
    StructlogProcessor(bus)(None, "info", {"event": "e", "logger": "eventbus"})
    assert bus.events == []


class Raising:
    def emit(self, event: Event) -> bool:
        raise RuntimeError("broken bus")


def test_a_bus_that_raises_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    event_dict = {"event": "e"}
    assert StructlogProcessor(Raising())(None, "info", event_dict) is event_dict
    assert "a line became no event: RuntimeError" in caplog.text


@pytest.mark.proves("fault-16")
def test_a_bus_that_logs_while_it_emits_is_heard_once() -> None:
    class Chatty(Collector):
        def emit(self, event: Event) -> bool:
            processor(None, "info", {"event": "about to emit"})
            return super().emit(event)

    bus = Chatty()
    processor = StructlogProcessor(bus)
    processor(None, "info", {"event": "hello"})
    assert bus.only.message == "hello"
