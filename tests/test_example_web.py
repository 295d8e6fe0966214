"""The example web application: a real server, real requests, a real SIGTERM."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests._program import PATIENCE_SECONDS, lines_of

WEB = Path(__file__).resolve().parent.parent / "examples" / "web"
TRACE = "0af7651916cd43dd8448eb211c80319c"

pytestmark = pytest.mark.timeout(60)
for package in ("fastapi", "uvicorn"):
    pytest.importorskip(package, reason=f"{package} is not installed: make installs it")


class Server:
    """uvicorn in a process of its own, on a port of the system's choice."""

    def __init__(self, config: Path, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "shop.app:app", "--port", "0", *options],
            cwd=WEB,
            env={**os.environ, "SHOP_EVENTBUS": str(config)},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self._said: list[str] = []
        self._base = self._url()

    def _url(self) -> str:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._said.append(line)
            if found := re.search(r"running on (http://\S+)", line):
                return found[1]
        raise AssertionError("".join(self._said))

    def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, Any]:
        request = urllib.request.Request(
            self._base + path, method=method, headers=headers or {}
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, json.load(answer), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, json.load(error), error.headers

    def stop(self, by: signal.Signals) -> str:
        """Return what it said after it was told to end."""
        self._process.send_signal(by)
        return self._process.communicate(timeout=PATIENCE_SECONDS)[1]

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def server(tmp_path: Path, path: Path) -> Generator[Server]:
    config = tmp_path / "eventbus.toml"
    config.write_text(
        f"""
        [sinks.events]
        type = "jsonl"
        path = {json.dumps(str(path))}
        batch = {{ max_events = 10000, max_delay_seconds = 60.0 }}
        """
    )
    running = Server(config)
    yield running
    running.kill()


@pytest.mark.proves("fault-122", "K4")
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_all_events_are_out_before_the_server_ends(
    by: signal.Signals, server: Server, path: Path
) -> None:
    for count in range(30):
        assert server.ask("POST", f"/orders/tea?count={count}")[1] == {"ordered": count}
    said = server.stop(by)
    assert "Application shutdown complete" in said
    assert "Traceback" not in said
    lines = lines_of(path)
    orders = [line for line in lines if line["name"] == "shop.order_placed"]
    assert [line["event"]["count"] for line in orders] == [*range(30)]
    assert len([line for line in lines if line["name"] == "web.request"]) == 30


@pytest.mark.proves("C2")
def test_events_carry_the_request_they_belong_to(server: Server, path: Path) -> None:
    headers = {
        "x-request-id": "first",
        "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
    }
    assert server.ask("POST", "/orders/tea", headers)[2]["x-request-id"] == "first"
    own = server.ask("POST", "/orders/tea", {"x-request-id": "a b"})[2]["x-request-id"]
    server.stop(signal.SIGTERM)
    lines = lines_of(path)
    assert [line["attributes"]["request_id"] for line in lines] == [
        "first",
        "first",
        own,
        own,
    ]
    assert [line.get("trace_id") for line in lines] == [TRACE, TRACE, None, None]
    request = lines[1]["event"]
    assert (request["method"], request["route"]) == ("POST", "/orders/{article}")
    assert request["status"] == 200


def test_health_is_what_the_sinks_are(server: Server, tmp_path: Path) -> None:
    status, body, _ = server.ask("GET", "/healthz")
    assert (status, body["state"]) == (200, "ready")
    assert body["sinks"]["events"]["state"] == "ready"


def test_a_sink_that_was_given_up_is_a_503_with_its_cause(tmp_path: Path) -> None:
    config = tmp_path / "eventbus.toml"
    config.write_text(f'[sinks.events]\ntype = "jsonl"\npath = "{tmp_path}"\n')
    server = Server(config)
    try:
        status, body, _ = server.ask("GET", "/healthz")
        assert (status, body["state"]) == (503, "failed")
        assert "is a directory" in body["sinks"]["events"]["cause"]
        assert server.ask("POST", "/orders/tea")[0] == 200
    finally:
        server.kill()
