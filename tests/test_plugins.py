from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from eventbus import Bus, Catalog, ConfigError, Naming, PluginError
from eventbus._plugins import (
    CATALOGS,
    READERS,
    installed_catalog,
    installed_sinks,
    load_reader,
    load_sink,
)
from eventbus_schemas import agent_catalog
from tests.config._installed import SINK, Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    directory = tmp_path / "site-packages"
    directory.mkdir()
    return Site(directory, monkeypatch)


def refusal(name: str) -> str:
    with pytest.raises(PluginError) as caught:
        load_sink(name)
    return str(caught.value)


def test_our_own_sinks_are_found_by_their_entry_points() -> None:
    ours = [one.name for one in installed_sinks() if one.distribution == "eventbus"]
    assert {"console", "jsonl", "logging"} <= set(ours)


def test_listing_plugins_imports_none_of_them(site: Site) -> None:
    site.sink("fake", "fake_listed", "raise AssertionError('imported')")
    (fake,) = [one for one in installed_sinks() if one.name == "fake"]
    assert (fake.distribution, fake.version) == ("dist-fake_listed", "1.0")
    assert "fake_listed" not in sys.modules


def test_a_configuration_imports_the_sink_it_names_and_no_other(site: Site) -> None:
    site.sink("named", "fake_named")
    site.sink("unnamed", "fake_unnamed", "raise AssertionError('imported')")
    Bus.from_config({"sinks": {"named": {}}}, strict=True)
    assert "fake_named" in sys.modules
    assert "fake_unnamed" not in sys.modules


def test_a_sink_that_is_not_enabled_is_not_imported(site: Site) -> None:
    site.sink("off", "fake_off", "raise AssertionError('imported')")
    Bus.from_config({"sinks": {"off": {"enabled": False}}}, strict=True)
    assert "fake_off" not in sys.modules


def test_importing_the_package_looks_for_no_plugin() -> None:
    program = (
        "import sys, eventbus\n"
        "wanted = ('eventbus_', 'eventbus.config', 'eventbus.cli', 'tomllib', 'rich',"
        " 'importlib.metadata')\n"
        "print([name for name in sys.modules if name.startswith(wanted)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_unknown_sink_is_told_what_is_installed_and_what_was_meant() -> None:
    text = refusal("jsnol")
    assert text.startswith("No sink 'jsnol' is installed (installed: console, jsonl")
    assert text.endswith("). Did you mean 'jsonl'?")
    assert "pip" not in text


def test_an_unknown_sink_that_is_like_none_gets_no_advice() -> None:
    assert refusal("zzzz").endswith(")")


@pytest.mark.proves("fault-27")
def test_a_missing_extra_of_ours_is_one_sentence_with_the_command(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = {"eventbus.sinks": {"kafka": "fake_kafka:FakeSink"}}
    monkeypatch.setattr(sys, "path", [str(site.directory)])
    site.install("eventbus", points, extras=("kafka",), fake_kafka="import aiokafka.x")
    assert refusal("kafka") == (
        "Sink 'kafka' needs aiokafka, which is not installed. "
        "Try: pip install 'eventbus[kafka]'"
    )


@pytest.mark.proves("fault-27")
def test_a_strangers_missing_module_names_the_stranger_and_no_command(
    site: Site,
) -> None:
    site.sink("kafka2", "fake_stranger", "import no_such_module_at_all")
    text = refusal("kafka2")
    assert text.startswith(
        "Sink 'kafka2' needs no_such_module_at_all, which is not installed. "
        "It belongs to fake_stranger:FakeSink of dist-fake"
    )
    assert "pip" not in text


@pytest.mark.proves("fault-27")
@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def broken(:", "SyntaxError: "),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise MemoryError", "MemoryError"),
        ("from json import no_such_name", "ImportError: cannot import name"),
        ("FakeSnk = 1", "AttributeError: module 'fake_bad' has no attribute"),
    ],
)
def test_a_plugin_that_fails_to_import_is_one_line(
    site: Site, source: str, says: str
) -> None:
    site.sink("bad", "fake_bad", source)
    text = refusal("bad")
    assert text.startswith("Sink 'bad' does not load (fake_bad:FakeSink of dist-fake")
    assert says in text
    assert "\n" not in text


