"""Agent events as the telemetry of codex has them: exact names and types.

Each file of ``golden`` has a record of ours and the log record that it becomes, both
written by hand from the tables of that telemetry's fields.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from eventbus._plugins import installed_catalog
from eventbus_local import read_events
from eventbus_otlp._encode import LogsEncoder
from eventbus_otlp._names import OWN_NAMES
from eventbus_schemas import agent_catalog
from tests.cli._command import finished, program
from tests.otlp._both import attributes, both, logs
from tests.otlp._official import from_json
from tests.otlp._servers import serving

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
NAMING = agent_catalog.namings["codex"]
COUNTERPARTS = {
    "agent.api_request": "codex.api_request",
    "agent.conversation_starts": "codex.conversation_starts",
    "agent.sse_event": "codex.sse_event",
    "agent.tool_result": "codex.tool_result",
    "agent.user_prompt": "codex.user_prompt",
}

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


@pytest.mark.proves("B20")
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_json_is_the_golden_record_exactly(path: Path) -> None:
    record, log = golden(path)
    encoded = LogsEncoder("json", resource={}, names=NAMING).encode([record])
    assert in_order(json_log(encoded.body)) == in_order(log)


@pytest.mark.proves("B20")
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_protobuf_is_the_golden_record_exactly(path: Path) -> None:
    record, log = golden(path)
    read, _ = both([record], names=NAMING)
    (found,) = read.resource_logs[0].scope_logs[0].log_records
    expected = from_json(json.dumps(log).encode(), LogRecord)
    for one in (found, expected):
        one.attributes.sort(key=key_of)
    assert found == expected


def test_records_together_are_what_they_are_alone() -> None:
    records = [golden(path)[0] for path in GOLDEN for _ in range(3)]
    alone = [logs([record], names=NAMING)[0] for record in records]
    assert logs(records, names=NAMING) == alone


def test_every_event_with_a_counterpart_has_it_and_a_golden_record() -> None:
    named = {event: form.name for event, form in NAMING.events.items()}
    assert named == COUNTERPARTS
    tried = {json.loads(path.read_bytes())["record"]["name"] for path in GOLDEN}
    assert tried > set(COUNTERPARTS)


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


@pytest.mark.parametrize("event", COUNTERPARTS)
def test_what_is_named_is_an_attribute_of_the_event_or_bound(event: str) -> None:
    known, form = agent_catalog.get(event), NAMING.events[event]
    assert known is not None
    fields = {field.attribute or field.encode_name for field in known.fields}
    bound = {"gen_ai.conversation.id", "gen_ai.request.model"}
    assert form.renamed.keys() <= fields | bound
    assert form.converted.keys() <= fields
    assert form.values.keys() <= fields


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
    async with serving() as server:
        config.write_text(FILE.format(server.url, protocol))
        source = ("--reader", "codex-rollout", "--input", RECORDING)
        done = await asyncio.to_thread(finished, program("run", config, *source))
    assert done.status == 0, done.err
    found = [log for request in server.requests for log in request.logs]
    assert Counter(log.event_name for log in found) == {
        "agent.agent_response": 1,
        "codex.conversation_starts": 1,
        "agent.reasoning": 32,
        "agent.token_usage": 35,
        "codex.tool_result": 34,
        "agent.turn_context": 35,
        "codex.user_prompt": 1,
    }
    for log in found:
        said = attributes(log)
        if log.event_name.startswith("codex."):
            assert said["event.name"] == log.event_name
            assert said["conversation.id"]
            assert "gen_ai.conversation.id" not in said
        else:
            assert said["gen_ai.conversation.id"]
            assert "event.name" not in said
        if log.event_name == "codex.tool_result":
            assert said["success"] in ("true", "false")
            assert said["duration_ms"].isdigit()
