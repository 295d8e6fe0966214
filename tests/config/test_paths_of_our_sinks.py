from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eventbus import Bus, Event, Layer
from tests.config._files import Files

CERTIFICATES = ("certificate", "client_certificate", "client_key")


class Ping(Event, tag="paths.ping"):
    text: str = ""


@pytest.mark.proves("F8")
@pytest.mark.parametrize("signal", ["", "logs", "metrics", "traces"])
def test_the_certificates_of_otlp_count_from_their_file(
    files: Files, signal: str
) -> None:
    lines = "".join(f'{name} = "tls/{name}.pem"\n' for name in CERTIFICATES)
    files.user(
        "[sinks.otlp]\n" + (f"[sinks.otlp.{signal}]\n" if signal else "") + lines
    )
    settings: Any = files.load(strict=True).sinks["otlp"].settings
    chosen = getattr(settings, signal) if signal else settings
    assert [getattr(chosen, name) for name in CERTIFICATES] == [
        f"{files.directory}/tls/{name}.pem" for name in CERTIFICATES
    ]


def test_those_of_the_environment_count_from_the_working_directory(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    files.user("[sinks.otlp]\n")
    environ = {"OTEL_EXPORTER_OTLP_CERTIFICATE": "ca.pem"}
    settings: Any = files.load(strict=True, environ=environ).sinks["otlp"].settings
    assert settings.certificate == "/ca.pem"


async def test_what_is_written_counts_from_the_working_directory(
    files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(elsewhere)
    files.user('[sinks.jsonl]\npath = "out/{text}.jsonl"\n')
    async with Bus.from_config(files.layers, strict=True) as bus:
        bus.emit(Ping(text="a"))
        assert (await bus.flush()).complete
    assert (elsewhere / "out" / "a.jsonl").exists()


def test_what_is_hardly_meant_is_told_when_it_is_loaded(files: Files) -> None:
    files.user('[sinks.otlp]\nlogs_endpoint = "http://collector:4318"\n')
    (warning,) = files.load(strict=True).warnings
    assert warning.startswith("logs_endpoint 'http://collector:4318' has no path")
    assert warning.endswith("- at `$.sinks.otlp.logs_endpoint`")


def test_a_layer_is_a_public_name() -> None:
    assert repr(Layer("a.toml", trusted=False)) == "<Layer 'a.toml', project>"
