from __future__ import annotations

import logging
from pathlib import Path

import pytest

from eventbus import Bus, ConfigError, Event
from eventbus._offline import offline
from eventbus.config import bus_of, load_config
from tests.config._installed import SINK, Site


class Ping(Event, tag="ping"):
    n: int = 0


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        r.getMessage()
        for r in caplog.records
        if r.name == "eventbus" and r.levelno >= logging.WARNING
    ]


async def test_a_bus_from_a_file_delivers_to_what_the_file_names(
    tmp_path: Path,
) -> None:
    path = tmp_path / "eventbus.toml"
    path.write_text(
        f"""
        [bus]
        resource = {{ "service.name" = "checkout" }}
        close_timeout_seconds = 2

        [sinks.audit]
        type = "jsonl"
        path = "{tmp_path}/audit.jsonl"
        select = ["ping"]
        """
    )
    async with Bus.from_config(path, strict=True) as bus:
        bus.emit(Ping(n=7))
        report = await bus.flush()
    assert report.attachments["audit"].delivered == 1
    assert '"event":{"n":7}' in (tmp_path / "audit.jsonl").read_text()
    assert bus.resource == {"service.name": "checkout"}


def test_the_bus_s_own_settings_reach_the_bus() -> None:
    bus = Bus.from_config({"bus": {"limits": {"max_attachments": 1}, "strict": True}})
    bus.on(name="first")(print)
    with pytest.raises(ValueError, match="limit of 1 attachments"):
        bus.on(name="second")(print)


def test_a_bus_of_a_subclass_is_of_that_class() -> None:
    class OwnBus(Bus):
        pass

    assert type(OwnBus.from_config({})) is OwnBus


def test_a_bus_of_a_checked_configuration_is_not_strict_by_itself(site: Site) -> None:
    refusing = "\n    def __init__(self, settings):\n        raise ValueError('no')\n"
    site.sink("fake", "fake_unmade", SINK + refusing)
    config = load_config({"sinks": {"fake": {}}})
    assert bus_of(Bus, config).stats().attachments["fake"].state == "failed"
    with pytest.raises(ConfigError, match="refuses its settings: ValueError: no"):
        bus_of(Bus, config, strict=True)


async def test_dead_letters_are_kept_by_the_sink_that_is_named(tmp_path: Path) -> None:
    letters = {"type": "jsonl", "path": str(tmp_path / "dead.jsonl")}
    audit = {
        "type": "jsonl",
        "path": str(tmp_path / "a.jsonl"),
        "dead_letters": letters,
    }
    async with Bus.from_config({"sinks": {"audit": audit}}, strict=True) as bus:
        assert set(bus.stats().attachments) == {"audit", "audit.dead_letters"}


