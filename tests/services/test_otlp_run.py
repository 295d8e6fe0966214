"""The command line sends recorded sessions to a Collector, and says what it lost."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventbus_schemas import agent_catalog
from tests.cli._command import finished, program

from ._collector import Collector, running_collector
from ._presence import require
from ._waiting import until
from .get import COLLECTOR

pytestmark = [pytest.mark.services, pytest.mark.timeout(180)]

RECORDINGS = Path(__file__).parents[2] / "examples" / "recordings"
LARGE, SMALL = RECORDINGS / "rollout-large.jsonl", RECORDINGS / "rollout-small.jsonl"
SOURCE = ["--reader", "codex-rollout"]
ENDPOINT = '[sinks.otlp]\nendpoint = "{}"\nprotocol = "{}"\n'
FILE = '[sinks.jsonl]\npath = "{}"\ncontent = "redacted"\n'
ID = "log.record.uid"


@pytest.fixture
def collector(folder: Path) -> Iterator[Collector]:
    require(COLLECTOR)
    with running_collector(folder) as running:
        yield running


# Any in what follows: OTLP JSON as the Collector wrote it.


def log_records(collector: Collector) -> list[dict[str, Any]]:
    return [
        record
        for document in collector.read("logs")
        for resource in document["resourceLogs"]
        for scope in resource["scopeLogs"]
        for record in scope["logRecords"]
    ]


def plain(value: dict[str, Any]) -> Any:
    """Return an ``AnyValue`` as JSON has it."""
    [(kind, inside)] = value.items() or [("", None)]
    if kind == "arrayValue":
        return [plain(one) for one in inside.get("values", [])]
    if kind == "kvlistValue":
        return attributes(inside.get("values", []))
    return int(inside) if kind == "intValue" else inside


def attributes(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {pair["key"]: plain(pair["value"]) for pair in pairs}


def ids(collector: Collector) -> Counter[str]:
    return Counter(attributes(r["attributes"])[ID] for r in log_records(collector))


@pytest.mark.proves("G1", "G2", "G3", "G4")
@pytest.mark.parametrize(
    ("protocol", "reader", "recording"),
    [
        ("http/protobuf", "codex-rollout", "rollout-large"),
        ("http/json", "codex-rollout", "rollout-large"),
        ("grpc", "codex-rollout", "rollout-large"),
        ("http/protobuf", "codex-rollout", "rollout-small"),
        ("http/json", "codex-exec", "exec-stream-output-1"),
        ("http/protobuf", "codex-exec", "exec-stream-output-2"),
        ("grpc", "codex-exec", "exec-stream-output-3"),
    ],
)
def test_a_recorded_session_reaches_a_collector_as_it_reaches_a_file(
    collector: Collector, tmp_path: Path, protocol: str, reader: str, recording: str
) -> None:
    config, copy = tmp_path / "eventbus.toml", tmp_path / "copy.jsonl"
    is_grpc = protocol == "grpc"
    endpoint = collector.grpc_endpoint if is_grpc else collector.http_endpoint
    config.write_text(ENDPOINT.format(endpoint, protocol) + FILE.format(copy))
    source = [
        "--reader",
        "codex-rollout",
        "--input",
        RECORDINGS / "rollout-large.jsonl",
    ]
    done = finished(program("run", config, *source, "--json"))
    assert (done.status, done.json["complete"]) == (0, True)
    lines = [json.loads(line) for line in copy.read_text().splitlines()]
    assert len(lines) == done.json["attachments"]["otlp"]["delivered"] > 0
    until(lambda: len(log_records(collector)) >= len(lines), what="all records arrived")
    arrived = {attributes(r["attributes"])[ID]: r for r in log_records(collector)}
    assert len(arrived) == len(lines)
    for line in lines:
        check(line, arrived[line["id"]])


def check(line: dict[str, Any], record: dict[str, Any]) -> None:
    """Compare a log record with the line that the same record has in a file."""
    assert record["eventName"] == line["name"]
    assert int(record["timeUnixNano"]) == line["time_unix_nano"]
    assert record["severityText"].lower() == line["severity"]
    assert record.get("traceId", "") == line.get("trace_id", "")
    assert record.get("spanId", "") == line.get("span_id", "")
    event_type = agent_catalog.get(line["name"])
    assert event_type is not None
    names = {f.encode_name: f.attribute or f.encode_name for f in event_type.fields}
    own = {names[name]: value for name, value in line["event"].items()}
    expected = {**line.get("attributes", {}), **own, ID: line["id"]}
    assert attributes(record["attributes"]) == expected


@pytest.mark.proves("fault-69")
def test_a_collector_that_stops_in_mid_stream_and_comes_back_costs_nothing(
    collector: Collector, tmp_path: Path
) -> None:
    config, copy = tmp_path / "eventbus.toml", tmp_path / "copy.jsonl"
    slow_retry = "retry = { initial_seconds = 0.1, max_seconds = 0.5 }\n"
    otlp = ENDPOINT.format(collector.http_endpoint, "http/protobuf") + slow_retry
    config.write_text(otlp + FILE.format(copy))
    lines = LARGE.read_bytes().splitlines(keepends=True)
    command = program(
        "run", config, "--reader", "codex-rollout", "--input", "-", "--json"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        half = len(lines) // 2
        process.stdin.writelines(lines[:half])
        process.stdin.flush()
        until(lambda: bool(log_records(collector)), what="the first records arrived")
        collector.server.stop()
        process.stdin.writelines(lines[half:])
        process.stdin.flush()
        until(lambda: copy.read_text().count("\n") > half, what="the rest was read")
        collector.server.start()
        out, err = process.communicate()
    answer = json.loads(out.splitlines()[-1])
    assert process.returncode == 0, err.decode()
    assert answer["complete"] is True
    written = {json.loads(line)["id"] for line in copy.read_text().splitlines()}
    until(lambda: set(ids(collector)) == written, what="every record arrived")
    assert answer["attachments"]["otlp"]["delivered"] == len(written)
    repeated = sum(count - 1 for count in ids(collector).values())
    assert repeated <= answer["attachments"]["otlp"]["possible_duplicates"]


def test_a_collector_that_never_comes_back_is_told_at_the_end(
    collector: Collector, tmp_path: Path
) -> None:
    config = tmp_path / "eventbus.toml"
    retry = "retry = { max_elapsed_seconds = 1 }\n"
    otlp = ENDPOINT.format(collector.http_endpoint, "http/protobuf") + retry
    config.write_text(otlp)
    collector.server.stop()
    source = [
        "--reader",
        "codex-rollout",
        "--input",
        RECORDINGS / "rollout-small.jsonl",
    ]
    done = finished(program("run", config, *source, "--json"))
    assert (done.status, done.json["complete"]) == (1, False)
    dropped = done.json["attachments"]["otlp"]["dropped"]
    assert sum(dropped.values()) == done.json["emitted"] > 0
