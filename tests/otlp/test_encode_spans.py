"""Spans of completed events as the official classes read them, in both forms."""

from __future__ import annotations

import math
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import UnsetType
from opentelemetry.proto.trace.v1 import trace_pb2

from eventbus import (
    Attribute,
    Bus,
    Event,
    Label,
    Naming,
    Record,
    Span,
    Unit,
    trace_context,
)
from eventbus.testing import RecordingSink
from eventbus.trace_context import Tracestate
from eventbus_otlp._encode_spans import SpansEncoder
from eventbus_otlp._limits import AttributeLimits
from tests.otlp._both import attributes, both_of_spans, spans
from tests.otlp._events import (
    SPAN_ID,
    TRACE_ID,
    Bare,
)

END = 1_795_247_063_541_164_823
UNSET, OK, ERROR = 0, 1, 2


class Tool(
    Event,
    tag="test.tool",
    span=Span("execute_tool {tool}", duration="duration_ms", ok="success"),
):
    tool: Annotated[str, Label, Attribute("gen_ai.tool.name")] = "shell"
    duration_ms: Annotated[float | None, Unit("ms")] = None
    success: bool | None = None
    anything: Any = None
    error_message: Annotated[str | None, Attribute("error.message")] = None


class Failure(
    Event,
    tag="test.failure",
    span=Span("{kind}{number}", duration="took", links="caused_by", id="own_id"),
):
    took: Annotated[int, Unit("s")] = 0
    kind: Annotated[str | None, Attribute("exception.type")] = None
    words: Annotated[str | None, Attribute("exception.message")] = None
    number: int | None = None
    caused_by: Any = None
    own_id: str | None = None


def made(event: Event, **options: Any) -> Record[Any]:
    traced: dict[str, Any] = {"trace_id": TRACE_ID, "span_id": SPAN_ID, "id": "bus-1"}
    return Record(event, time_unix_nano=END, **traced | options)


def test_a_completed_event_is_a_span_below_the_one_that_was_current() -> None:
    event = Tool(duration_ms=12.5, success=True)
    record = made(event, trace_flags=1, tracestate="a=b", weight=4.0)
    [span] = spans(record)
    assert span.name == "execute_tool shell"
    assert span.kind == trace_pb2.Span.SPAN_KIND_INTERNAL
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (
        END - 12_500_000,
        END,
    )
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE_ID, SPAN_ID)
    assert len(span.span_id) == 8
    assert span.span_id.hex() != SPAN_ID
    assert (span.flags, span.trace_state) == (1, "a=b")
    assert (span.status.code, span.status.message) == (OK, "")
    assert attributes(span) == {
        "eventbus.weight": 4.0,
        "gen_ai.tool.name": "shell",
        "duration_ms": 12.5,
        "success": True,
    }


def test_a_repeated_record_is_the_same_span_and_another_record_another() -> None:
    again, first = (spans(made(Tool()))[0].span_id for _ in range(2))
    [other] = spans(made(Tool(), id="bus-2"))
    assert first == again != other.span_id


def test_a_record_outside_of_any_trace_begins_one() -> None:
    records = [made(Tool(), trace_id=bad) for bad in (None, "0" * 32, TRACE_ID.upper())]
    for span in spans(*records):
        assert len(span.trace_id) == 16
        assert (span.parent_span_id, span.flags) == (b"", 1)
    assert len({span.trace_id for span in spans(*records)}) == 1


def test_a_record_that_is_a_span_itself_keeps_its_ids() -> None:
    above = "00f067aa0ba902b7"
    [span] = spans(made(Tool(), parent_span_id=above))
    assert (span.span_id.hex(), span.parent_span_id.hex()) == (SPAN_ID, above)


def test_the_end_of_a_pair_is_the_span_that_others_had_as_their_parent() -> None:
    own = "00f067aa0ba902b7"
    inner = made(Tool(), span_id=own)
    end = made(Failure(own_id=own, took=3, kind="ValueError", words="no", number=7))
    child, parent = spans(inner, end)
    assert child.parent_span_id == parent.span_id == bytes.fromhex(own)
    assert parent.parent_span_id.hex() == SPAN_ID
    assert parent.start_time_unix_nano == END - 3 * 10**9
    [exception] = parent.events
    assert (exception.name, exception.time_unix_nano) == ("exception", END)
    assert attributes(exception) == {
        "exception.type": "ValueError",
        "exception.message": "no",
    }
    assert attributes(parent) == {"took": 3, "number": 7, "own_id": own}
    assert (parent.status.code, parent.status.message) == (ERROR, "no")
    assert parent.name == "ValueError7"


