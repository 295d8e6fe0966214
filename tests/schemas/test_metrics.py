"""What the metrics of agent events count, compared with counting by hand."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eventbus import Catalog, Event, Record, load_config
from eventbus.metrics import (
    Aggregator,
    HistogramPoint,
    MetricData,
    NumberPoint,
    plans_of,
)
from eventbus_schemas import (
    ApiRequest,
    ConversationStarts,
    FileChange,
    TokenUsage,
    ToolResult,
    TurnFailed,
    agent_catalog,
    classify_sse,
)
from tests.metrics._events import histogram, named, values

from ._events import EVERYTHING
from ._lines import EXEC_OUTPUTS, ROLLOUTS, read_recording, recorded, records

ALL = (*ROLLOUTS, *EXEC_OUTPUTS)

TYPE = "gen_ai.token.type"
MODEL = "gen_ai.request.model"

EVENT_OF_LINE = {  # what one line of a recording is an event of
    "session_meta": "agent.conversation_starts",
    "turn_context": "agent.turn_context",
    "event_msg.user_message": "agent.user_prompt",
    "event_msg.agent_message": "agent.agent_response",
    "event_msg.agent_reasoning": "agent.reasoning",
    "event_msg.turn_aborted": "agent.turn_aborted",
    "event_msg.token_count": "agent.token_usage",
    "response_item.function_call_output": "agent.tool_result",
    "thread.started": "agent.conversation_starts",
    "turn.started": "agent.turn_started",
    "turn.completed": "agent.turn_completed",
    "item.completed.agent_message": "agent.agent_response",
    "item.completed.reasoning": "agent.reasoning",
    "item.completed.command_execution": "agent.tool_result",
    "item.completed.file_change": "agent.file_change",
}


def collected(
    batch: Iterable[Record[Any]], catalog: Catalog | None = None
) -> Mapping[str, MetricData]:
    aggregator = Aggregator(catalog=catalog)
    aggregator.observe(list(batch))
    assert aggregator.take_warned() == {}
    return named(aggregator.snapshot())


def of_recording(name: str) -> Mapping[str, MetricData]:
    return collected(records(read_recording(name)))


def of_events(*events: Event, **bound: str) -> Mapping[str, MetricData]:
    return collected(Record(event, attributes=bound) for event in events)


def lines(name: str) -> list[Any]:
    return [msgspec.json.decode(line) for line in recorded(name)]


def kind_of(line: Any) -> str:
    inner = line.get("payload", line.get("item", {})).get("type")
    return f"{line['type']}.{inner}" if inner else str(line["type"])


def outputs(name: str) -> list[Any]:
    """Return what the commands of a stored session reported, where they did."""
    texts = [
        line["payload"]["output"]
        for line in lines(name)
        if kind_of(line) == "response_item.function_call_output"
    ]
    return [msgspec.json.decode(text) for text in texts if text.startswith('{"output"')]


def counters(found: Mapping[str, MetricData]) -> dict[str, float]:
    return {
        name: sum(values(metric).values())
        for name, metric in found.items()
        if metric.kind == "sum"
    }


def tokens(metric: MetricData) -> dict[str, float]:
    """Return the sum of each type, over whatever other labels there are."""
    sums: defaultdict[str, float] = defaultdict(float)
    for point in metric.points:
        assert isinstance(point, HistogramPoint)
        sums[str(point.attributes[TYPE])] += point.sum
    return dict(sums)


@pytest.mark.parametrize("name", ALL)
def test_counters_agree_with_the_lines_of_a_recording(name: str) -> None:
    by_hand = Counter(
        EVENT_OF_LINE[kind]
        for kind in map(kind_of, lines(name))
        if kind in EVENT_OF_LINE
    )
    assert counters(of_recording(name)) == by_hand


@pytest.mark.parametrize("name", ROLLOUTS)
def test_tokens_agree_with_the_total_that_a_session_says_last(name: str) -> None:
    told = [
        line["payload"]["info"]["total_token_usage"]
        for line in lines(name)
        if kind_of(line) == "event_msg.token_count"
    ]
    metric = of_recording(name)["agent.token_usage.tokens"]
    assert {f"{one}_tokens": sum for one, sum in tokens(metric).items()} == told[-1]
    assert metric.unit == "{token}"
    for token_type in tokens(metric):
        assert histogram(metric, **{TYPE: token_type}).count == len(told)


@pytest.mark.parametrize("name", EXEC_OUTPUTS)
def test_tokens_of_a_turn_are_what_it_reports_and_no_others(name: str) -> None:
    *_, turn = lines(name)
    found = tokens(of_recording(name)["agent.turn_completed.tokens"])
    assert {f"{one}_tokens": sum for one, sum in found.items()} == turn["usage"]


@pytest.mark.parametrize("name", ROLLOUTS)
def test_durations_of_commands_agree_with_what_they_reported(name: str) -> None:
    seconds = [
        output["metadata"]["duration_seconds"]
        for output in outputs(name)
        if output["metadata"]["exit_code"] == 0
    ]
    metric = of_recording(name)["agent.tool_result.duration"]
    point = histogram(
        metric, **{"gen_ai.tool.name": "shell", "success": True, "outcome": "completed"}
    )
    buckets = Counter(bisect_left(point.bounds, one) for one in seconds)
    assert (metric.unit, point.count) == ("s", len(seconds))
    assert point.sum == pytest.approx(sum(seconds))
    assert point.buckets == tuple(buckets[i] for i in range(len(point.bounds) + 1))


def test_tool_results_are_counted_by_tool_success_and_outcome() -> None:
    found = of_recording("rollout-large")["agent.tool_result"]
    labels = itemgetter("gen_ai.tool.name", "success", "outcome")
    by_labels = {
        labels(point.attributes): point.value
        for point in found.points
        if isinstance(point, NumberPoint)
    }
    failed = sum(
        output["metadata"]["exit_code"] != 0 for output in outputs("rollout-large")
    )
    assert by_labels == {
        ("shell", True, "completed"): len(outputs("rollout-large")) - failed,
        ("shell", False, "completed"): failed,
        ("shell", False, "could_not_run"): 4,
        ("update_plan", True, "completed"): 3,
    }


def test_each_declared_metric_has_points() -> None:
    assert {type(event) for event in EVERYTHING} == {one.cls for one in agent_catalog}
    planned = [plan for known in agent_catalog for plan in plans_of(known)]
    found = of_events(*EVERYTHING)
    assert set(found) == {plan.name for plan in planned}
    for plan in planned:
        told = {point.attributes.get(TYPE) for point in found[plan.name].points}
        assert told == {source.told_by for source in plan.sources} or {None}


def test_requests_and_pieces_of_a_stream_are_counted_by_how_they_went() -> None:
    found = of_events(
        ApiRequest(success=True, duration_ms=250.0, status_code=200),
        ApiRequest(success=False, duration_ms=250.0, status_code=503),
        ApiRequest(success=False, duration_ms=5000.0, error_type="timeout"),
        classify_sse("response.created", "{}", duration_ms=40.0),
        classify_sse("response.failed", "{}", duration_ms=60.0),
    )
    status = "http.response.status_code"
    requests = found["agent.api_request"].points
    assert [dict(point.attributes) for point in requests] == [
        {"endpoint": "unknown", status: 200, "success": True},
        {"endpoint": "unknown", status: 503, "success": False},
        {"endpoint": "unknown", "error.type": "timeout", "success": False},
    ]
    assert values(found["agent.sse_event"]) == {
        ("response.created", "progress"): 1,
        ("response.failed", "failed"): 1,
    }
    seconds = histogram(found["agent.sse_event.duration"], kind="response.failed")
    assert (seconds.count, seconds.sum) == (1, 0.06)
    slow = histogram(found["agent.api_request.duration"], **{"error.type": "timeout"})
    assert (slow.count, slow.sum) == (1, 5.0)


def test_tokens_of_a_stream_have_no_series_for_each_kind_of_piece() -> None:
    pieces = [
        classify_sse(f"response.kind_{number}", "{}", duration_ms=1.0)
        for number in range(3000)
    ]
    usage = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    data = msgspec.json.encode({"response": {"usage": usage}}).decode()
    end = classify_sse("response.completed", data, duration_ms=1.0)
    found = of_events(*pieces, end)
    points = found["agent.sse_event.tokens"].points
    assert [dict(point.attributes) for point in points] == [
        {TYPE: "input"},
        {TYPE: "output"},
        {TYPE: "total"},
    ]
    assert tokens(found["agent.sse_event.tokens"]) == {
        "input": 7,
        "output": 3,
        "total": 10,
    }
    assert len(found["agent.sse_event"].points) == 2000
    assert counters(found) == {"agent.sse_event": 3001}


@pytest.mark.parametrize("name", ALL)
def test_series_of_a_recording_are_few(name: str) -> None:
    seen: defaultdict[str, set[object]] = defaultdict(set)
    for metric in of_recording(name).values():
        assert len(metric.points) <= 10
        for point in metric.points:
            for label, value in point.attributes.items():
                seen[label].add(value)
    assert max(map(len, seen.values())) <= 5


def test_texts_ids_and_paths_make_no_series() -> None:
    texts = [f"text {number}" for number in range(50)]
    found = of_events(
        *(
            event
            for text in texts
            for event in (
                ToolResult.of(
                    "shell",
                    success=False,
                    call_id=text,
                    arguments=text,
                    output=text,
                    mcp_server=text,
                ),
                FileChange(success=True, paths=text, item_id=text),
                TurnFailed.from_text(text, turn_id=text),
                ConversationStarts(working_directory=text, mcp_servers=text),
                ApiRequest(
                    success=False,
                    duration_ms=1.0,
                    error_message=text,
                    auth_request_id=text,
                    auth_error=text,
                ),
            )
        )
    )
    assert {len(metric.points) for metric in found.values()} == {1}
    assert counters(found) == {
        "agent.tool_result": 50,
        "agent.file_change": 50,
        "agent.turn_failed": 50,
        "agent.conversation_starts": 50,
        "agent.api_request": 50,
    }


def test_metrics_of_a_session_have_the_labels_that_are_bound_to_it() -> None:
    session = {
        "originator": "codex_exec",
        "app.version": "0.40.0",
        "session_source": "exec",
        "auth_mode": "ApiKey",
        MODEL: "gpt-5-codex",
    }
    found = of_events(
        *EVERYTHING, **session, **{"gen_ai.conversation.id": "s-1", "user.email": "a@b"}
    )
    for metric in found.values():
        for point in metric.points:
            assert session.items() <= point.attributes.items()
            assert not {"gen_ai.conversation.id", "user.email"} & set(point.attributes)


def test_an_event_s_own_model_and_credentials_come_before_its_session_s() -> None:
    request = ApiRequest(
        success=True, duration_ms=1.0, model="small", auth_mode="ApiKey"
    )
    found = of_events(request, **{MODEL: "large", "auth_mode": "Chatgpt"})
    (point,) = found["agent.api_request"].points
    assert (point.attributes[MODEL], point.attributes["auth_mode"]) == (
        "small",
        "ApiKey",
    )


def test_a_recording_s_metrics_name_its_model_version_and_origin() -> None:
    for point in of_recording("rollout-large")["agent.tool_result"].points:
        assert point.attributes[MODEL] == "gpt-5-codex"
        assert point.attributes["app.version"] == "0.40.0"
        assert point.attributes["originator"] == "codex_vscode"


def test_the_page_s_way_of_adding_a_label_and_a_type_works() -> None:
    page = Path(__file__).parents[2] / "docs" / "events.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    given: dict[str, Any] = {"__name__": __name__}
    exec(compile(code, str(page), "exec", dont_inherit=True), given)
    event = ToolResult.of("shell", success=True)
    bound = {"tenant": "acme", "originator": "cli"}
    batch = [Record(one, attributes=bound) for one in (event, given["ModelWarning"]())]
    found = collected(batch, given["catalog"])
    (called,) = found["agent.tool_result"].points
    assert bound.items() <= called.attributes.items()
    assert called.attributes["gen_ai.tool.name"] == "shell"
    (warned,) = found["acme.model_warning"].points
    assert isinstance(warned, NumberPoint)
    assert (warned.attributes, warned.value) == ({"originator": "cli"}, 1)


def test_a_configuration_can_say_others() -> None:
    table = {"defaults": False, "gauges": [{"field": "context_window"}]}
    catalog = Catalog()
    catalog.metrics.update(
        load_config({"metrics": {"agent.token_usage": table}}).metrics
    )
    usage = Record(TokenUsage(total_tokens=5, context_window=272_000))
    found = collected([usage], catalog)
    assert set(found) == {"agent.token_usage.context_window"}
    assert values(found["agent.token_usage.context_window"]) == {(): 272_000}


@pytest.mark.parametrize("event", ["agent.turn_completed", "agent.token_usage"])
def test_tokens_are_one_metric_and_not_one_for_each_field(event: str) -> None:
    found = of_events(*EVERYTHING)
    of_tokens = [name for name in found if name.startswith(event) and "token" in name]
    assert {*of_tokens} - {event} == {f"{event}.tokens"}
