"""``eventbus run``: sinks that are slow, refuse or do not come up."""

from __future__ import annotations

from pathlib import Path

import pytest

from eventbus.cli._run import for_run
from eventbus.config import load_config
from tests.cli._command import Command, configured, record_lines, to_file
from tests.config._installed import SINK, Site


def test_a_sink_that_does_not_start_ends_the_run_before_anything_is_read(
    eventbus: Command, records: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.jsonl").mkdir()
    done = eventbus("run", to_file(tmp_path), "--input", records)
    assert done.status == 1
    assert "Read 0 lines" in done.err
    assert "Nothing was read: sink 'out' is failed: start failed: " in done.err


REFUSING = SINK.replace(
    "    async def write(self, batch):\n        pass\n",
    "    async def write(self, batch):\n"
    "        from eventbus import Outcome\n"
    "        return Outcome(rejected=[(0, 'no')])\n",
)


def test_an_event_that_a_sink_refuses_costs_the_status(
    eventbus: Command, site: Site, records: Path, tmp_path: Path
) -> None:
    site.sink("fake", "fake_refusing_run", REFUSING)
    config = configured(tmp_path, "[sinks.fake]\n[sinks.console]\n")
    done = eventbus("run", config, "--input", records, "--json")
    assert done.status == 1
    assert done.json["complete"] is False
    assert done.json["attachments"]["fake"]["rejected"] >= 1
    assert done.json["attachments"]["console"]["delivered"] == 3


SLOW = SINK.replace(
    "    async def write(self, batch):\n        pass\n",
    "    async def write(self, batch):\n"
    "        import asyncio\n"
    "        for _ in range(100):\n"
    "            await asyncio.sleep(0)\n",
)


def test_a_sink_slower_than_the_reader_loses_nothing(
    eventbus: Command, site: Site, records: Path, tmp_path: Path
) -> None:
    site.sink("slow", "fake_slow", SLOW)
    records.write_text(record_lines(2000))
    text = "[sinks.slow]\nbuffer = { max_events = 100 }\nbatch = { max_events = 10 }\n"
    config = configured(tmp_path, text)
    done = eventbus("run", config, "--input", records, "--json")
    assert done.status == 0
    slow = done.json["attachments"]["slow"]
    assert (slow["delivered"], slow["dropped"]) == (2000, {})
    assert slow["pending_peak"] <= 100


def test_a_buffer_that_is_configured_to_drop_drops_and_the_account_says_so(
    eventbus: Command, site: Site, records: Path, tmp_path: Path
) -> None:
    site.sink("slow", "fake_dropping", SLOW)
    records.write_text(record_lines(2000))
    text = '[sinks.slow]\nbuffer = { max_events = 100, overflow = "drop_oldest" }\n'
    done = eventbus("run", configured(tmp_path, text), "--input", records, "--json")
    assert done.status == 1
    slow = done.json["attachments"]["slow"]
    assert slow["dropped"]["queue_full"] > 0
    assert slow["balanced"]


def test_a_wait_that_the_file_limits_is_limited(
    eventbus: Command, site: Site, records: Path, tmp_path: Path
) -> None:
    site.sink("slow", "fake_limited", SLOW)
    records.write_text(record_lines(2000))
    text = "[sinks.slow]\nbuffer = { max_events = 100, wait_timeout_seconds = 0 }\n"
    done = eventbus("run", configured(tmp_path, text), "--input", records, "--json")
    assert done.status == 1
    assert done.json["attachments"]["slow"]["dropped"]["block_timeout"] > 0


FAILING = SINK.replace(
    "    async def write(self, batch):\n        pass\n",
    "    async def write(self, batch):\n"
    "        from eventbus import Refused\n"
    "        raise Refused('gone', permanent=True)\n",
)


def test_when_every_sink_has_failed_reading_stops(
    eventbus: Command, site: Site, records: Path, tmp_path: Path
) -> None:
    site.sink("fake", "fake_failing", FAILING)
    records.write_text(record_lines(20_000))
    config = configured(tmp_path, "[sinks.fake]\n")
    done = eventbus("run", config, "--input", records, "--json")
    assert done.status == 1
    assert done.json["lines"] < 20_000
    assert done.json["attachments"]["fake"]["state"] == "failed"


@pytest.mark.proves("fault-27")
def test_a_plugin_that_does_not_load_is_one_line_and_wrong_usage(
    eventbus: Command, site: Site, records: Path, tmp_path: Path
) -> None:
    site.sink("bad", "fake_unloadable", "import sys; sys.exit(0)")
    config = configured(tmp_path, "[sinks.console]\n[sinks.bad]\n")
    done = eventbus("run", config, "--input", records)
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        f"eventbus: {config}:2: Sink 'bad' does not load (fake_unloadable:FakeSink of "
        "dist-fake_unloadable 1.0): SystemExit: 0 - at `$.sinks.bad`\n"
    )


@pytest.mark.proves("fault-27")
def test_what_a_plugin_prints_stays_out_of_the_machines_output(
    eventbus: Command, site: Site, records: Path, tmp_path: Path
) -> None:
    printing = SINK.replace("pass", "print('hello from work')", 1)
    site.sink("fake", "fake_printing", f"print('hello from import')\n{printing}")
    config = configured(tmp_path, "[sinks.fake]\n")
    done = eventbus("run", config, "--input", records, "--json")
    assert len(done.out.splitlines()) == 1
    assert "hello from import" in done.err
    assert "hello from work" in done.err


def patience(text: dict[str, object]) -> float | None:
    config = for_run(load_config({"sinks": {"console": text}}), is_json=False)
    return config.sinks["console"].buffer.wait_timeout_seconds


def test_a_run_waits_for_room_as_long_as_it_takes() -> None:
    assert patience({}) is None


def test_a_run_waits_for_room_as_long_as_the_file_says() -> None:
    assert patience({"buffer": {"wait_timeout_seconds": 7}}) == 7