def test_an_end_inside_of_its_own_span_is_not_its_own_parent() -> None:
    [span] = spans(made(Failure(own_id=SPAN_ID)))
    assert (span.span_id.hex(), span.parent_span_id) == (SPAN_ID, b"")


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (Tool(success=True, error_message="no"), (OK, "")),
        (Tool(success=False, error_message="no"), (ERROR, "no")),
        (Tool(success=False), (ERROR, "")),
        (Tool(error_message="no"), (UNSET, "")),
        (Failure(), (UNSET, "")),
        (Failure(kind="E"), (ERROR, "")),
    ],
)
def test_the_status_is_what_the_event_says(
    event: Event, status: tuple[int, str]
) -> None:
    [span] = spans(made(event))
    assert (span.status.code, span.status.message) == status
    assert span.HasField("status") == (status[0] != UNSET)


@pytest.mark.parametrize("duration", [-1.0, math.nan, math.inf])
def test_a_duration_that_is_none_is_no_time_and_counted(duration: float) -> None:
    read, encoded = both_of_spans([made(Tool(duration_ms=duration)), made(Tool())])
    bad, none = read.resource_spans[0].scope_spans[0].spans
    assert bad.start_time_unix_nano == none.start_time_unix_nano == END
    assert encoded.warned == {"invalid_value": 1}


def test_a_span_does_not_begin_before_time_does() -> None:
    [span] = spans(made(Tool(duration_ms=1e300)))
    assert span.start_time_unix_nano == 0


def test_a_span_without_a_name_has_that_of_its_event() -> None:
    [span] = spans(made(Failure()))
    assert span.name == "test.failure"


def test_links_are_traceparents_or_contexts_and_what_is_none_is_counted() -> None:
    context = trace_context.TraceContext(TRACE_ID, "00f067aa0ba902b7", 0, "a=b")
    bad = trace_context.TraceContext("0" * 32, SPAN_ID)
    header = f"00-{TRACE_ID}-{SPAN_ID}-01"
    [many] = spans(made(Failure(caused_by=[header, context, bad, "nonsense", 5])))
    assert [
        (link.trace_id.hex(), link.span_id.hex(), link.flags, link.trace_state)
        for link in many.links
    ] == [(TRACE_ID, SPAN_ID, 1, ""), (TRACE_ID, "00f067aa0ba902b7", 0, "a=b")]
    assert many.dropped_links_count == 3
    [one] = spans(made(Failure(caused_by=header)))
    assert (len(one.links), one.dropped_links_count) == (1, 0)
    [most] = spans(made(Failure(caused_by=[header] * 1000)))
    assert (len(most.links), most.dropped_links_count) == (128, 872)


@pytest.mark.parametrize(
    ("value", "kind", "sent"),
    [
        ({"a": [1, math.nan]}, "string_value", '{"a":[1,"NaN"]}'),
        ([1, "a"], "string_value", '[1,"a"]'),
        ([[1]], "string_value", "[[1]]"),
        (b"\xff", "string_value", "/w=="),
        (7, "int_value", 7),
        ("é", "string_value", "é"),
    ],
)
def test_structured_values_are_json_text(value: Any, kind: str, sent: Any) -> None:
    [span] = spans(made(Tool(anything=value), attributes={"bound": value}))
    for name in ("anything", "bound"):
        [one] = [one for one in span.attributes if one.key == name]
        assert getattr(one.value, kind) == sent


def test_arrays_of_one_kind_stay_arrays() -> None:
    [span] = spans(made(Tool(anything=("a", "b")), attributes={"bound": (1, 2)}))
    assert [v.string_value for v in attributes(span)["anything"].values] == ["a", "b"]
    assert [v.int_value for v in attributes(span)["bound"].values] == [1, 2]