@pytest.mark.proves("F9")
async def test_a_sink_with_bad_settings_is_left_out_with_one_warning_and_a_status(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.sink("fake", "fake_bad_settings")
    bus = Bus.from_config({"sinks": {"bad": {"type": "fake", "prot": 1}, "fake": {}}})
    async with bus:
        bus.emit(Ping())
        report = await bus.flush()
    said = "Unknown key 'prot'. Did you mean 'port'? - at `$.sinks.bad.prot`"
    assert warnings_in(caplog) == [f"sink 'bad' is disabled: {said}"]
    assert report.complete
    assert report.attachments["fake"].delivered == 1
    bad = report.attachments["bad"]
    assert (bad.state, bad.cause) == ("failed", f"disabled: {said}")
    assert bad.offered == 0


@pytest.mark.proves("F9")
def test_a_strict_bus_raises_for_bad_settings(site: Site) -> None:
    site.sink("fake", "fake_strict_settings")
    with pytest.raises(ConfigError, match="Unknown key 'prot'"):
        Bus.from_config({"sinks": {"fake": {"prot": 1}}}, strict=True)


@pytest.mark.proves("F9")
async def test_a_sink_that_refuses_its_settings_is_left_out_with_one_warning(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    refusing = (
        SINK + "\n    def __init__(self, settings):\n        raise OSError('no')\n"
    )
    site.sink("fake", "fake_refusing_2", refusing)
    async with Bus.from_config({"sinks": {"fake": {}}}) as bus:
        cause = bus.stats().attachments["fake"].cause
    said = "Sink 'fake' refuses its settings: OSError: no - at `$.sinks.fake`"
    assert cause == f"disabled: {said}"
    assert warnings_in(caplog) == [f"sink 'fake' is disabled: {said}"]


def test_a_module_that_is_missed_only_when_the_sink_is_made_is_told_as_well(
    site: Site,
) -> None:
    late = SINK + "\n    def __init__(self, settings):\n        import no_such_lib_x\n"
    site.sink("fake", "fake_late", late)
    with pytest.raises(ConfigError, match="Sink 'fake' needs no_such_lib_x, which is"):
        Bus.from_config({"sinks": {"fake": {}}}, strict=True)


def test_a_configuration_that_is_wrong_as_a_whole_raises_even_without_strictness() -> (
    None
):
    with pytest.raises(ConfigError, match="Unknown key 'bos'"):
        Bus.from_config({"bos": {}})


def test_a_bad_table_of_the_bus_raises_even_without_strictness() -> None:
    with pytest.raises(ConfigError, match="close_timeout_seconds"):
        Bus.from_config({"bus": {"close_timeout_seconds": -1}})


def test_two_buses_of_one_configuration_share_nothing(site: Site) -> None:
    site.sink("fake", "fake_twice")
    table = {"sinks": {"fake": {"sampler": {"ratio": 0.5}}}}
    one, other = (Bus.from_config(table, strict=True) for _ in range(2))
    assert (
        one._life.attachments["fake"].sink is not other._life.attachments["fake"].sink
    )


def test_network_sinks_are_left_out_while_a_test_has_the_network_off(
    site: Site,
) -> None:
    site.sink("far", "fake_far", SINK + "\n    network = True\n")
    with offline():
        assert Bus.from_config({"sinks": {"far": {}}}).stats().attachments == {}
    assert set(Bus.from_config({"sinks": {"far": {}}}).stats().attachments) == {"far"}


def test_a_bus_without_a_configuration_has_no_sink_at_all() -> None:
    assert Bus().stats().attachments == {}
    assert Bus.from_config({}).stats().attachments == {}


HOOK = """
        @classmethod
        def from_environment(cls, environ, given):
            from eventbus.config import EnvironmentValue
"""
BAD_CLASSES = {
    "environment": (f"{HOOK}            return 1 / 0\n", "ZeroDivisionError: division"),
    "nothing": (f"{HOOK}            return None\n", "AttributeError: 'NoneType'"),
    "no_value": (f"{HOOK}            return {{'port': 5}}\n", "AttributeError: 'int'"),
    "no_place": (
        f"{HOOK}            return {{(): EnvironmentValue(1, 'A')}}\n",
        "ValueError: ",
    ),
    "leaving": (f"{HOOK}            raise SystemExit(3)\n", "SystemExit: 3"),
    "retry": (
        "\n        def own_retry(self, retry):\n            return 1 / 0\n",
        "ZeroDivisionError: division",
    ),
    "post_init": (
        "\n        def __post_init__(self):\n"
        "            raise KeyError(self.api_key)\n",
        "KeyError: '[REDACTED]'",
    ),
    "factory": (
        "        x: int = msgspec.field(default_factory=lambda: 1 / 0)\n",
        "ZeroDivisionError: division",
    ),
}


@pytest.mark.proves("F9")
@pytest.mark.parametrize("kind", BAD_CLASSES)
def test_whatever_a_class_of_settings_raises_costs_its_own_sink_only(
    site: Site, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    more, said = BAD_CLASSES[kind]
    anchor = "        headers: dict[str, str] = {}\n"
    site.sink("fake", f"fake_raising_{kind}", SINK.replace(anchor, anchor + more))
    tree = {"sinks": {"bad": {"type": "fake", "api_key": "s3cret"}, "console": {}}}
    bus = Bus.from_config(tree)
    (line,) = warnings_in(caplog)
    start = "sink 'bad' is disabled: Sink 'fake' fails while its settings are read: "
    assert line.startswith(f"{start}{said}")
    assert line.endswith(" - at `$.sinks.bad`")
    assert "s3cret" not in line
    states = {name: one.state for name, one in bus.stats().attachments.items()}
    assert states == {"bad": "failed", "console": "degraded"}
    with pytest.raises(ConfigError, match="fails while its settings are read"):
        Bus.from_config(tree, strict=True)


@pytest.mark.parametrize(
    "method", ["        def __post_init__(self", "    def __init__(s"]
)
def test_a_key_that_is_pressed_meanwhile_is_no_fault_of_the_sink(
    site: Site, method: str
) -> None:
    anchor = "        headers: dict[str, str] = {}\n\n"
    post_init = "        def __post_init__(self):\n            pass\n\n"
    source = SINK.replace(anchor, anchor + post_init)
    start = source.index("\n", source.index(method)) + 1
    indent = " " * (len(method) - len(method.lstrip()) + 4)
    pressing = f"{indent}from signal import SIGINT, raise_signal\n"
    pressing += f"{indent}raise_signal(SIGINT)\n"
    site.sink("fake", "fake_pressing", source[:start] + pressing + source[start:])
    with pytest.raises(KeyboardInterrupt):
        Bus.from_config({"sinks": {"fake": {}}})


@pytest.mark.proves("F9")
@pytest.mark.parametrize("error", ["SystemExit(3)", "GeneratorExit", "MemoryError"])
def test_a_sink_that_leaves_when_it_is_made_is_left_out(
    site: Site, caplog: pytest.LogCaptureFixture, error: str
) -> None:
    source = SINK.replace("self.settings = settings", f"raise {error}")
    site.sink("fake", "fake_leaving", source)
    bus = Bus.from_config({"sinks": {"fake": {}}})
    assert bus.stats().attachments["fake"].state == "failed"
    assert "Sink 'fake' refuses its settings: " in warnings_in(caplog)[0]


LETTERS = {"type": "jsonl", "path": "/nowhere/dead.jsonl"}


@pytest.mark.proves("F9")
@pytest.mark.parametrize(
    ("tree", "usable", "said"),
    [
        (
            {
                "audit": {"type": "console", "dead_letters": LETTERS},
                "audit.dead_letters": {"type": "console"},
            },
            {"audit", "audit.dead_letters"},
            "the name 'audit.dead_letters' is taken by another attachment",
        ),
        (
            {"bad": {"type": "nosuch"}, "a": {"type": "console"}, "b": {**LETTERS}},
            {"a", "b"},
            "No sink 'nosuch' is installed",
        ),
        (
            {"a": {"type": "console"}, "b": {**LETTERS}, "c": {"type": "console"}},
            {"a", "b"},
            "attachment 'c' is one over the limit of 2 attachments on one bus",
        ),
        ({"": {"type": "console"}}, set(), "the name of an attachment must not be ''"),
    ],
)
def test_a_sink_that_the_bus_cannot_take_is_told_and_takes_no_room(
    caplog: pytest.LogCaptureFixture,
    tree: dict[str, object],
    usable: set[str],
    said: str,
) -> None:
    """A place in the bus that shows it as failed is for those that can be shown."""
    bus = Bus.from_config({"bus": {"limits": {"max_attachments": 2}}, "sinks": tree})
    assert set(bus.stats().attachments) == usable
    (line,) = warnings_in(caplog)
    assert said in line


def test_a_refusal_that_repeats_a_secret_has_no_cause_that_shows_it(
    site: Site,
) -> None:
    source = SINK.replace("self.settings = settings", "raise ValueError(settings.MORE)")
    for more, has_cause in (("api_key", False), ("topic", True)):
        name = f"refuses_{more}"
        site.sink(name, f"fake_{name}", source.replace("MORE", more))
        with pytest.raises(ConfigError, match="refuses its settings") as caught:
            Bus.from_config({"sinks": {name: {"api_key": "s3cret"}}}, strict=True)
        assert "s3cret" not in str(caught.value)
        assert (caught.value.__cause__ is not None) is has_cause
