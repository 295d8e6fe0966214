"""Decide that each real server works: what is sent to it comes back out of it."""

from __future__ import annotations

import json
import subprocess
import threading
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ._collector import Collector, running_collector
from ._kafka import Kafka, running_kafka
from ._loopback import HOST, accepts, request
from ._presence import require
from ._process import processes_of
from ._prometheus import Prometheus, running_prometheus
from ._waiting import until
from .get import COLLECTOR, KAFKA, PROMETHEUS, Service

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

EXPOSITION = b"""\
# HELP smoke_answer What the test expects to read back.
# TYPE smoke_answer gauge
smoke_answer 42
"""


def test_kafka_gives_back_the_record_it_was_given(kafka: Kafka) -> None:
    topic = ("--topic", f"smoke-{uuid.uuid4().hex}")
    tools = "org.apache.kafka.tools"

    kafka.tool(f"{tools}.ConsoleProducer", *topic, stdin="a record\n")
    consumer = f"{tools}.consumer.ConsoleConsumer"
    read = kafka.tool(
        *(consumer, *topic, "--from-beginning", "--max-messages", "1"),
        *("--timeout-ms", "30000"),
    )

    assert read == "a record\n"


def test_collector_writes_the_log_record_it_was_sent(collector: Collector) -> None:
    text = f"smoke {uuid.uuid4().hex}"

    post_logs(collector, text)

    until(lambda: text in bodies(collector), what="the log record is in the file")
    assert bodies(collector).count(text) == 1


def test_collector_listens_for_grpc(collector: Collector) -> None:
    assert accepts(port_of(collector.grpc_endpoint))


def test_collector_keeps_its_records_over_a_restart(folder: Path) -> None:
    require(COLLECTOR)
    with running_collector(folder) as collector:
        post_logs(collector, "before")
        collector.server.stop()
        collector.server.start()
        post_logs(collector, "after")

        until(lambda: "after" in bodies(collector), what="the second record is read")
        assert bodies(collector) == ["before", "after"]


def test_prometheus_scrapes_a_target_and_answers_with_its_value(
    prometheus: Prometheus,
) -> None:
    with exposition(EXPOSITION) as address:
        prometheus.scrape("smoke", address)

        (series,) = until(
            lambda: prometheus.query('smoke_answer{job="smoke"}'),
            what="the sample is found",
        )

    assert series["metric"]["instance"] == address
    assert series["value"][1] == "42"


def test_promtool_tells_a_good_exposition_from_a_bad_one(
    prometheus: Prometheus,
) -> None:
    assert check_metrics(prometheus, EXPOSITION) == 0
    assert check_metrics(prometheus, b"smoke_answer = 42\n") != 0


@pytest.mark.parametrize(
    ("service", "running"),
    [
        pytest.param(KAFKA, running_kafka, id="kafka"),
        pytest.param(COLLECTOR, running_collector, id="collector"),
        pytest.param(PROMETHEUS, running_prometheus, id="prometheus"),
    ],
)
def test_no_process_and_no_data_is_left_after_the_stop(
    service: Service,
    running: Callable[[Path], AbstractContextManager[object]],
    folder: Path,
) -> None:
    require(service)

    with running(folder):
        assert processes_of(folder)

    assert processes_of(folder) == []
    assert not folder.exists()


def post_logs(collector: Collector, text: str) -> None:
    """Send one log record as OTLP JSON, which the Collector must accept whole."""
    record = {"timeUnixNano": "1", "body": {"stringValue": text}}
    scope_logs = [{"logRecords": [record]}]
    status, answer = request(
        port_of(collector.http_endpoint),
        "/v1/logs",
        method="POST",
        body=json.dumps({"resourceLogs": [{"scopeLogs": scope_logs}]}).encode(),
    )
    assert (status, json.loads(answer)) == (200, {"partialSuccess": {}})


def bodies(collector: Collector) -> list[str]:
    """Return the text of every log record that the Collector wrote."""
    return [
        record.get("body", {}).get("stringValue", "")
        for document in collector.read("logs")
        for record in log_records(document)
    ]


def log_records(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the log records of one OTLP JSON document."""
    for resource_logs in document["resourceLogs"]:
        for scope_logs in resource_logs["scopeLogs"]:
            yield from scope_logs["logRecords"]


def port_of(url: str) -> int:
    """Return the port of *url*, which must have one."""
    port = urlsplit(url).port
    assert port is not None
    return port


def check_metrics(prometheus: Prometheus, text: bytes) -> int:
    """Return the exit status of ``promtool check metrics`` for an exposition."""
    command = [str(prometheus.promtool), "check", "metrics"]
    return subprocess.run(command, input=text, check=False).returncode


@contextmanager
def exposition(text: bytes) -> Generator[str]:
    """Serve *text* to every request on a loopback port; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output to the test."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