@pytest.mark.proves("J5")
def test_each_span_has_the_configured_attributes_unless_it_says_otherwise() -> None:
    configured = {"team": "core", "number": 5, "user": "nobody"}
    found = spans(
        made(Failure(number=7), attributes={"user": "somebody", "more": 1}),
        made(Failure()),
        made(Tool()),
        span_attributes=configured,
    )
    own, silent, other = (attributes(span) for span in found)
    assert own == {"took": 0, "number": 7, "team": "core", "user": "nobody", "more": 1}
    assert silent == {"took": 0, **configured}
    assert other == {"gen_ai.tool.name": "shell", **configured}


def test_only_records_that_are_spans_are_sent_and_one_bad_one_costs_itself() -> None:
    good, bad = made(Tool()), made(Tool(anything=object()))
    nameless = made(Tool(), id="")
    batch = [made(Bare()), good, bad, made(Bare()), made(Failure()), nameless]
    read, encoded = both_of_spans(batch)
    assert list(encoded.sent) == [1, 4]
    assert [place for place, _ in encoded.unencodable] == [2, 5]
    assert "builtins.object - at `$.event.anything`" in encoded.unencodable[0][1]
    assert "without an id" in encoded.unencodable[1][1]
    assert len(read.resource_spans[0].scope_spans[0].spans) == 2


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_nothing_is_sent_of_records_that_are_no_spans(form: Any) -> None:
    encoder = SpansEncoder(form, resource={"service.name": "a"})
    assert encoder.encode([made(Bare())]) == (b"", (), [], {})


def test_limits_hold_for_spans() -> None:
    limits = AttributeLimits(count=1, value_length=3)
    event = Failure(number=1, own_id="x" * 20, words="too long")
    [span] = spans(made(event), limits=limits)
    assert list(attributes(span)) == ["took"]
    assert span.dropped_attributes_count == 2
    assert attributes(span.events[0]) == {"exception.message": "too"}


def test_a_lone_surrogate_in_a_name_or_a_message_is_mended() -> None:
    bad = "a\ud800"
    event = Tool(tool=bad, success=False, error_message=bad)
    read, encoded = both_of_spans([made(event)])
    [span] = read.resource_spans[0].scope_spans[0].spans
    assert span.name == "execute_tool a\ufffd"
    assert span.status.message == "a\ufffd"
    assert encoded.warned == {"sanitized": 1}


def test_what_is_cut_of_an_exception_is_counted() -> None:
    limits = AttributeLimits(value_length=3)
    event = Failure(words="too long")
    read, encoded = both_of_spans([made(event)], limits=limits)
    [span] = read.resource_spans[0].scope_spans[0].spans
    assert attributes(span.events[0]) == {"exception.message": "too"}
    assert span.status.message == "too long"
    assert encoded.warned == {"truncated": 1}


def test_what_is_mended_of_a_name_alone_is_counted() -> None:
    names = Naming(left_out=frozenset({"gen_ai.tool.name"}))
    read, encoded = both_of_spans([made(Tool(tool="\ud800"))], names=names)
    [span] = read.resource_spans[0].scope_spans[0].spans
    assert (span.name, attributes(span)) == ("execute_tool \ufffd", {})
    assert encoded.warned == {"sanitized": 1}


@pytest.mark.parametrize("time", [-1, 2**64, "now"])
def test_a_span_at_no_time_costs_itself_alone(time: Any) -> None:
    batch = [made(Tool()), Record(Tool(), id="b", time_unix_nano=time), made(Tool())]
    _, encoded = both_of_spans(batch)
    assert list(encoded.sent) == [0, 2]
    assert [place for place, _ in encoded.unencodable] == [1]


