"""What spans never carry: content, unless they may, and events that want no trace."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from eventbus import Attribute, Bus, Event, Record, Sensitive, Span, Unit, bind
from eventbus.testing import OtlpCollector
from eventbus_otlp import OtlpSettings, OtlpSink, TraceSignalSettings
from eventbus_otlp._encode import LogsEncoder
from eventbus_otlp._encode_spans import SpansEncoder
from eventbus_otlp._signal import Form
from tests.otlp._both import attributes, spans

TIME = 1_795_247_063_541_164_823
BOUND = {"user.email": "ada@example.org", "tenant": "t"}


class Asked(Event, tag="content.asked", span=Span("ask {what}{whom}", "took_ms", "ok")):
    took_ms: Annotated[float, Unit("ms")] = 5.0
    ok: bool = False
    whom: str = "ada"
    what: Annotated[str, Sensitive] = "the secret of life"
    words: Annotated[str, Sensitive, Attribute("exception.message")] = "it is 42"
    kind: Annotated[str, Attribute("exception.type")] = "Riddle"
    error: Annotated[str, Sensitive, Attribute("error.message")] = "do not tell"
    trace_sensitive: bool | None = None


CONTENT = ("the secret of life", "it is 42", "do not tell", "ada@example.org")


def record(event: Event | None = None, **bound: Any) -> Record[Any]:
    return Record(
        event or Asked(), id="r-1", time_unix_nano=TIME, attributes={**BOUND, **bound}
    )


def body(*records: Record[Any], form: Form = "json", **options: Any) -> bytes:
    encoder = SpansEncoder(
        form, resource={}, content_attributes=("user.email",), **options
    )
    return encoder.encode(records).body


@pytest.mark.proves("E1", "J7")
@pytest.mark.parametrize("form", ["json", "protobuf"])
def test_nothing_of_the_content_is_in_a_span(form: Form) -> None:
    request = body(record(), form=form)
    assert not [one for one in CONTENT if one.encode() in request]
    for told in (b"ask ada", b"Riddle", b"tenant"):
        assert told in request


def test_what_is_left_of_a_span_says_what_it_can() -> None:
    (span,) = spans(record())
    assert span.name == "ask ada"
    assert attributes(span.events[0]) == {"exception.type": "Riddle"}
    assert (span.status.code, span.status.message) == (2, "")
    assert "what" not in attributes(span)


@pytest.mark.parametrize("form", ["json", "protobuf"])
def test_with_content_it_is_all_there(form: Form) -> None:
    request = body(record(), form=form, content=True)
    assert [one for one in CONTENT if one.encode() in request] == list(CONTENT)


@pytest.mark.proves("E10")
@pytest.mark.parametrize(
    "bare",
    [record(Asked(trace_sensitive=False)), record(trace_sensitive=False)],
    ids=["field", "bound"],
)
def test_an_event_may_say_no_to_content_and_its_neighbours_do_not_pay(
    bare: Record[Any],
) -> None:
    found = spans(record(), bare, record(), content=True)
    assert ["what" in attributes(span) for span in found] == [True, False, True]
    assert [span.name for span in found][1] == "ask ada"


@pytest.mark.proves("E10")
@pytest.mark.parametrize("content", [True, False])
def test_an_event_that_disables_tracing_is_no_span_but_a_log(content: bool) -> None:
    records = [record(tracing_disabled=True), record(), record(tracing_disabled=False)]
    encoder = SpansEncoder("json", resource={}, content=content)
    assert encoder.encode(records).sent == [1, 2]
    assert not encoder.encode(records[:1]).sent
    logs = LogsEncoder("json", resource={}).encode(records)
    assert list(logs.sent) == [0, 1, 2]


@pytest.mark.proves("E1")
@pytest.mark.parametrize("content", ["none", "full"])
async def test_the_setting_decides_though_the_attachment_sees_everything(
    content: Any,
) -> None:
    async with OtlpCollector() as collector:
        settings = OtlpSettings(
            endpoint=collector.url,
            signals=("logs", "traces"),
            traces=TraceSignalSettings(content=content),
        )
        async with Bus() as bus:
            bus.attach(OtlpSink(settings), content="full")
            with bind({"user.email": "ada@example.org"}):
                bus.emit(Asked())
            assert (await bus.flush()).complete
        (log,), (span,) = collector.logs, collector.spans
    assert log.attributes["what"] == "the secret of life"
    assert log.attributes["user.email"] == "ada@example.org"
    hidden = {"what", "user.email"} - span.attributes.keys()
    assert hidden == (set() if content == "full" else {"what", "user.email"})