@pytest.mark.proves("fault-27")
@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("FakeSink = 7", "must be a class of sinks, got a value of type int"),
        ("def FakeSink(): ...", "must be a class of sinks, got a value of type func"),
        (
            "class FakeSink:\n    def start(self): ...",
            "must be a sink, with start, write and aclose, got the class FakeSink",
        ),
    ],
)
def test_what_is_no_sink_is_refused(site: Site, source: str, says: str) -> None:
    site.sink("odd", "fake_odd", source)
    assert says in refusal("odd")


@pytest.mark.proves("fault-27")
def test_a_sink_for_a_newer_interface_is_refused(site: Site) -> None:
    site.sink("new", "fake_new", f"{SINK}\nFakeSink.sink_api = 2\n")
    assert refusal("new").startswith(
        "Sink 'new' is made for version 2 of the sink interface, this eventbus has 1 "
    )


def test_a_sink_that_says_it_is_for_this_interface_loads(site: Site) -> None:
    site.sink("now", "fake_now", f"{SINK}\nFakeSink.sink_api = 1\n")
    assert load_sink("now").__name__ == "FakeSink"


@pytest.mark.proves("fault-27")
def test_two_sinks_of_one_name_are_refused_and_both_owners_named(site: Site) -> None:
    site.sink("twin", "fake_twin_a")
    site.sink("twin", "fake_twin_b")
    text = refusal("twin")
    assert "more than once" in text
    assert "fake_twin_a:FakeSink of dist-fake" in text
    assert "fake_twin_b:FakeSink of dist-fake" in text
    assert "fake_twin_a" not in sys.modules


