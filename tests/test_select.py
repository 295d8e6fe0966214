from __future__ import annotations

import time
from typing import Any

import pytest

from eventbus import Event, Severity
from eventbus._catalog import describe
from eventbus._select import Selection, name_test


class Started(Event, tag="agent.session.started", severity="debug"): ...


class ToolResult(Event, tag="agent.tool_result"): ...


class SlowToolResult(ToolResult, tag="agent.tool_result.slow", severity="warn"): ...


class SseFrame(Event, tag="agent.sse.frame", severity="trace"): ...


class Checkout(Event, tag="shop.checkout"): ...


class LogLine(Event, tag="log.line"):
    severity: Severity = "info"


EVERY = (Started, ToolResult, SlowToolResult, SseFrame, Checkout, LogLine)


def selected(select: Any = None, **options: Any) -> set[type[Event]]:
    selection = Selection(select, **options)
    return {cls for cls in EVERY if selection.selects(describe(cls))}


def test_without_a_selection_everything_is_selected() -> None:
    assert selected(None) == set(EVERY)


@pytest.mark.parametrize(
    ("select", "names"),
    [
        (["agent.*"], {Started, ToolResult, SlowToolResult, SseFrame}),
        (["agent.*", "!agent.sse*"], {Started, ToolResult, SlowToolResult}),
        (["!agent.sse*", "agent.*"], {Started, ToolResult, SlowToolResult}),
        (["!agent.*"], {Checkout, LogLine}),
        (["!agent.*", "!log.*"], {Checkout}),
        (["agent.tool_result"], {ToolResult}),
        ("agent.tool_result", {ToolResult}),
        (["*.started", "shop.?heckout"], {Started, Checkout}),
        (["[ls]*"], {Checkout, LogLine}),
        (["[!a]*"], {Checkout, LogLine}),
        (["*"], set(EVERY)),
        (["AGENT.*"], set()),
        (["agent"], set()),
        (["gent.*"], set()),
        (["agent.tool.result"], set()),
    ],
)
def test_globs_select_by_name(select: Any, names: set[type[Event]]) -> None:
    assert selected(select) == names


def test_an_event_type_selects_itself_and_its_subclasses() -> None:
    assert selected([ToolResult]) == {ToolResult, SlowToolResult}
    assert selected(ToolResult) == {ToolResult, SlowToolResult}


def test_the_base_class_selects_every_event() -> None:
    assert selected([Event]) == set(EVERY)


def test_event_types_and_globs_add_up() -> None:
    assert selected([ToolResult, "log.*"]) == {ToolResult, SlowToolResult, LogLine}


def test_an_exclusion_wins_over_an_event_type() -> None:
    assert selected([ToolResult, "!*.slow"]) == {ToolResult}


def test_the_least_severity_is_decided_by_type() -> None:
    assert selected(min_severity="info") == {
        ToolResult,
        SlowToolResult,
        Checkout,
        LogLine,
    }
    assert selected("agent.*", min_severity="warn") == {SlowToolResult}


def test_a_type_whose_events_have_their_own_severity_is_decided_per_event() -> None:
    selection = Selection(min_severity="error")
    assert selection.selects(describe(LogLine), varies=True)
    assert selection.severity_floor(varies=True) == 17


def test_there_is_no_floor_where_the_type_decides_or_nothing_is_asked() -> None:
    assert Selection(min_severity="error").severity_floor(varies=False) is None
    assert Selection().severity_floor(varies=True) is None


@pytest.mark.parametrize(
    ("select", "message"),
    [
        ([], r"select must name an event, got \[\]; None selects all"),
        ([""], r"select\[0\] must be a glob on event names, got ''"),
        (["agent.*", " "], r"select\[1\] must be a glob on event names, got ' '"),
        (["!"], r"select\[0\] after '!' must be a glob on event names, got ''"),
        ("", r"select\[0\] must be a glob on event names, got ''"),
        (
            ["*" * 513],
            r"select\[0\] must be a glob of at most 512 characters, got 513",
        ),
    ],
)
def test_a_selection_of_nothing_is_refused(select: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Selection(select)


@pytest.mark.parametrize(
    ("select", "message"),
    [
        (
            ["agent.*", int],
            r"select\[1\] must be a glob on event names or an event type, "
            r"got <class 'int'>",
        ),
        ([Checkout()], r"select\[0\] must be a glob .* or an event type, got Checkout"),
        ([None], r"select\[0\] must be a glob .* or an event type, got None"),
        (str, r"select\[0\] must be a glob .* or an event type, got <class 'str'>"),
        (5, "select must be None, a glob on event names, an event type, or a list"),
    ],
)
def test_what_is_neither_text_nor_event_type_is_refused(
    select: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        Selection(select)


def test_an_unknown_severity_is_refused() -> None:
    severity: Any = "warning"
    with pytest.raises(
        ValueError,
        match=r"min_severity must be one of trace, debug, .*, fatal, got 'warning'",
    ):
        Selection(min_severity=severity)


@pytest.mark.proves("fault-137")
@pytest.mark.parametrize(
    "glob",
    [
        "*a" * 255 + "*b",
        "*?" * 255 + "b",
        "*" * 511 + "b",
        "*" + "?" * 128 + "b",
        "*[a-z]" * 85 + "b",
        "[" * 512,
        "*a" * 50_000,
    ],
)
@pytest.mark.parametrize("name", ["a" * 256, "a" * 100_000], ids=["256", "100000"])
def test_a_hostile_glob_costs_next_to_nothing(glob: str, name: str) -> None:
    before = time.process_time()
    try:
        test = name_test(glob, place="select[0]")
    except ValueError as error:
        assert "must be a glob of at most 512 characters" in str(error)  # noqa: PT017
    else:
        assert not test(name)
    assert time.process_time() - before < 0.05
