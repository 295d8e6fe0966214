from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from eventbus import Bus, ConfigError, PluginError
from eventbus._plugins import (
    CATALOGS,
    PRESETS,
    READERS,
    installed_catalog,
    installed_sinks,
    load_reader,
    load_sink,
    sink_lacks,
)
from eventbus.config import load_config, restrict_plugins
from tests.config._installed import SINK, Site
from tests.test_plugins import CATALOG
from tests.test_plugins import site as site

ALL_KINDS = {
    "eventbus.sinks": {"acme": "acme_parts:FakeSink"},
    CATALOGS: {"acme-events": "acme_parts:catalog"},
    READERS: {"acme-lines": "acme_parts:read"},
    PRESETS: {"acme-cloud": "acme_parts:preset"},
}


@pytest.fixture
def acme(site: Site) -> Site:
    """A distribution of all kinds of plugins, whose module must not be imported."""
    site.install("Acme_Parts", ALL_KINDS, acme_parts="raise AssertionError('imported')")
    return site


def refusal(name: str = "acme") -> str:
    with pytest.raises(PluginError) as caught:
        load_sink(name)
    return str(caught.value)


ORIGIN = "acme_parts:FakeSink of Acme_Parts 1.0"


@pytest.mark.proves("fault-133")
@pytest.mark.parametrize(
    ("variable", "text", "reason"),
    [
        ("EVENTBUS_DISABLE_PLUGINS", "acme", "EVENTBUS_DISABLE_PLUGINS names it"),
        ("EVENTBUS_DISABLE_PLUGINS", "x, acme-parts ,", "EVENTBUS_DISABLE_PLUGINS na"),
        ("EVENTBUS_DISABLE_PLUGINS", "*", "EVENTBUS_DISABLE_PLUGINS names it"),
        ("EVENTBUS_PLUGINS", "eventbus", "EVENTBUS_PLUGINS does not name it"),
        ("EVENTBUS_PLUGINS", "acme.*,acm", "EVENTBUS_PLUGINS does not name it"),
    ],
)
def test_the_environment_refuses_plugins(
    acme: Site,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    text: str,
    reason: str,
) -> None:
    monkeypatch.setenv(variable, text)
    assert refusal().startswith(f"Sink 'acme' is not allowed ({ORIGIN}): {reason}")
    assert "acme_parts" not in sys.modules
    assert "acme" not in [one.name for one in installed_sinks()]


@pytest.mark.proves("fault-133")
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"disable": ["acme"]}, "disable= of restrict_plugins names it"),
        ({"disable": ("ACME_parts",)}, "disable= of restrict_plugins names it"),
        ({"allow": ["eventbus"]}, "allow= of restrict_plugins does not name it"),
        ({"allow": []}, "allow= of restrict_plugins does not name it"),
        ({"allow": ["acme"], "disable": ["acme"]}, "disable= of restrict_plugins"),
        ({"allow": ["*"], "disable": {"*"}}, "disable= of restrict_plugins names it"),
    ],
)
def test_the_program_refuses_plugins(
    acme: Site, options: dict[str, Any], reason: str
) -> None:
    with restrict_plugins(**options):
        assert refusal().startswith(f"Sink 'acme' is not allowed ({ORIGIN}): {reason}")
    assert "imported" in refusal()


@pytest.mark.parametrize("allowed", ["acme", "Acme.Parts", "*", "x,acme", "", " , "])
def test_what_is_allowed_is_imported(
    site: Site, monkeypatch: pytest.MonkeyPatch, allowed: str
) -> None:
    """An empty variable is as good as none."""
    site.install("Acme_Parts", ALL_KINDS, acme_parts=SINK)
    monkeypatch.setenv("EVENTBUS_PLUGINS", allowed)
    monkeypatch.setenv("EVENTBUS_DISABLE_PLUGINS", "")
    names = list(filter(None, allowed.split(",")))
    with restrict_plugins(allow=names if allowed.strip(" ,") else None):
        assert load_sink("acme").__name__ == "FakeSink"
        assert "acme" in [one.name for one in installed_sinks()]


