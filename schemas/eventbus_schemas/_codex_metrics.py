"""What the metrics of agent events are in the telemetry that codex itself sends.

Names, kinds, units, buckets and tags are those of its metrics (``codex-rs/otel`` of
https://github.com/openai/codex), and every tag is text. Where one event is what several
metrics there are made of, all of them are here; those that are made of anything else
than an event are not. What a tag says that no event tells is left out, such as the
connector of an MCP call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from eventbus import LabelNaming
from eventbus.metrics import BOUNDS_MILLISECONDS, Counter, Histogram, Metrics
from eventbus_schemas._metrics import SESSION_LABELS, TOKEN_FIELDS

_BOUND: Final = (*SESSION_LABELS, "service_name")
_OF_SESSIONS: Final = {"gen_ai.request.model": "model"}
_TEMPORARY: Final = {"temporary_memory": "tmp_mem_enabled"}
_TOOL: Final = {"gen_ai.tool.name": "tool"}
_STATUS: Final = {"http.response.status_code": "status"}
_MEMORY: Final = {
    "memory_read_allowed": "read_allowed",
    "memory_enabled": "feature_enabled",
    "memory_configured": "config_use_memories",
    "memory_cited": "has_citations",
}
_AS_TEXT: Final = (
    *("success", "completed", "http.response.status_code"),
    *("network_proxy_active", "temporary_memory", *_MEMORY),
)


class CodexMetrics(NamedTuple):
    """The metrics that codex makes of what is one event here.

    Args:
        metrics: They.
        labels: What their labels are called there.
    """

    metrics: Metrics
    labels: LabelNaming


def _labels(
    renamed: Mapping[str, str] = _OF_SESSIONS,
    *,
    values: Mapping[str, Mapping[str, str]] | None = None,
    added: Mapping[str, str] | None = None,
) -> LabelNaming:
    return LabelNaming(
        renamed={**_OF_SESSIONS, **renamed},
        values=values or {},
        converted=dict.fromkeys(_AS_TEXT, "text"),
        added=added or {},
    )


def _duration(name: str, *labels: str, field: str = "duration_ms") -> Histogram:
    return Histogram(
        name=f"codex.{name}",
        field=field,
        unit="ms",
        description="Duration in milliseconds.",
        labels=labels,
        buckets=BOUNDS_MILLISECONDS,
    )


def _only(
    counters: tuple[Counter, ...] = (), histograms: tuple[Histogram, ...] = ()
) -> Metrics:
    return Metrics(
        defaults=False, bound=_BOUND, counters=counters, histograms=histograms
    )


def _counted(name: str, *labels: str) -> Metrics:
    """Return a counter of events, and how long they took."""
    counter = Counter(name=f"codex.{name}", labels=labels)
    return _only((counter,), (_duration(f"{name}.duration_ms", *labels),))


_TURNS: Final = ("model", "temporary_memory")

CODEX_METRICS: Final[Mapping[str, CodexMetrics]] = {
    "agent.api_request": CodexMetrics(
        _counted("api_request", "status_code", "success", "model", "auth_mode"),
        _labels(_STATUS, added={"status": "none"}),
    ),
    "agent.sse_event": CodexMetrics(
        _counted("sse_event", "kind", "outcome", "model"),
        _labels(
            {"outcome": "success"},
            values={
                "outcome": {
                    "progress": "true",
                    "completed": "true",
                    "failed": "false",
                    "parse_failed": "false",
                }
            },
            added={"kind": "unknown"},
        ),
    ),
    "agent.websocket_request": CodexMetrics(
        _counted("websocket.request", "success", "model"), _labels()
    ),
    "agent.websocket_event": CodexMetrics(
        _counted("websocket.event", "kind", "success"), _labels()
    ),
    "agent.websocket_timing": CodexMetrics(
        _only(
            histograms=tuple(
                _duration(f"responses_api_{name}.duration_ms", field=field)
                for name, field in (
                    ("overhead", "overhead_ms"),
                    ("inference_time", "inference_ms"),
                    ("engine_iapi_ttft", "engine_iapi_ttft_ms"),
                    ("engine_service_ttft", "engine_service_ttft_ms"),
                    ("engine_iapi_tbt", "engine_iapi_tbt_ms"),
                    ("engine_service_tbt", "engine_service_tbt_ms"),
                )
            )
        ),
        _labels(),
    ),
    "agent.startup_phase": CodexMetrics(
        _only(histograms=(_duration("startup.phase.duration_ms", "phase", "status"),)),
        _labels(),
    ),
    "agent.turn_first_token": CodexMetrics(
        _only(histograms=(_duration("turn.ttft.duration_ms", "model"),)), _labels()
    ),
    "agent.turn_first_message": CodexMetrics(
        _only(histograms=(_duration("turn.ttfm.duration_ms", "model"),)), _labels()
    ),
    "agent.turn_completed": CodexMetrics(
        _only(
            (
                Counter(
                    name="codex.turn.network_proxy",
                    labels=("network_proxy_active", *_TURNS),
                ),
                Counter(name="codex.turn.memory", labels=("model", *_MEMORY)),
            ),
            (
                _duration("turn.e2e_duration_ms", "model"),
                Histogram(
                    name="codex.turn.tool.call",
                    field="tool_call_count",
                    labels=_TURNS,
                    buckets=BOUNDS_MILLISECONDS,
                ),
                Histogram(
                    name="codex.turn.token_usage",
                    fields=TOKEN_FIELDS,
                    by="token_type",
                    labels=_TURNS,
                    buckets=BOUNDS_MILLISECONDS,
                ),
            ),
        ),
        _labels({**_TEMPORARY, **_MEMORY, "network_proxy_active": "active"}),
    ),
    "agent.tool_result": CodexMetrics(
        _counted("tool.call", "tool_name", "success", "sandbox", "sandbox_policy"),
        _labels(_TOOL),
    ),
    "agent.tool_decision": CodexMetrics(
        _only(
            (
                Counter(
                    name="codex.approval.requested", labels=("tool_name", "decision")
                ),
            )
        ),
        _labels({**_TOOL, "decision": "approved"}),
    ),
    "agent.mcp_tool_call_result": CodexMetrics(
        _counted("mcp.call", "tool_name", "success"),
        _labels(
            {**_TOOL, "success": "status"},
            values={"success": {"true": "ok", "false": "error"}},
        ),
    ),
    "agent.plugin_install_elicitation_sent": CodexMetrics(
        _only(
            (
                Counter(
                    name="codex.plugins.install_elicitation.sent", labels=("tool_type",)
                ),
            )
        ),
        _labels(),
    ),
    "agent.plugin_install_suggestion": CodexMetrics(
        _only(
            (
                Counter(
                    name="codex.plugins.install_suggestion",
                    labels=("tool_type", "response_action", "completed"),
                ),
            )
        ),
        _labels(),
    ),
    "agent.thread_started": CodexMetrics(
        _only((Counter(name="codex.thread.started", labels=()),)), _labels()
    ),
}
"""By the event's name."""
