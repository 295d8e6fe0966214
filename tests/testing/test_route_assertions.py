"""What may be on a route and what must not, for records and at a collector."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest

import eventbus
from eventbus import Attribute, Bus, Event, Label, Record, Sensitive, Span, Unit
from eventbus.testing import (
    BusEvents,
    OtlpCollector,
    RecordingSink,
    assert_route,
)
from eventbus_otlp import OtlpSettings, OtlpSink


class Prompt(Event, tag="agent.prompt", span=Span("prompt {kind}", duration="took_s")):
    kind: Annotated[str, Label]
    took_s: Annotated[float, Unit("s")]
    length: Annotated[int, Unit("By"), Attribute("prompt_length")]
    prompt: Annotated[str, Sensitive] = ""
    note: str | None = None


HELLO = Prompt(kind="user", took_s=1, length=5, prompt="hello")
SHOWN = {"kind": "user", "took_s": 1, "prompt_length": 5, "user": "u"}


async def routed() -> tuple[RecordingSink, RecordingSink]:
    """Return what came on a content route and on a safe one."""
    content, safe = RecordingSink(), RecordingSink()
    async with Bus() as bus:
        bus.attach(content, name="content", content="full")
        bus.attach(safe, name="safe")
        with eventbus.bind(user="u"):
            bus.emit(HELLO)
    return content, safe


@pytest.mark.proves("L9")
async def test_a_content_route_has_what_a_safe_one_must_not_show() -> None:
    content, safe = await routed()
    both: dict[str, Any] = {"may_have": ["prompt"], "forbidden": ["note"]}
    assert_route(content, "agent.*", has={**SHOWN, "prompt": "hello"}, **both)
    assert_route(
        safe, "agent.*", has={**SHOWN, "prompt": "[REDACTED]"}, never=["hello"], **both
    )
    with pytest.raises(AssertionError) as caught:
        assert_route(content, "agent.*", forbidden=["prompt"], never=["hello"])
    assert str(caught.value) == (
        "wrong route:\n"
        "  agent.prompt[0]: prompt must not be there\n"
        "  agent.prompt[0]: the text never[0] is in it"
    )


@pytest.mark.proves("L9")
async def test_each_attribute_that_is_wrong_is_named() -> None:
    content, _ = await routed()
    with pytest.raises(AssertionError) as caught:
        assert_route(
            content,
            "agent.prompt",
            has={"kind": "other", "prompt_length": 5, "length": int, "user": int},
            may_have=["took_s"],
            forbidden=["note"],
        )
    assert str(caught.value).splitlines() == [
        "wrong route:",
        "  agent.prompt[0]: kind: expected 'other', got 'user'",
        "  agent.prompt[0]: length is missing",
        "  agent.prompt[0]: user: expected int, got 'u'",
        "  agent.prompt[0]: prompt is not among those that may be there",
    ]


@pytest.mark.proves("L9")
@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
async def test_logs_spans_and_metrics_at_a_collector_are_routes_too(
    protocol: Any,
) -> None:
    async with OtlpCollector() as collector:
        settings = OtlpSettings(
            endpoint=collector.url,
            protocol=protocol,
            signals=("logs", "metrics", "traces"),
        )
        async with Bus() as bus:
            bus.attach(OtlpSink(settings))
            with eventbus.bind(user="u"):
                bus.emit(HELLO)
        assert_route(
            collector.logs,
            "*prompt*",
            has={**SHOWN, "prompt": "[REDACTED]"},
            may_have=[],
            forbidden=["note", "length"],
            never=["hello"],
        )
        assert_route(
            collector.spans,
            "*prompt*",
            has=SHOWN,
            may_have=[],
            forbidden=["note", "length", "prompt"],
            never=["hello", "[REDACTED]"],
        )
        assert_route(
            collector.metrics,
            "agent.*",
            has={"kind": "user"},
            may_have=[],
            forbidden=["prompt", "user"],
            never=["hello", "[REDACTED]"],
        )
        for records in (collector.logs[0], collector.spans[0], collector.metrics[0]):
            with pytest.raises(AssertionError, match="kind must not be there"):
                assert_route(records, "*", forbidden=["kind"])


async def test_a_text_that_must_be_nowhere_is_found_wherever_it_is() -> None:
    record = Record(HELLO, severity="info", resource={"host": "secret-host"})
    with pytest.raises(AssertionError, match=r"the text never\[1\] is in it"):
        assert_route(record, "*", never=["nothing", "secret"])
    async with OtlpCollector() as collector:
        async with Bus(resource={"host.name": "secret-host"}) as bus:
            bus.attach(
                OtlpSink(
                    OtlpSettings(
                        endpoint=collector.url, signals=("logs", "metrics", "traces")
                    )
                )
            )
            bus.emit(HELLO)
        for found in (collector.logs, collector.spans, collector.metrics):
            with pytest.raises(AssertionError, match=r"the text never\[0\] is in it"):
                assert_route(found, "*", never=["secret-host"])


def test_bus_events_are_a_route() -> None:
    recorder = BusEvents()
    recorder.bus.emit(HELLO)
    assert_route(recorder, "agent.prompt", has=["prompt"])
    assert_route(recorder.records, "agent.prompt", has=("prompt", "kind"))
    assert_route(iter(recorder.records), "*", has={"prompt": str})


@pytest.mark.proves("L9")
async def test_a_route_on_which_nothing_came_is_wrong() -> None:
    _, safe = await routed()
    with pytest.raises(
        AssertionError, match=r"no 'agent.tool' on this route; what came: agent.prompt$"
    ):
        assert_route(safe, "agent.tool", forbidden=["prompt"])
    with pytest.raises(AssertionError, match="what came: nothing"):
        assert_route([], "*")


def test_true_is_not_one_on_a_route() -> None:
    record = Record(HELLO, attributes={"flag": True})  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="flag: expected 1, got True"):
        assert_route(record, "*", has={"flag": 1})


def test_what_is_no_route_is_refused() -> None:
    with pytest.raises(TypeError, match="a route ends in records, or in logs"):
        assert_route(7, "*")  # type: ignore[arg-type]


def test_many_wrong_ones_are_counted_and_the_first_are_told() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_route([Record(HELLO)] * 12, "*", forbidden=["kind"])
    assert str(caught.value).splitlines()[-1] == "  and 2 more"


@pytest.mark.proves("L9")
@pytest.mark.parametrize("place", ["has", "may_have", "forbidden", "never"])
def test_one_text_is_no_list_of_texts(place: str) -> None:
    """Its letters would be names that nothing has, and nothing would be checked."""
    with pytest.raises(TypeError, match=f"{place} must be a list of texts, got str"):
        assert_route(Record(HELLO), "*", **{place: "prompt"})


def test_an_empty_text_is_everywhere_and_refused() -> None:
    with pytest.raises(ValueError, match="never must have no empty text"):
        assert_route(Record(HELLO), "*", never=["other", ""])


def test_a_text_is_no_route() -> None:
    with pytest.raises(TypeError, match=r"a route ends in records, .* got 'agent'"):
        assert_route("agent", "*")  # type: ignore[arg-type]


def test_names_states_and_whole_numbers_must_be_nowhere_too() -> None:
    record = Record(
        HELLO,
        attributes={"card": 4242424242424242, "half": 0.5, "no": True},
        trace_id="1" * 32,
        span_id="1" * 16,
        tracestate="vendor=user-7",
    )
    for text in ("agent.pro", "4242424242424242", "0.5", "user-7", "card"):
        with pytest.raises(AssertionError, match=r"the text never\[0\] is in it"):
            assert_route(record, "*", never=[text])
    assert_route(record, "*", never=["4242", "True", "242424"])


async def test_a_metric_hides_nothing_in_its_name_or_scope() -> None:
    async with OtlpCollector() as collector:
        async with Bus() as bus:
            settings = OtlpSettings(endpoint=collector.url, signals=("metrics",))
            bus.attach(OtlpSink(settings))
            bus.emit(HELLO)
        (metric, *_) = collector.metrics
        for text in (metric.name, metric.scope, metric.unit):
            with pytest.raises(AssertionError, match=r"never\[0\] is in it"):
                assert_route(metric, "*", never=[text])


def test_a_route_is_asked_for_by_type_and_a_value_by_a_function() -> None:
    record = Record(HELLO)
    assert_route(record, type(HELLO), has={"prompt": lambda text: len(text) > 1})
    with pytest.raises(AssertionError, match=r"prompt: expected is_short\(\), got 'h"):
        assert_route(record, type(HELLO), has={"prompt": is_short})


def is_short(text: str) -> bool:
    return len(text) < 2


class Maybe(Event, tag="agent.maybe"):
    note: str | msgspec.UnsetType = msgspec.UNSET
    text: str | None = None


def test_what_was_left_out_is_no_attribute() -> None:
    assert_route(Record(Maybe()), "*", forbidden=["note", "text"], may_have=[])
    assert_route(Record(Maybe(note="", text="")), "*", has=["note", "text"])
