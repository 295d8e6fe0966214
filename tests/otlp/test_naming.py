"""Which form of names a sink's records have: by its settings, or the environment."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from eventbus import (
    Bus,
    Catalog,
    ConfigError,
    Event,
    EventNaming,
    Naming,
    PluginError,
    Record,
    SinkContext,
    Span,
    Unit,
)
from eventbus._clock import SystemClock
from eventbus._plugins import installed_catalog
from eventbus.config import load_config
from eventbus.testing import OtlpCollector, OtlpLog
from eventbus_otlp import OtlpSettings, OtlpSink
from eventbus_otlp._environment import said
from eventbus_otlp._names import OWN_NAMES
from eventbus_otlp._naming import OPT_IN, naming_of
from tests.otlp._sinks import open_sink, pings

ACME = Naming(renamed={"text": "words"}, events={"ping": EventNaming(name="acme.ping")})
CATALOG = Catalog(namings={"acme": ACME})
CODEX = installed_catalog().namings["codex"]


@pytest.fixture(autouse=True)
def no_opt_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OPT_IN, raising=False)


def test_records_keep_their_own_names_unless_somebody_asks() -> None:
    assert naming_of(None, {}, CATALOG) is OWN_NAMES
    assert naming_of(None, {OPT_IN: " "}, CATALOG) is OWN_NAMES


def test_the_bus_s_catalog_and_the_installed_ones_offer_namings() -> None:
    assert naming_of("acme", {}, CATALOG) is ACME
    assert naming_of("codex", {}, CATALOG) == CODEX
    mine = Naming(renamed={"x": "y"})
    own = Catalog(namings={"codex": mine})
    assert naming_of("codex", {}, own) is mine
    assert naming_of(None, {OPT_IN: "codex"}, own) is mine


@pytest.mark.parametrize(
    ("text", "naming"),
    [
        ("acme", ACME),
        ("http/dup, database , acme,codex", ACME),
        ("codex,acme", CODEX),
        ("gen_ai_latest_experimental", OWN_NAMES),
        ("ACME", OWN_NAMES),
        (",,", OWN_NAMES),
    ],
)
def test_the_first_naming_in_the_environment_s_list_is_chosen(
    text: str, naming: Naming, caplog: pytest.LogCaptureFixture
) -> None:
    assert naming_of(None, {OPT_IN: text}, CATALOG) == naming
    assert not caplog.records


def test_the_setting_wins_over_the_environment() -> None:
    assert naming_of("acme", {OPT_IN: "codex"}, CATALOG) is ACME
    assert ("naming",) not in said({OPT_IN: "codex"}, {"naming": "acme"})


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            "codx",
            "No catalog offers a naming 'codx' (offered: acme, codex, codex_sdk). "
            "Did you mean 'codex'?",
        ),
        ("zzz", "No catalog offers a naming 'zzz' (offered: acme, codex, codex_sdk)"),
        ("", "No catalog offers a naming '' (offered: acme, codex, codex_sdk)"),
    ],
)
def test_a_naming_that_nobody_offers_is_refused(wanted: str, message: str) -> None:
    with pytest.raises(PluginError) as caught:
        naming_of(wanted, {}, CATALOG)
    assert str(caught.value) == message


def test_a_sink_is_refused_with_a_naming_that_nobody_offers() -> None:
    sink = OtlpSink(OtlpSettings(naming="acme"))
    context = SinkContext("otlp", {}, CATALOG, SystemClock())
    sink.configure(context)
    with pytest.raises(PluginError, match="No catalog offers a naming 'acme'"):
        sink.configure(SinkContext("otlp", {}, Catalog(), SystemClock()))


def test_a_configuration_with_a_naming_that_nobody_offers_names_the_sink() -> None:
    source: dict[str, Any] = {"sinks": {"otlp": {"naming": "codx"}}}
    with pytest.raises(ConfigError) as caught:
        Bus.from_config(source, strict=True)
    assert str(caught.value) == (
        "No catalog offers a naming 'codx' (offered: codex, codex_sdk). "
        "Did you mean 'codex'? - at `$.sinks.otlp`"
    )


def test_a_configuration_takes_the_naming_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(OPT_IN, "http,codex")
    source: dict[str, Any] = {"sinks": {"otlp": {}}}
    settings: Any = load_config(source).sinks["otlp"].settings
    assert settings.naming == "codex"
    monkeypatch.setenv(OPT_IN, "http")
    settings = load_config(source).sinks["otlp"].settings
    assert settings.naming is None


async def sent(server: OtlpCollector, catalog: Catalog, **settings: Any) -> OtlpLog:
    """Return the only log record that a sink of a bus with *catalog* sends."""
    sink = OtlpSink(OtlpSettings(endpoint=server.url, **settings))
    sink.configure(SinkContext("otlp", {}, catalog, SystemClock()))
    await sink.start()
    try:
        await sink.write(pings(1, text="hello"))
    finally:
        await sink.aclose()
    (log,) = server.requests[-1].logs
    return log


@pytest.mark.proves("B20")
async def test_a_sink_sends_records_under_the_chosen_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with OtlpCollector() as server:
        clean = await sent(server, CATALOG)
        asked = await sent(server, CATALOG, naming="acme")
        monkeypatch.setenv(OPT_IN, "acme")
        opted = await sent(server, CATALOG)
    assert (clean.name, clean.attributes["text"]) == ("ping", "hello")
    assert (asked.name, asked.attributes["words"]) == ("acme.ping", "hello")
    assert opted == asked


async def test_a_sink_that_no_bus_configured_has_the_naming_too() -> None:
    async with OtlpCollector() as server:
        sink = OtlpSink(OtlpSettings(endpoint=server.url, naming="codex"))
        await sink.start()
        running = sink._running
        await sink.aclose()
    assert running is not None
    assert running.names == CODEX


class Fetched(Event, tag="fetched", span=Span("fetch", duration="took_ms")):
    took_ms: Annotated[float, Unit("ms")] = 5.0
    region: str | None = None


@pytest.mark.proves("J5")
async def test_each_span_has_the_configured_attributes() -> None:
    given = {"region": "eu", "ring": 1, "hosts": ("a", "b")}
    records: list[Any] = [
        Record(Fetched(), id="a", attributes={"user": "ada"}),
        Record(Fetched(region="us"), id="b"),
    ]
    async with (
        OtlpCollector() as server,
        open_sink(server.url, signals=("traces",), span_attributes=given) as sink,
    ):
        await sink.write(records)
    spans = [span.attributes for span in server.spans]
    assert [span["region"] for span in spans] == ["eu", "us"]
    assert [span["ring"] for span in spans] == [1, 1]
    assert [span["hosts"] for span in spans] == [["a", "b"], ["a", "b"]]
    assert spans[0]["user"] == "ada"


@pytest.mark.proves("J5")
def test_an_attribute_of_spans_without_a_name_is_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = {"signals": ["traces"], "span_attributes": {"": "q", "ok": "1"}}
    config = load_config({"sinks": {"otlp": table}}, strict=True)
    settings = config.sinks["otlp"].settings
    assert isinstance(settings, OtlpSettings)
    assert settings.span_attributes == {"ok": "1"}
    assert caplog.messages == [
        "span_attributes has an empty name, and what it stands for is left out"
    ]


@pytest.mark.parametrize("value", [None, {"b": 1}, ("x", None), [["x"]]])
def test_a_value_that_is_no_attribute_s_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"span_attributes\.a must be a text, a num"):
        OtlpSettings(span_attributes={"a": value})
    source: dict[str, Any] = {"sinks": {"otlp": {"span_attributes": {"a": {}}}}}
    with pytest.raises(ConfigError, match=r"at `\$.sinks.otlp.span_attributes.a`"):
        load_config(source, strict=True)
