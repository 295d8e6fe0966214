"""Each way to say where records go, as a file and as a mapping."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from eventbus import Bus, ConfigError, Event
from eventbus.config import load_config
from eventbus.testing import OtlpCollector
from tests.otlp._collector import BOTH
from tests.otlp._tls_files import Authority

pytestmark = pytest.mark.eventbus_network


class Ping(Event, tag="forms.ping"):
    n: int = 7


def as_file(text: str, directory: Path) -> Path:
    path = directory / "eventbus.toml"
    path.write_text(text)
    return path


def as_mapping(text: str, directory: Path) -> Mapping[str, Any]:
    return tomllib.loads(text)


BOTH_FORMS = pytest.mark.parametrize("form", [as_file, as_mapping])


@pytest.mark.proves("F2")
@BOTH_FORMS
@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json", "grpc"])
async def test_otlp_with_headers_and_certificates_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Any, protocol: Any
) -> None:
    """A mapping's paths count from the working directory, a file's from the file."""
    authority = Authority(tmp_path)
    certificate, key = authority.pair()
    monkeypatch.chdir(tmp_path if form is as_mapping else "/")
    collector = OtlpCollector(
        transports=BOTH,
        tls=authority.server(clients=authority),
        credentials=authority.credentials(clients=authority),
    )
    async with collector:
        text = f"""
        [sinks.otlp]
        endpoint = "{collector.url_for(protocol)}"
        protocol = "{protocol}"
        headers = {{ x-tenant = "mine", authorization = "Bearer s3cret" }}
        certificate = "{authority.certificate.name}"
        client_certificate = "{certificate.name}"
        client_key = "{key.name}"
        """
        async with Bus.from_config(form(text, tmp_path), strict=True) as bus:
            bus.emit(Ping())
            assert (await bus.flush()).complete
    (request,) = collector.requests
    assert request.protocol == protocol
    assert request.headers["x-tenant"] == "mine"
    assert request.headers["authorization"] == "Bearer s3cret"
    assert [log.name for log in collector.logs] == ["forms.ping"]


@pytest.mark.proves("F2")
@BOTH_FORMS
async def test_a_file_and_a_console_are_named_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: Any
) -> None:
    text = f"""
    [sinks.console]
    format = "json"
    [sinks.audit]
    type = "jsonl"
    path = "{tmp_path}/audit.jsonl"
    """
    async with Bus.from_config(form(text, tmp_path), strict=True) as bus:
        bus.emit(Ping())
        assert (await bus.flush()).complete
    for line in ((tmp_path / "audit.jsonl").read_text(), capsys.readouterr().out):
        assert json.loads(line)["event"] == {"n": 7}


@pytest.mark.proves("F2")
@BOTH_FORMS
async def test_so_is_a_logger(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, form: Any
) -> None:
    text = '[sinks.logging]\nlogger = "acme.events"\n'
    with caplog.at_level("INFO", "acme.events"):
        async with Bus.from_config(form(text, tmp_path), strict=True) as bus:
            bus.emit(Ping())
            assert (await bus.flush()).complete
    assert [record.name for record in caplog.records] == ["acme.events"]


@pytest.mark.proves("F2")
@BOTH_FORMS
@pytest.mark.parametrize(
    "text",
    [
        'sinks.otlp = "none"',
        'sinks = { otlp = "none" }',
        "[sinks.otlp]\nenabled = false\n",
        "",
    ],
)
def test_none_is_a_form_too(tmp_path: Path, form: Any, text: str) -> None:
    config = load_config(form(text, tmp_path), environ={})
    assert config.sinks == {}
    assert {one.because for one in config.left_out.values()} <= {"asked"}
    assert Bus.from_config(form(text, tmp_path)).stats().attachments == {}


def test_a_mapping_may_have_none_itself() -> None:
    config = load_config({"sinks": {"otlp": None, "console": "none"}})
    assert {name: one.reason for name, one in config.left_out.items()} == {
        "otlp": "it is 'none'",
        "console": "it is 'none'",
    }
    assert config.left_out["otlp"].place == ("sinks", "otlp")


def test_an_argument_may_switch_a_sink_off() -> None:
    tree = {"sinks": {"console": {"format": "json"}}}
    assert load_config(tree, overrides={("sinks", "console"): "none"}).sinks == {}


@pytest.mark.proves("F2")
@BOTH_FORMS
@pytest.mark.parametrize("name", ["kafka", "prometheus"])
def test_a_sink_that_is_not_there_yet_is_told_with_what_brings_it(
    tmp_path: Path, form: Any, name: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(form(f'[sinks.far]\ntype = "{name}"\n', tmp_path))
    assert str(caught.value) == (
        f"No sink '{name}' is installed (installed: console, jsonl, logging, otlp). An "
        f"extra has this name: pip install --upgrade 'eventbus[{name}]' - at "
        "`$.sinks.far.type`"
    )


@BOTH_FORMS
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("endpoint = 5", "Expected `str` of at least 1 character, got 5"),
        ("protocol = 'binary'", "Expected 'grpc', 'http/json', 'http/protobuf' or"),
        ("headers = { a = 1 }", "header number 1 must have a text as its value"),
        ("client_key = 'k.pem'", "client_key needs client_certificate beside it"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_in_the_same_words(
    tmp_path: Path, form: Any, line: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(form(f"[sinks.otlp]\n{line}\n", tmp_path))
    assert str(caught.value).startswith(said)
