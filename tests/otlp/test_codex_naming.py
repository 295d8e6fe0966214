"""Agent events as the telemetry of codex and its SDK has them: exact names and types.

Each file of ``golden`` has a record of ours and the log record that it becomes, both
written by hand from the tables of that telemetry's fields; the ones of the SDK are in
``golden/codex_sdk``.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET, inspect
from msgspec.structs import replace
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from eventbus import EventNaming, Naming, Record
from eventbus._catalog import alternatives
from eventbus._plugins import installed_catalog
from eventbus.testing import OtlpCollector
from eventbus_local import read_events
from eventbus_otlp._encode import LogsEncoder
from eventbus_otlp._names import OWN_NAMES
from eventbus_schemas import (
    FORMER_NAMES,
    FormerName,
    ToolDecision,
    TurnCompaction,
    VoiceStageStarted,
    agent_catalog,
)
from tests.cli._command import finished, program
from tests.otlp._both import attributes, both, logs
from tests.otlp._collector import ids_of
from tests.otlp._official import from_json
from tests.schemas._events import EVERYTHING

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
OF_SDK = sorted((Path(__file__).parent / "golden" / "codex_sdk").glob("*.json"))
NAMING = agent_catalog.namings["codex"]
SDK_NAMING = agent_catalog.namings["codex_sdk"]
COUNTERPARTS = {
    "agent.api_request": "codex.api_request",
    "agent.auth_recovery": "codex.auth_recovery",
    "agent.conversation_starts": "codex.conversation_starts",
    "agent.network_policy_decision": "codex.network_proxy.policy_decision",
    "agent.plugin_install_elicitation_sent": "codex.plugin_install_elicitation_sent",
    "agent.plugin_install_suggestion": "codex.plugin_install_suggestion",
    "agent.sandbox_outcome": "codex.sandbox_outcome",
    "agent.sse_event": "codex.sse_event",
    "agent.startup_phase": "codex.startup_phase",
    "agent.tool_decision": "codex.tool_decision",
    "agent.tool_result": "codex.tool_result",
    "agent.turn_first_token": "codex.turn_ttft",
    "agent.user_prompt": "codex.user_prompt",
    "agent.websocket_connect": "codex.websocket_connect",
    "agent.websocket_request": "codex.websocket_request",
}
SDK_COUNTERPARTS = {
    "agent.approval_decided": None,  # several, by the value of a field
    "agent.approval_requested": "codex.approval.requested",
    "agent.attachment_cleaned": "codex.attachment.cleaned",
    "agent.attachment_staged": "codex.attachment.staged",
    "agent.mcp_tool_call_result": None,
    "agent.mcp_tool_call_started": "codex.mcp.tool_call.start",
    "agent.rate_limited": "codex.rate_limit.rate_limited",
    "agent.realtime_audio": None,
    "agent.realtime_session_started": "codex.realtime.session.start",
    "agent.realtime_session_stopped": "codex.realtime.session.stop",
    "agent.thread_failed": "codex.thread.exception",
    "agent.thread_started": "codex.thread.start",
    "agent.thread_stopped": "codex.thread.stop",
    "agent.token_usage": "codex.thread.token_usage.updated",
    "agent.tool_result": None,
    "agent.tool_started": "codex.tool.start",
    "agent.turn_compaction": None,
    "agent.turn_diff_updated": "codex.turn.diff.updated",
    "agent.voice_stage_started": None,
    "agent.voice_stage_stopped": None,
}
BOTH = [(path, NAMING) for path in GOLDEN] + [(path, SDK_NAMING) for path in OF_SDK]

# Any in what follows: JSON, and messages of protobuf.


def golden(path: Path) -> tuple[Any, dict[str, Any]]:
    """Return the record of a golden file, and the log record it is to become."""
    document = json.loads(path.read_bytes())
    line = json.dumps(document["record"]).encode()
    (record,) = read_events([line], path=path.name)
    return record, document["log"]


def in_order(log: dict[str, Any]) -> dict[str, Any]:
    return log | {"attributes": sorted(log["attributes"], key=lambda one: one["key"])}


def key_of(pair: Any) -> str:
    key: str = pair.key
    return key


def json_log(body: bytes) -> dict[str, Any]:
    """Return the only log record of a request in JSON."""
    log: dict[str, Any]
    (log,) = json.loads(body)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    return log


def stem(one: object) -> str:
    return f"{one.parent.name}-{one.stem}" if isinstance(one, Path) else ""


@pytest.mark.proves("B2", "B20")
@pytest.mark.parametrize(("path", "naming"), BOTH, ids=stem)
def test_json_is_the_golden_record_exactly(path: Path, naming: Naming) -> None:
    record, log = golden(path)
    encoded = LogsEncoder("json", resource={}, names=naming).encode([record])
    assert in_order(json_log(encoded.body)) == in_order(log)


@pytest.mark.proves("B2", "B20")
@pytest.mark.parametrize(("path", "naming"), BOTH, ids=stem)
def test_protobuf_is_the_golden_record_exactly(path: Path, naming: Naming) -> None:
    record, log = golden(path)
    read, _ = both([record], names=naming)
    (found,) = read.resource_logs[0].scope_logs[0].log_records
    expected = from_json(json.dumps(log).encode(), LogRecord)
    for one in (found, expected):
        one.attributes.sort(key=key_of)
    assert found == expected


@pytest.mark.parametrize(
    ("paths", "naming"), [(GOLDEN, NAMING), (OF_SDK, SDK_NAMING)], ids=["", "sdk"]
)
def test_records_together_are_what_they_are_alone(
    paths: list[Path], naming: Naming
) -> None:
    records = [golden(path)[0] for path in paths for _ in range(3)]
    alone = [logs([record], names=naming)[0] for record in records]
    assert logs(records, names=naming) == alone


def names_in(naming: Naming) -> dict[str, str | None]:
    return {event: form.name for event, form in naming.events.items()}


def test_every_event_with_a_counterpart_has_it_and_a_golden_record() -> None:
    named = {event: name for event, name in names_in(NAMING).items() if name}
    assert named == COUNTERPARTS
    for event in NAMING.events.keys() - named.keys():
        form = NAMING.events[event]
        assert form == EventNaming(metrics=form.metrics, labels=form.labels)
    tried = {json.loads(path.read_bytes())["record"]["name"] for path in GOLDEN}
    assert tried > set(COUNTERPARTS)


def test_every_event_with_a_counterpart_in_the_sdk_has_a_golden_record() -> None:
    assert names_in(SDK_NAMING) == SDK_COUNTERPARTS
    tried = {json.loads(path.read_bytes())["record"]["name"] for path in OF_SDK}
    assert tried == set(SDK_COUNTERPARTS)


@pytest.mark.parametrize("event", COUNTERPARTS)
def test_a_golden_record_has_every_field_of_its_event(event: str) -> None:
    known = agent_catalog.get(event)
    assert known is not None
    said: set[str] = set()
    for path in GOLDEN:
        record = json.loads(path.read_bytes())["record"]
        if record["name"] == event:
            said |= record["event"].keys()
    assert {field.encode_name for field in known.fields} == said


@pytest.mark.parametrize(
    ("event", "naming"),
    [
        *((event, NAMING) for event in COUNTERPARTS),
        *((event, SDK_NAMING) for event in SDK_COUNTERPARTS),
    ],
)
def test_what_is_named_is_an_attribute_of_the_event_or_bound(
    event: str, naming: Naming
) -> None:
    known, form = agent_catalog.get(event), naming.events[event]
    assert known is not None
    fields = {field.attribute or field.encode_name for field in known.fields}
    bound = {"gen_ai.conversation.id", "gen_ai.request.model"}
    common = {"gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "trace_name"}
    assert form.renamed.keys() <= fields | bound | common
    assert form.converted.keys() <= fields
    assert form.values.keys() <= fields
    assert {form.by} <= fields | {None}


@pytest.mark.parametrize("event", COUNTERPARTS)
def test_every_word_that_is_spelled_otherwise_is_one_of_its_field(event: str) -> None:
    known, form = agent_catalog.get(event), NAMING.events[event]
    assert known is not None
    for field in known.fields:
        spelled = form.values.get(field.attribute or field.encode_name, {})
        assert spelled.keys() <= words_of(field.node)


def words_of(node: inspect.Type) -> set[Any]:
    literals = [one for one in alternatives(node) if hasattr(one, "values")]
    return {word for literal in literals for word in literal.values}


def test_what_the_sdk_only_says_it_sends_keeps_its_own_form() -> None:
    on_paper = {
        one.event for one in FORMER_NAMES if one.origin.endswith("documented only")
    }
    assert on_paper
    assert not on_paper & set(names_in(SDK_NAMING))


@pytest.mark.parametrize(
    ("origin", "naming"), [("codex", NAMING), ("codex_sdk", SDK_NAMING)]
)
def test_the_list_of_old_names_has_every_name_that_is_sent(
    origin: str, naming: Naming
) -> None:
    listed = {(one.event, one.name) for one in FORMER_NAMES if one.origin == origin}
    sent = {(event, name) for event, name in names_in(naming).items() if name}
    for event, form in naming.events.items():
        sent |= {(event, name) for name in form.names.values()}
    drafts = {  # no log records there, or drafts of some
        ("agent.agent_response", "codex.agent_response"),
        ("agent.websocket_event", "codex.websocket_event"),
    }
    assert listed - drafts == sent


OF_THE_SDK = [one for one in FORMER_NAMES if one.origin == "codex_sdk"]


@pytest.mark.proves("B20")
@pytest.mark.parametrize("former", OF_THE_SDK, ids=lambda one: one.name)
def test_an_event_has_the_name_that_the_value_of_its_field_gives_it(
    former: FormerName,
) -> None:
    """As the page of events says it: "`outcome` is `denied`"."""
    (example,) = {
        type(event): event for event in EVERYTHING if Record(event).name == former.event
    }.values()
    said = re.fullmatch(r"`(\w+)` is `?(\w+)`?", former.where)
    if said:
        value = {"true": True, "false": False}.get(said[2], said[2])
        example = replace(example, **{said[1]: value})
    (log,) = logs([Record(example, id="r-1")], names=SDK_NAMING)
    assert log.event_name == former.name


@pytest.mark.parametrize("value", ["other", 5, None, ["a"], "\ud800", UNSET])
def test_a_value_that_no_name_is_for_leaves_the_event_its_own(value: Any) -> None:
    event = VoiceStageStarted(stage=value)
    (log,) = logs([Record(event, id="r-1")], names=SDK_NAMING)
    assert log.event_name == "agent.voice_stage_started"


def test_a_field_that_says_the_name_is_known_by_its_own_name_outside() -> None:
    form = EventNaming(by="gen_ai.tool.name", names={"shell": "acme.shell"})
    naming = Naming(events={"agent.tool_decision": form})
    event = ToolDecision.of("shell", decision="approved", source="user")
    (log,) = logs([Record(event, id="r-1")], names=naming)
    assert log.event_name == "acme.shell"


def test_severities_stay_what_they_are_under_names_by_value() -> None:
    events = [
        TurnCompaction.of("failed"),
        TurnCompaction.of("completed"),
        TurnCompaction(stage="failed"),
    ]
    found = logs([Record(one, id="r-1") for one in events], names=SDK_NAMING)
    assert [(log.event_name, log.severity_text) for log in found] == [
        ("codex.turn.compaction.failed", "WARN"),
        ("codex.turn.compaction.completed", "INFO"),
        ("codex.turn.compaction.failed", "INFO"),
    ]


@pytest.mark.proves("B20")
def test_without_the_naming_records_have_their_own_names_and_types() -> None:
    record, _ = golden(next(p for p in GOLDEN if p.stem == "tool_result"))
    read, _ = both([record], names=OWN_NAMES)
    (log,) = read.resource_logs[0].scope_logs[0].log_records
    found = attributes(log)
    assert log.event_name == "agent.tool_result"
    assert (found["success"], found["duration_ms"]) == (True, 45.99)
    assert found["gen_ai.tool.name"] == "search"
    assert not {"event.name", "event.timestamp", "conversation.id"} & found.keys()


def test_the_environment_of_the_resource_has_both_names() -> None:
    record, _ = golden(GOLDEN[0])
    own = {"deployment.environment.name": "prod", "service.name": "cli"}
    read, _ = both([record], names=NAMING, resource=own)
    assert attributes(read.resource_logs[0].resource) == {**own, "env": "prod"}


def test_the_installed_catalogs_offer_it() -> None:
    assert installed_catalog(strict=True).namings["codex"] == NAMING


RECORDING = (
    Path(__file__).parents[2] / "examples" / "recordings" / "rollout-small.jsonl"
)
FILE = '[sinks.otlp]\nendpoint = "{}"\nnaming = "codex"\nprotocol = "{}"\n'


@pytest.mark.proves("B20")
@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
async def test_a_recorded_session_arrives_under_the_other_names(
    tmp_path: Path, protocol: str
) -> None:
    config = tmp_path / "eventbus.toml"
    async with OtlpCollector() as server:
        config.write_text(FILE.format(server.url, protocol))
        source = ("--reader", "codex-rollout", "--input", RECORDING)
        done = await asyncio.to_thread(finished, program("run", config, *source))
    assert done.status == 0, done.err
    found = server.logs
    assert len({*ids_of(server)}) == len(found)
    assert Counter(log.name for log in found) == {
        "agent.agent_response": 1,
        "codex.conversation_starts": 1,
        "agent.reasoning": 32,
        "agent.token_usage": 35,
        "codex.tool_result": 34,
        "agent.turn_context": 35,
        "codex.user_prompt": 1,
    }
    for log in found:
        said = log.attributes
        if log.name.startswith("codex."):
            assert said["event.name"] == log.name
            assert said["conversation.id"]
            assert "gen_ai.conversation.id" not in said
        else:
            assert said["gen_ai.conversation.id"]
            assert "event.name" not in said
        if log.name == "codex.tool_result":
            assert said["success"] in ("true", "false")
            assert said["duration_ms"].isdigit()
