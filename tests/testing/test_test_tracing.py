"""Real spans in a test, as the global API of OpenTelemetry makes them."""

from __future__ import annotations

import sys

import pytest
from opentelemetry import propagate, trace

import eventbus
from eventbus import Event, PluginError
from eventbus.testing import BusEvents, install_test_tracing


class Done(Event, tag="job.done"):
    pass


def test_spans_have_real_ids_and_events_and_headers_have_the_same() -> None:
    recorder = BusEvents()
    with install_test_tracing("shop") as tracing:
        with tracing.tracer.start_as_current_span("turn") as span:
            trace_id = f"{span.get_span_context().trace_id:032x}"
            recorder.bus.emit(Done())
            headers = tracing.headers()
        assert [one.name for one in tracing.spans] == ["turn"]
    parsed = eventbus.trace_context.extract(headers)
    assert parsed is not None
    assert parsed.trace_id == trace_id != "0" * 32
    assert recorder.records[0].trace_id == trace_id


def test_code_that_asks_the_global_api_is_recorded_in_its_own_block_alone() -> None:
    with (
        install_test_tracing() as first,
        trace.get_tracer("x").start_as_current_span("a"),
    ):
        pass
    with trace.get_tracer("x").start_as_current_span("between"):
        pass
    with (
        install_test_tracing() as second,
        trace.get_tracer("x").start_as_current_span("b"),
    ):
        pass
    assert [span.name for span in first.spans] == ["a"]
    assert [span.name for span in second.spans] == ["b"]


def test_the_propagator_is_put_back() -> None:
    before = propagate.get_global_textmap()
    with install_test_tracing():
        assert propagate.get_global_textmap() is not before
    assert propagate.get_global_textmap() is before


def test_without_the_sdk_it_is_one_clear_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(PluginError) as caught, install_test_tracing():
        pass
    assert str(caught.value) == (
        "install_test_tracing needs opentelemetry-sdk, which is not installed. "
        "Try: pip install opentelemetry-sdk"
    )
