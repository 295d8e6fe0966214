"""Metrics of agent events as the telemetry of codex has them: names, units and tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from eventbus import Bus, Event, bind
from eventbus.metrics import (
    BOUNDS_MILLISECONDS,
    Counter,
    Metrics,
    plans_of,
)
from eventbus.testing import OtlpCollector
from eventbus_otlp import OtlpSettings, OtlpSink
from eventbus_schemas import (
    FORMER_NAMES,
    ApiRequest,
    McpToolCallResult,
    PluginInstallElicitationSent,
    PluginInstallSuggestion,
    SseEvent,
    StartupPhase,
    ThreadStarted,
    ToolDecision,
    ToolResult,
    TurnCompleted,
    TurnFirstMessage,
    TurnFirstToken,
    WebsocketEvent,
    WebsocketRequest,
    WebsocketTiming,
    agent_catalog,
)

from ._sent_metrics import SESSION, sent

# Any in this module: JSON.

NAMING = agent_catalog.namings["codex"]
TAGS = {
    "auth_mode": "ApiKey",
    "session_source": "cli",
    "originator": "codex_cli_rs",
    "service_name": "acme",
    "model": "gpt-5",
    "app.version": "1.2.3",
}
PLUGIN: dict[str, Any] = {"tool_type": "plugin", "tool_id": "1", "tool_name": "a"}
TURN = TurnCompleted(
    duration_ms=5000.0,
    input_tokens=10,
    cached_input_tokens=8,
    cache_write_tokens=1,
    output_tokens=5,
    reasoning_output_tokens=2,
    total_tokens=15,
    tool_call_count=2,
    network_proxy_active=True,
    temporary_memory=False,
    memory_enabled=True,
    memory_configured=True,
    memory_read_allowed=False,
    memory_cited=True,
)
KEPT = {"tmp_mem_enabled": "false"}
# By metric: the events it is made of, its unit, and the tags and the value of each
# series: a counter's sum, or a histogram's.
COUNTS = "{event}"
Series = tuple[dict[str, str], float]
OF_CODEX: dict[str, tuple[list[Event], str, list[Series]]] = {
    "codex.api_request": (
        [
            ApiRequest(success=True, duration_ms=12.0, status_code=200, model="gpt-5"),
            ApiRequest(success=False, duration_ms=3.0),
        ],
        COUNTS,
        [
            ({"status": "200", "success": "true"}, 1),
            ({"status": "none", "success": "false"}, 1),
        ],
    ),
    "codex.api_request.duration_ms": (
        [ApiRequest(success=True, duration_ms=12.0, status_code=200)],
        "ms",
        [({"status": "200", "success": "true"}, 12.0)],
    ),
    "codex.sse_event": (
        [
            SseEvent(outcome="progress", kind="response.created", duration_ms=1.0),
            SseEvent(outcome="completed", kind="response.completed"),
            SseEvent(outcome="failed", kind="response.completed"),
            SseEvent(outcome="parse_failed", kind="response.completed"),
            SseEvent(outcome="failed"),
        ],
        COUNTS,
        [
            ({"kind": "response.created", "success": "true"}, 1),
            ({"kind": "response.completed", "success": "true"}, 1),
            ({"kind": "response.completed", "success": "false"}, 2),
            ({"kind": "unknown", "success": "false"}, 1),
        ],
    ),
    "codex.sse_event.duration_ms": (
        [
            SseEvent(outcome="failed", kind="a", duration_ms=4.0),
            SseEvent(outcome="parse_failed", kind="a", duration_ms=3.0),
        ],
        "ms",
        [({"kind": "a", "success": "false"}, 7.0)],
    ),
    "codex.websocket.request": (
        [WebsocketRequest(success=True, duration_ms=1.0)],
        COUNTS,
        [({"success": "true"}, 1)],
    ),
    "codex.websocket.request.duration_ms": (
        [WebsocketRequest(success=True, duration_ms=1.0)],
        "ms",
        [({"success": "true"}, 1.0)],
    ),
    "codex.websocket.event": (
        [WebsocketEvent(success=False, duration_ms=1.0)],
        COUNTS,
        [({"kind": "unknown", "success": "false"}, 1)],
    ),
    "codex.websocket.event.duration_ms": (
        [WebsocketEvent(success=False, duration_ms=1.0, kind="parse_error")],
        "ms",
        [({"kind": "parse_error", "success": "false"}, 1.0)],
    ),
    "codex.startup.phase.duration_ms": (
        [
            StartupPhase(
                phase="startup_prewarm_total", duration_ms=7.0, status="ready"
            ),
            StartupPhase(phase="startup_prewarm_resolve", duration_ms=3.0),
        ],
        "ms",
        [
            ({"phase": "startup_prewarm_total", "status": "ready"}, 7.0),
            ({"phase": "startup_prewarm_resolve"}, 3.0),
        ],
    ),
    "codex.turn.ttft.duration_ms": (
        [TurnFirstToken(duration_ms=300.0)],
        "ms",
        [({}, 300.0)],
    ),
    "codex.turn.ttfm.duration_ms": (
        [TurnFirstMessage(duration_ms=400.0)],
        "ms",
        [({}, 400.0)],
    ),
    "codex.turn.e2e_duration_ms": ([TURN], "ms", [({}, 5000.0)]),
    "codex.turn.network_proxy": ([TURN], COUNTS, [({"active": "true", **KEPT}, 1)]),
    "codex.turn.memory": (
        [TURN],
        COUNTS,
        [
            (
                {
                    "read_allowed": "false",
                    "feature_enabled": "true",
                    "config_use_memories": "true",
                    "has_citations": "true",
                },
                1,
            )
        ],
    ),
    "codex.turn.tool.call": ([TURN], "{call}", [(KEPT, 2)]),
    "codex.turn.token_usage": (
        [TURN],
        "{token}",
        [
            ({"token_type": "input", **KEPT}, 10),
            ({"token_type": "cached_input", **KEPT}, 8),
            ({"token_type": "cache_write_input", **KEPT}, 1),
            ({"token_type": "output", **KEPT}, 5),
            ({"token_type": "reasoning_output", **KEPT}, 2),
            ({"token_type": "total", **KEPT}, 15),
        ],
    ),
    "codex.tool.call": (
        [
            ToolResult.of("shell", success=True, sandbox="seatbelt"),
            ToolResult.of("shell", success=False, sandbox_policy="read-only"),
        ],
        COUNTS,
        [
            ({"tool": "shell", "success": "true", "sandbox": "seatbelt"}, 1),
            ({"tool": "shell", "success": "false", "sandbox_policy": "read-only"}, 1),
        ],
    ),
    "codex.tool.call.duration_ms": (
        [ToolResult.of("shell", success=True, duration_ms=45.0)],
        "ms",
        [({"tool": "shell", "success": "true"}, 45.0)],
    ),
    "codex.approval.requested": (
        [ToolDecision.of("shell", decision="approvedforsession", source="User")],
        COUNTS,
        [({"tool": "shell", "approved": "approved_for_session"}, 1)],
    ),
    "codex.mcp.call": (
        [
            McpToolCallResult.of("find", success=True),
            McpToolCallResult.of("find", success=False),
        ],
        COUNTS,
        [
            ({"tool": "find", "status": "ok"}, 1),
            ({"tool": "find", "status": "error"}, 1),
        ],
    ),
    "codex.mcp.call.duration_ms": (
        [McpToolCallResult.of("find", success=True, duration_ms=6.0)],
        "ms",
        [({"tool": "find", "status": "ok"}, 6.0)],
    ),
    "codex.plugins.install_elicitation.sent": (
        [PluginInstallElicitationSent(**PLUGIN)],
        COUNTS,
        [({"tool_type": "plugin"}, 1)],
    ),
    "codex.plugins.install_suggestion": (
        [
            PluginInstallSuggestion(
                **PLUGIN,
                response_action="accept",
                user_confirmed=True,
                completed=False,
            )
        ],
        COUNTS,
        [
            (
                {
                    "tool_type": "plugin",
                    "response_action": "accept",
                    "completed": "false",
                },
                1,
            )
        ],
    ),
    "codex.thread.started": ([ThreadStarted.from_text("Go.")], COUNTS, [({}, 1)]),
    **{
        f"codex.responses_api_{name}.duration_ms": (
            [WebsocketTiming(**{field: 2.0})],
            "ms",
            [({}, 2.0)],
        )
        for name, field in (
            ("overhead", "overhead_ms"),
            ("inference_time", "inference_ms"),
            ("engine_iapi_ttft", "engine_iapi_ttft_ms"),
            ("engine_service_ttft", "engine_service_ttft_ms"),
            ("engine_iapi_tbt", "engine_iapi_tbt_ms"),
            ("engine_service_tbt", "engine_service_tbt_ms"),
        )
    },
}
NOT_OF_THESE_EVENTS = {
    "codex.mcp.call.error",  # of the calls of `codex.mcp.call` those with an error
    "codex.startup_prewarm.duration_ms",  # phases of another metric
    "codex.task.compact",  # by who asked for it, which no event tells
}


def tags_of(point: Any) -> dict[str, str]:
    return {tag["key"]: tag["value"]["stringValue"] for tag in point["attributes"]}


def ordered(series: Sequence[Series]) -> list[Series]:
    return sorted(series, key=lambda one: sorted(one[0].items()))


@pytest.mark.proves("B20", "E9")
@pytest.mark.parametrize("name", OF_CODEX)
def test_a_metric_of_codex_has_its_name_its_unit_and_its_tags(name: str) -> None:
    events, unit, series = OF_CODEX[name]
    metric = sent(events, NAMING)[name]
    assert metric["unit"] == unit
    if unit == COUNTS:
        assert metric["sum"]["isMonotonic"]
        points = metric["sum"]["dataPoints"]
        found = [(tags_of(point), float(point["asInt"])) for point in points]
    else:
        points = metric["histogram"]["dataPoints"]
        found = [(tags_of(point), point["sum"]) for point in points]
        bounds = {tuple(point["explicitBounds"]) for point in points}
        assert bounds == {BOUNDS_MILLISECONDS}
    expected = [({**TAGS, **tags}, value) for tags, value in series]
    assert ordered(found) == ordered(expected)


@pytest.mark.proves("B20")
def test_every_metric_of_codex_that_events_are_made_into_is_there() -> None:
    old = {one.name for one in FORMER_NAMES if one.origin == "codex metric"}
    declared = {
        one.name for metrics in NAMING.metrics.values() for one in metrics.instruments
    }
    assert declared == OF_CODEX.keys() == old - NOT_OF_THESE_EVENTS


def test_what_codex_counts_has_no_metrics_under_its_own_names_beside() -> None:
    events = [event for events, _, _ in OF_CODEX.values() for event in events]
    assert sent(events, NAMING).keys() == OF_CODEX.keys()


def test_what_is_declared_fits_the_events() -> None:
    for event, metrics in NAMING.metrics.items():
        known = agent_catalog.get(event)
        assert known is not None
        named = NAMING.events[event].labels
        labels = {
            label for plan in plans_of(known, metrics) for label, _ in plan.labels
        }
        bound = {"gen_ai.request.model"}
        assert named.renamed.keys() <= labels | bound
        assert named.values.keys() <= labels


async def test_a_sink_counts_under_the_names_that_are_chosen() -> None:
    async with OtlpCollector() as server:
        settings = OtlpSettings(
            endpoint=server.url, naming="codex", signals=("logs", "metrics")
        )
        async with Bus() as bus:
            bus.attach(OtlpSink(settings), name="otlp")
            with bind(SESSION):
                bus.emit(ToolResult.of("shell", success=True, duration_ms=45.0))
        told = {metric.name: metric.points for metric in server.metrics}
    assert told.keys() == {"codex.tool.call", "codex.tool.call.duration_ms"}
    (point,) = told["codex.tool.call"]
    assert (point.value, dict(point.attributes)) == (
        1,
        {**TAGS, "tool": "shell", "success": "true"},
    )


async def test_what_a_configuration_says_of_metrics_wins() -> None:
    async with OtlpCollector() as server:
        settings = OtlpSettings(
            endpoint=server.url, naming="codex", signals=("metrics",)
        )
        async with Bus() as bus:
            bus.catalog.metrics["agent.tool_result"] = Metrics(
                defaults=False, counters=(Counter(name="acme.tools", labels=()),)
            )
            bus.attach(OtlpSink(settings), name="otlp")
            bus.emit(ToolResult.of("shell", success=True, duration_ms=45.0))
        assert {metric.name for metric in server.metrics} == {"acme.tools"}
