"""Decide how the tests run the OpenTelemetry Collector: OTLP in, files out."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ._loopback import HOST, accepts, free_ports, request
from ._process import Server
from .get import collector_program

Signal = Literal["logs", "metrics", "traces"]
SIGNALS: tuple[Signal, ...] = ("logs", "metrics", "traces")


@dataclass(frozen=True, kw_only=True)
class Collector:
    """A running Collector.

    Attributes:
        http_endpoint: Base URL; a client appends ``/v1/logs`` and the like.
        grpc_endpoint: URL with the same scheme, plain text.
        server: The process, for tests that stop, kill or restart it.
    """

    http_endpoint: str
    grpc_endpoint: str
    server: Server

    # Any: OTLP JSON as the Collector wrote it, not as we believe it to be.
    def read(self, signal: Signal = "logs") -> list[dict[str, Any]]:
        """Return the OTLP JSON documents received so far, one for each batch."""
        file = output_file(self.server.folder, signal)
        text = file.read_text() if file.exists() else ""
        whole_lines = text[: text.rfind("\n") + 1].splitlines()
        return [json.loads(line) for line in whole_lines]


@contextmanager
def running_collector(folder: Path) -> Generator[Collector]:
    """Run a Collector that writes into *folder*, which is gone afterwards."""
    http_port, grpc_port = free_ports(2)
    settings = folder / "collector.json"
    settings.write_text(json.dumps(configuration(folder, http_port, grpc_port)))
    server = Server(
        "collector",
        [collector_program(), "--config", f"file:{settings}"],
        folder=folder,
        answers=lambda: accepts(grpc_port) and takes_logs(http_port),
    )
    with server:
        yield Collector(
            http_endpoint=f"http://{HOST}:{http_port}",
            grpc_endpoint=f"http://{HOST}:{grpc_port}",
            server=server,
        )


def configuration(folder: Path, http_port: int, grpc_port: int) -> dict[str, object]:
    """Return the settings: both OTLP receivers, one file for each signal."""
    protocols = {
        "http": {"endpoint": f"{HOST}:{http_port}"},
        "grpc": {"endpoint": f"{HOST}:{grpc_port}"},
    }
    files = {f"file/{signal}": exporter(folder, signal) for signal in SIGNALS}
    return {
        "receivers": {"otlp": {"protocols": protocols}},
        "exporters": {"debug": {}, **files},
        "service": {
            # Without it the Collector opens a port of its own.
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {signal: pipeline(signal) for signal in SIGNALS},
        },
    }


def exporter(folder: Path, signal: Signal) -> dict[str, object]:
    """Return the settings of one file; a restart goes on where it ended."""
    path = str(output_file(folder, signal))
    return {"path": path, "append": True, "flush_interval": "100ms"}


def pipeline(signal: Signal) -> dict[str, list[str]]:
    """Return the way of one signal: into its file, and a line into the log."""
    return {"receivers": ["otlp"], "exporters": ["debug", f"file/{signal}"]}


def output_file(folder: Path, signal: Signal) -> Path:
    """Return where the documents of one signal go, one a line."""
    return folder / f"{signal}.jsonl"


def takes_logs(http_port: int) -> bool:
    """Whether an empty request is answered with 200; it reaches no exporter."""
    status, _ = request(http_port, "/v1/logs", method="POST", body=b"{}")
    return status == 200
