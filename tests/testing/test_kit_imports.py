"""What the kit costs who does not use it, and what is said where a part is missing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from eventbus import PluginError
from eventbus.testing import GatedServer, MockServer, OtlpCollector, WebSocketServer

HEAVY = ("aiohttp", "grpc", "opentelemetry", "google", "backports", "pytest")


@pytest.mark.parametrize(
    "code",
    [
        "import eventbus.testing",
        "from eventbus.testing import ManualClock, RecordingSink, assert_transcript",
        "from eventbus.testing import responses, replies, assert_route",
        "from eventbus.testing import MockServer, GatedServer, WebSocketServer",
        "from eventbus.testing import OtlpCollector, install_test_tracing",
    ],
)
def test_importing_a_name_imports_nothing_it_only_needs_later(code: str) -> None:
    text = f"import sys; {code}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_package_alone_imports_next_to_nothing() -> None:
    text = (
        "import sys, eventbus.testing; "
        "print([m for m in sys.modules if m.startswith('eventbus.testing.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("server", [MockServer, GatedServer, WebSocketServer])
def test_a_server_without_aiohttp_is_one_clear_sentence(
    server: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(PluginError) as caught:
        server()
    assert str(caught.value) == (
        f"{server.__name__} needs aiohttp, which is not installed. "
        "Try: pip install 'eventbus[testing]'"
    )


def test_a_collector_without_the_protocols_classes_is_one_clear_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = "opentelemetry.proto.collector.logs.v1.logs_service_pb2"
    monkeypatch.setitem(sys.modules, home, None)
    with pytest.raises(PluginError) as caught:
        OtlpCollector()
    assert str(caught.value) == (
        "OtlpCollector needs opentelemetry-proto, which is not installed. "
        "Try: pip install opentelemetry-proto"
    )


def test_a_collector_over_grpc_without_grpc_is_one_clear_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "grpc.aio", None)
    OtlpCollector()
    with pytest.raises(PluginError) as caught:
        OtlpCollector(transports=["grpc"])
    assert str(caught.value) == (
        "OtlpCollector needs grpcio, which is not installed. "
        "Try: pip install 'eventbus[otlp]'"
    )


def test_a_module_that_fails_for_another_reason_says_so_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from eventbus.testing._needs import need

    monkeypatch.setitem(sys.modules, "colorsys", None)
    with pytest.raises(PluginError):
        need("colorsys", by="x", package="x")
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        need("tests.testing._broken_import", by="x", package="x")