@pytest.mark.proves("J7")
async def test_what_is_between_a_start_and_its_end_is_below_it_and_then_no_more() -> (
    None
):
    sink, own_id = RecordingSink(), "00f067aa0ba902b7"
    outer = trace_context.TraceContext(TRACE_ID, SPAN_ID, 1)
    async with Bus() as bus:
        bus.attach(sink)
        with trace_context.attach(outer):
            with trace_context.attach(trace_context.TraceContext(TRACE_ID, own_id, 1)):
                bus.emit(Tool(tool="inside"))
            bus.emit(Failure(own_id=own_id, took=2, kind="ValueError", words="no"))
            bus.emit(Tool(tool="after"))
        await bus.flush()
    inside, pair, after = spans(*sink.records)
    assert {span.trace_id.hex() for span in (inside, pair, after)} == {TRACE_ID}
    assert inside.parent_span_id.hex() == pair.span_id.hex() == own_id
    assert pair.parent_span_id.hex() == after.parent_span_id.hex() == SPAN_ID
    assert pair.end_time_unix_nano - pair.start_time_unix_nano == 2 * 10**9
    assert attributes(pair.events[0])["exception.type"] == "ValueError"


@pytest.mark.proves("J4")
def test_each_span_begins_its_tracestate_with_that_of_the_program() -> None:
    added = Tracestate({"acme": {"tenant": "a1"}})
    found = spans(
        made(Tool(), tracestate="other=x,acme=t:9"),
        made(Tool()),
        made(Tool(), trace_id=None, span_id=None),
        tracestate=added,
    )
    assert [span.trace_state for span in found] == [
        "acme=t:9;tenant:a1,other=x",
        "acme=tenant:a1",
        "acme=tenant:a1",
    ]


def test_of_the_flags_the_byte_of_w3c_is_sent() -> None:
    [span] = spans(made(Tool(), trace_flags=0x1FF))
    assert span.flags == 0xFF


def test_a_span_ends_when_it_was_observed_where_its_time_is_unknown() -> None:
    record = Record(Tool(duration_ms=1.0), id="b", observed_time_unix_nano=END)
    [span] = spans(record)
    assert span.end_time_unix_nano == END
    assert span.start_time_unix_nano == END - 10**6


class Vague(
    Event, tag="test.vague", span=Span("v{name}", duration="d", ok="ok", links="links")
):
    d: Annotated[float | UnsetType, Unit("s")] = msgspec.UNSET
    name: str | UnsetType = msgspec.UNSET
    ok: bool | UnsetType = msgspec.UNSET
    links: list[str] | UnsetType = msgspec.UNSET
    kind: Annotated[str | UnsetType, Attribute("exception.type")] = msgspec.UNSET


def test_what_is_unset_says_nothing() -> None:
    read, encoded = both_of_spans([made(Vague())])
    [span] = read.resource_spans[0].scope_spans[0].spans
    assert (span.name, span.start_time_unix_nano) == ("v", END)
    assert not any((span.HasField("status"), span.links, span.events))
    assert (encoded.warned, span.dropped_links_count) == ({}, 0)


class Told(Event, tag="test.told", span=Span("t", duration="d", ok="ok")):
    d: Annotated[float, Unit("s")] = 0.0
    ok: bool = False
    error: Any = None
    message: Annotated[Any, Attribute("error.message")] = None
    thrown: Annotated[Any, Attribute("exception.message")] = None


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Told(error="a"), "a"),
        (Told(error="a", message="b"), "b"),
        (Told(error="a", message="b", thrown="c"), "c"),
        (Told(error="a", message="b", thrown=""), "b"),
        (Told(error="a", message=7), "a"),
    ],
)
def test_the_best_message_that_is_a_text_is_that_of_the_status(
    event: Told, said: str
) -> None:
    [span] = spans(made(event))
    assert span.status.message == said


def test_a_span_keeps_128_attributes_and_says_whose_names_they_are() -> None:
    record = made(Tool(), attributes={f"a{n}": n for n in range(200)})
    read, _ = both_of_spans([record], schema_url="https://s")
    [scope] = read.resource_spans[0].scope_spans
    assert scope.schema_url == "https://s"
    assert len(scope.spans[0].attributes) == 128
    assert scope.spans[0].dropped_attributes_count == 73


def test_of_a_table_in_a_name_as_much_is_taken_as_in_an_attribute() -> None:
    event = Tool(tool=[0] * 1_000_000)  # type: ignore[arg-type]
    read, encoded = both_of_spans([made(event)])
    [span] = read.resource_spans[0].scope_spans[0].spans
    assert span.name == f"execute_tool [{','.join('0' * 10_000)}]"
    assert encoded.warned == {"truncated": 1}
