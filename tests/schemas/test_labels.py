"""What may be a label of the metrics of agent events."""

from __future__ import annotations

import pytest
from msgspec import inspect

from eventbus import EventType
from eventbus._catalog import alternatives
from eventbus.metrics import plans_of
from eventbus_schemas import SESSION_LABELS, agent_catalog

TYPE = "gen_ai.token.type"
MODEL = "gen_ai.request.model"

OF_CLOSED_SETS = {
    *(TYPE, "success", "outcome", "reason", "error.type", "agent_type", "tool_origin"),
    *("approval_policy", "sandbox", "sandbox_policy", "decision", "source", "scope"),
    *("protocol", "overridden", "connection_reused", "result", "stage", "status"),
    *("item_type", "tool_type", "response_action", "completed", "direction"),
    "operation",
    *("network_proxy_active", "temporary_memory", "memory_enabled"),
    *("memory_configured", "memory_read_allowed", "memory_cited"),
}
NAMED_FROM_OUTSIDE = {  # few as a rule, and bounded by the series of a metric
    *(MODEL, "gen_ai.tool.name", "kind", "endpoint", "auth_mode", "phase", "step"),
    "http.response.status_code",
}


@pytest.mark.parametrize("known", list(agent_catalog), ids=lambda known: known.name)
def test_a_label_is_a_word_of_a_closed_set_or_a_name_known_to_be_one_of_few(
    known: EventType,
) -> None:
    for field in known.fields:
        if field.label:
            free = [
                node
                for node in alternatives(field.node)
                if not isinstance(
                    node, inspect.LiteralType | inspect.BoolType | inspect.NoneType
                )
            ]
            name = field.attribute or field.name
            assert name in (NAMED_FROM_OUTSIDE if free else OF_CLOSED_SETS)


def test_labels_are_these_and_no_others() -> None:
    plans = [plan for known in agent_catalog for plan in plans_of(known)]
    own = {name for plan in plans for name, _ in plan.labels}
    assert own | {plan.by for plan in plans if plan.by} == {
        *OF_CLOSED_SETS,
        *NAMED_FROM_OUTSIDE,
    }
    assert {plan.bound for plan in plans} == {SESSION_LABELS}


TOOL = "gen_ai.tool.name"
OF_OLD = {  # what the telemetry that people come from has as tags, by our names
    "agent.api_request": {"http.response.status_code", "success"},
    "agent.api_request.duration": {"http.response.status_code", "success"},
    "agent.sse_event": {"kind", "outcome"},
    "agent.sse_event.duration": {"kind", "outcome"},
    "agent.websocket_request": {"success"},
    "agent.websocket_request.duration": {"success"},
    "agent.websocket_event": {"kind", "success"},
    "agent.websocket_event.duration": {"kind", "success"},
    "agent.tool_result": {TOOL, "success", "sandbox", "sandbox_policy"},
    "agent.tool_result.duration": {TOOL, "success", "sandbox", "sandbox_policy"},
    "agent.tool_decision": {TOOL, "decision", "source"},
    "agent.mcp_tool_call_result": {TOOL, "success", "error.type"},
    "agent.mcp_tool_call_result.duration": {TOOL, "success", "error.type"},
    "agent.startup_phase.duration": {"phase", "status"},
    "agent.plugin_install_elicitation_sent": {"tool_type"},
    "agent.plugin_install_suggestion": {
        *("tool_type", "response_action", "completed"),
    },
    "agent.turn_completed": {
        *("network_proxy_active", "temporary_memory", "memory_read_allowed"),
        *("memory_enabled", "memory_configured", "memory_cited"),
    },
    "agent.turn_completed.duration": {"temporary_memory"},
    "agent.turn_completed.tool_call_count": {"temporary_memory"},
    "agent.turn_completed.tokens": {TYPE, "temporary_memory"},
    "agent.turn_first_token.duration": set(),
    "agent.turn_first_message.duration": set(),
    "agent.websocket_timing.overhead": set(),
    "agent.websocket_timing.inference": set(),
    "agent.websocket_timing.engine_iapi_ttft": set(),
    "agent.websocket_timing.engine_service_ttft": set(),
    "agent.websocket_timing.engine_iapi_tbt": set(),
    "agent.websocket_timing.engine_service_tbt": set(),
}


@pytest.mark.proves("H7")
@pytest.mark.parametrize("name", OF_OLD)
def test_a_metric_of_events_has_the_labels_that_people_know(name: str) -> None:
    (plan,) = [
        plan for known in agent_catalog for plan in plans_of(known) if plan.name == name
    ]
    labels = {label for label, _ in plan.labels} | ({plan.by} if plan.by else set())
    assert labels >= OF_OLD[name]
    if name.endswith(".duration"):
        assert (plan.kind, plan.unit) == ("histogram", "s")


@pytest.mark.proves("E9")
@pytest.mark.parametrize("known", list(agent_catalog), ids=lambda known: known.name)
def test_a_closed_set_of_words_from_outside_has_one_for_all_others(
    known: EventType,
) -> None:
    for field in known.fields:
        for node in alternatives(field.node):
            if field.label and isinstance(node, inspect.LiteralType):
                is_ours = field.name in DECIDED_HERE
                assert is_ours or {"other", "unknown"} & set(node.values)


DECIDED_HERE = {"outcome", "tool_origin", "agent_type", "direction"}