@pytest.mark.proves("fault-27")
async def test_a_bus_leaves_the_bad_plugin_out_and_runs_with_the_others(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.sink("bad", "fake_left_out", "import sys; sys.exit('no')")
    site.sink("good", "fake_good")
    bus = Bus.from_config({"sinks": {"bad": {}, "good": {}}})
    async with bus:
        stats = bus.stats().attachments
    assert stats["good"].state == "ready"
    assert stats["bad"].state == "failed"
    (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert line.startswith("sink 'bad' is disabled: Sink 'bad' does not load")


@pytest.mark.proves("fault-27")
def test_a_strict_bus_raises_for_the_bad_plugin(site: Site) -> None:
    site.sink("bad", "fake_strict", "import sys; sys.exit('no')")
    with pytest.raises(ConfigError, match=r"does not load .* at `\$\.sinks\.bad`"):
        Bus.from_config({"sinks": {"bad": {}}}, strict=True)


def test_the_reader_of_our_own_lines_loads() -> None:
    assert callable(load_reader("events"))


def test_an_unknown_reader_is_told_what_was_meant() -> None:
    with pytest.raises(
        PluginError, match=r"No reader 'event' .* Did you mean 'events'"
    ):
        load_reader("event")


def test_an_extra_of_ours_is_named_for_sinks_alone() -> None:
    assert "pip install --upgrade 'eventbus[kafka]'" in refusal("kafka")
    with pytest.raises(PluginError) as caught:
        load_reader("kafka")
    assert "pip" not in str(caught.value)


def test_what_cannot_be_called_is_no_reader(site: Site) -> None:
    site.install("dist-r", {READERS: {"r": "fake_reader:thing"}}, fake_reader="thing=1")
    with pytest.raises(PluginError, match="Reader 'r' must be a function of lines"):
        load_reader("r")


CATALOG = """
from eventbus import Catalog, Naming, Event

class Fake(Event, tag="fake.{name}"):
    pass

catalog = Catalog([Fake], name="{name}")
make_catalog = lambda: catalog
"""


def test_all_installed_catalogs_become_one(site: Site) -> None:
    points = {CATALOGS: {"one": "fake_cat_1:catalog", "two": "fake_cat_2:make_catalog"}}
    sources = {f"fake_cat_{n}": CATALOG.format(name=n) for n in (1, 2)}
    site.install("dist-c", points, **sources)
    merged = installed_catalog(strict=True)
    assert merged.get("fake.1") is not None
    assert merged.get("fake.2") is not None
    assert merged.get("agent.tool_result") is not None


def test_a_catalog_that_does_not_load_is_left_out_with_a_line(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    points = {CATALOGS: {"bad": "fake_cat_bad:catalog"}}
    site.install("dist-b", points, fake_cat_bad="1/0")
    assert isinstance(installed_catalog(), Catalog)
    assert [r.getMessage() for r in caplog.records] == [
        "Catalog 'bad' does not load (fake_cat_bad:catalog of dist-b 1.0): "
        "ZeroDivisionError: division by zero"
    ]


def test_a_strict_look_at_the_catalogs_raises(site: Site) -> None:
    points = {CATALOGS: {"bad": "fake_cat_strict:catalog"}}
    site.install("dist-s", points, fake_cat_strict="catalog = 5")
    with pytest.raises(PluginError, match="Catalog 'bad' must be an eventbus"):
        installed_catalog(strict=True)


def test_an_event_name_that_two_catalogs_have_is_kept_once_with_a_line(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    points = {CATALOGS: {"a": "fake_cat_a:catalog", "b": "fake_cat_b:catalog"}}
    source = CATALOG.format(name="same")
    site.install("dist-2", points, fake_cat_a=source, fake_cat_b=source)
    assert installed_catalog().get("fake.same") is not None
    (line,) = [r.getMessage() for r in caplog.records]
    assert "two event types have the name 'fake.same'" in line


@pytest.mark.parametrize("error", ["GeneratorExit", "KeyboardInterrupt"])
def test_a_sink_that_raises_any_exception_at_import_does_not_load(
    site: Site, error: str
) -> None:
    site.sink("fake", f"fake_{error.lower()}", f"raise {error}('no')")
    assert f"{error}: no" in refusal("fake")


def test_a_sink_whose_write_is_no_coroutine_function_is_refused(site: Site) -> None:
    site.sink("fake", "fake_plain", SINK.replace("async def write", "def write"))
    assert refusal("fake").startswith(
        "Sink 'fake' must have a write that is a coroutine function (async def), "
        "got a plain one"
    )


NAMING = """
from eventbus import Catalog, Naming

catalog = Catalog(namings={{"acme": Naming(renamed={{"a": "{to}"}}), "{to}": Naming()}})
"""


def install_namings(site: Site, *names: str) -> None:
    """Install a catalog for each of *names*, with a naming of that name too."""
    points = {CATALOGS: {f"n{i}": f"fake_nam_{i}:catalog" for i in range(len(names))}}
    sources = {f"fake_nam_{i}": NAMING.format(to=to) for i, to in enumerate(names)}
    site.install("dist-n", points, **sources)


def test_the_namings_of_all_installed_catalogs_are_offered(site: Site) -> None:
    install_namings(site, "x", "x")
    merged = installed_catalog(strict=True)
    assert merged.namings.keys() == {"acme", "x", *agent_catalog.namings}
    assert merged.namings["acme"] == Naming(renamed={"a": "x"})


def test_of_two_namings_of_one_name_that_differ_the_first_is_kept_with_a_line(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    install_namings(site, "x", "y")
    merged = installed_catalog()
    assert merged.namings["acme"] == Naming(renamed={"a": "x"})
    assert "y" in merged.namings
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == (
        "two namings have the name 'acme': that of fake_nam_0:catalog of dist-n 1.0 "
        "is taken, that of fake_nam_1:catalog of dist-n 1.0 is refused"
    )
    with pytest.raises(PluginError, match="two namings have the name 'acme'"):
        installed_catalog(strict=True)
