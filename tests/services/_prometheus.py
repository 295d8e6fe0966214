"""Decide how the tests run Prometheus: what it scrapes, how it is asked."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ._loopback import HOST, free_ports, request
from ._process import Server
from .get import prometheus_program


@dataclass(frozen=True, kw_only=True)
class Prometheus:
    """A running Prometheus.

    Attributes:
        url: Base of its HTTP API.
        promtool: Its companion program; ``check metrics`` reads an exposition.
        server: The process, for tests that stop, kill or restart it.
    """

    url: str
    promtool: Path
    server: Server
    port: int

    def scrape(self, job: str, address: str) -> None:
        """Scrape ``http://<address>/metrics`` from now on, under the label *job*.

        Prometheus looks at new targets once in 5 s, so that the first samples take
        as long.
        """
        target = [{"targets": [address], "labels": {"job": job}}]
        written = self.server.folder / f"{job}.part"
        written.write_text(json.dumps(target))
        written.rename(self.server.folder / "targets" / f"{job}.json")

    # Any: what the API answers differs by the kind of expression.
    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that *expression* selects now, with their values."""
        path = f"/api/v1/query?{urlencode({'query': expression})}"
        status, body = request(self.port, path)
        answer = json.loads(body)
        if status != 200:
            raise ValueError(f"{expression!r}: {answer['error']}")
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result


@contextmanager
def running_prometheus(folder: Path) -> Generator[Prometheus]:
    """Run a Prometheus on empty data in *folder*, which is gone afterwards."""
    (port,) = free_ports(1)
    (folder / "targets").mkdir()
    settings = folder / "prometheus.json"
    settings.write_text(json.dumps(configuration()))
    server = Server(
        "prometheus",
        [prometheus_program("prometheus"), *options(folder, settings, port)],
        folder=folder,
        answers=lambda: request(port, "/-/ready")[0] == 200,
    )
    with server:
        yield Prometheus(
            url=f"http://{HOST}:{port}",
            promtool=prometheus_program("promtool"),
            server=server,
            port=port,
        )


def configuration() -> dict[str, object]:
    """Return the settings: scrape often, take the targets from files."""
    return {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
        "scrape_configs": [
            {
                "job_name": "files",
                "file_sd_configs": [{"files": ["targets/*.json"]}],
            }
        ],
    }


def options(folder: Path, settings: Path, port: int) -> list[str]:
    """Return the command line arguments."""
    return [
        f"--config.file={settings}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={HOST}:{port}",
        "--enable-feature=exemplar-storage",
        # Scrapes what discovery found at once, not after another 5 s.
        "--scrape.discovery-reload-interval=100ms",
    ]
