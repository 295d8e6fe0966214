from __future__ import annotations

import logging
from pathlib import Path

import pytest

from eventbus import Bus, ConfigError, Event
from eventbus._offline import offline
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