@pytest.mark.proves("fault-133")
def test_no_kind_of_plugin_gets_past(
    acme: Site, caplog: pytest.LogCaptureFixture
) -> None:
    table = {"sinks": {"vendor": {"preset": "acme-cloud", "api_key": "x"}}}
    with restrict_plugins(disable=["acme-parts"]):
        with pytest.raises(PluginError, match="Reader 'acme-lines' is not allowed"):
            load_reader("acme-lines")
        with pytest.raises(ConfigError, match="Preset 'acme-cloud' is not allowed"):
            load_config(table)
        installed_catalog(strict=True)
        assert Bus.from_config({"sinks": {"acme": {}}}).stats().attachments[
            "acme"
        ].cause == (
            f"disabled: Sink 'acme' is not allowed ({ORIGIN}): disable= of "
            "restrict_plugins names it - at `$.sinks.acme`"
        )
    assert "acme_parts" not in sys.modules
    assert len(caplog.records) == 1


@pytest.mark.proves("fault-133")
def test_a_block_within_a_block_only_narrows(acme: Site) -> None:
    with restrict_plugins(disable=["acme"]):
        with restrict_plugins(allow=["*"]):
            assert "is not allowed" in refusal()
        with restrict_plugins(allow=["acme"], disable=["console"]):
            assert "is not allowed" in refusal("console")
        load_sink("console")
        assert "is not allowed" in refusal()


def test_blocks_may_end_in_any_order(acme: Site) -> None:
    first, second = restrict_plugins(disable=["acme"]), restrict_plugins(allow=["*"])
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert "is not allowed" not in refusal()
    second.__exit__(None, None, None)


def test_a_block_holds_in_every_thread(acme: Site) -> None:
    said: list[str] = []
    with restrict_plugins(disable=["acme"]):
        thread = threading.Thread(target=lambda: said.append(refusal()))
        thread.start()
        thread.join()
    assert "is not allowed" in said[0]


def test_a_block_ends_with_an_error_too(acme: Site) -> None:
    with pytest.raises(KeyError), restrict_plugins(disable=["acme"]):
        raise KeyError
    assert "is not allowed" not in refusal()


def test_one_text_is_not_taken_for_its_letters() -> None:
    for option in ("allow", "disable"):
        given: Any = {option: "acme"}
        with (
            pytest.raises(TypeError, match=f"{option} must be several names, got the"),
            restrict_plugins(**given),
        ):
            pass


def test_of_two_plugins_of_one_name_the_one_that_is_allowed_is_taken(
    site: Site,
) -> None:
    site.sink("twin", "fake_twin_one")
    site.sink("twin", "fake_twin_two", "raise AssertionError('imported')")
    for refused, taken in (("two", "one"), ("one", "two")):
        with restrict_plugins(disable=[f"dist-fake_twin_{refused}"]):
            error = ModuleNotFoundError(name="acme_client")
            assert f"dist-fake_twin_{taken}" in str(sink_lacks("twin", error))
    with restrict_plugins(disable=["dist-fake_twin_two"]):
        assert load_sink("twin").__module__ == "fake_twin_one"


def test_what_is_refused_is_not_what_somebody_meant(acme: Site) -> None:
    with restrict_plugins(disable=["acme"]):
        text = refusal("acmee")
    assert "Did you mean" not in text
    assert "acme," not in text


@pytest.mark.proves("fault-133")
def test_a_catalog_that_is_refused_is_passed_over_in_silence(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install(
        "dist-c",
        {CATALOGS: {"mine": "fake_cat_refused:catalog"}},
        fake_cat_refused=CATALOG.format(name="refused"),
    )
    assert installed_catalog(strict=True).get("fake.refused") is not None
    monkeypatch.setenv("EVENTBUS_PLUGINS", "eventbus")
    merged = installed_catalog(strict=True)
    assert merged.get("fake.refused") is None
    assert merged.get("agent.tool_result") is not None
