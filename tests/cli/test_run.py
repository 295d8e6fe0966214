from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from eventbus.cli._run import for_run
from eventbus.config import load_config
from tests.cli._command import Command, record_lines
from tests.config._installed import SINK, Site


@pytest.fixture
def records(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text(record_lines(3))
    return path


def configured(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "eventbus.toml"
    path.write_text(text)
    return path


def to_file(tmp_path: Path, more: str = "") -> Path:
    path = tmp_path / "out.jsonl"
    return configured(tmp_path, f'[sinks.out]\ntype = "jsonl"\npath = "{path}"\n{more}')


def test_without_a_configuration_records_go_to_the_console(
    eventbus: Command, records: Path
) -> None:
    done = eventbus("run", "--input", records)
    assert done.status == 0
    assert done.out.count("agent.turn_started") == 3
    assert "Read 3 lines" in done.err
    assert done.err.rstrip().endswith("Everything arrived.")


def test_records_reach_the_configured_sinks(
    eventbus: Command, records: Path, tmp_path: Path
) -> None:
    assert eventbus("run", to_file(tmp_path), "--input", records).status == 0
    written = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in written] == ["r-0", "r-1", "r-2"]


def test_several_inputs_are_read_one_after_the_other(
    eventbus: Command, records: Path, tmp_path: Path
) -> None:
    done = eventbus(
        "run", to_file(tmp_path), "--input", records, "--input", records, "--json"
    )
    assert (done.json["lines"], done.json["records"]) == (6, 6)


def test_json_is_one_object_with_the_fields_of_the_stats(
    eventbus: Command, records: Path
) -> None:
    done = eventbus("run", "--input", records, "--json")
    assert done.status == 0
    (line,) = done.out.splitlines()
    account = json.loads(line)
    assert account.pop("seconds") >= 0
    console = account.pop("attachments").pop("console")
    assert account.pop("digests").keys() == {"agent"}
    assert account == {
        "complete": True,
        "emitted": 3,
        "refused": {},
        "warned": {},
        "lines": 3,
        "records": 3,
        "skipped": {},
        "broken": 0,
        "unread": False,
    }
    assert console.pop("pending_peak") > 0
    assert console.pop("since_unix_nano") > 0
    assert sum(console.pop("calls")["buckets"]) > 0
    assert sum(console.pop("operations")[""]["buckets"]) > 0
    assert console == {
        "offered": 3,
        "delivered": 3,
        "rejected": 0,
        "dropped": {},
        "sampled_out": 0,
        "dead_lettered": 0,
        "spooled": 0,
        "pending": 0,
        "pending_bytes": 0,
        "possible_duplicates": 0,
        "errors": {},
        "state": "ready",
        "oldest_pending_seconds": 0.0,
        "sink_type": "eventbus_local._console.ConsoleSink",
        "max_events": 8192,
        "in_flight": 0,
        "failed": {},
        "set_aside": {},
        "balanced": True,
    }


def test_with_json_the_console_sink_writes_to_standard_error(
    eventbus: Command, records: Path, tmp_path: Path
) -> None:
    config = configured(tmp_path, '[sinks.console]\nstream = "stdout"\n')
    done = eventbus("run", config, "--input", records, "--json")
    assert done.err.count("agent.turn_started") == 3
    assert len(done.out.splitlines()) == 1


def test_broken_lines_are_told_with_their_place_and_cost_the_status(
    eventbus: Command, records: Path
) -> None:
    with records.open("a") as lines:
        lines.write('{"name": 5}\n\nno json\n')
    done = eventbus("run", "--input", records)
    assert done.status == 1
    told = [line for line in done.err.splitlines() if line.startswith(str(records))]
    assert len(told) == 2
    assert told[0] == f"{records}:4: Expected `str`, got 5 - at `$.name`"
    assert told[1].startswith(f"{records}:6: ")
    assert done.err.rstrip().endswith("Every record arrived; 2 broken lines.")


def test_only_the_first_broken_lines_are_told_and_all_are_counted(
    eventbus: Command, records: Path
) -> None:
    records.write_text("broken\n" * 50)
    done = eventbus("run", "--input", records)
    assert done.err.count(f"{records}:") == 20
    assert "Further broken lines are counted, not shown." in done.err
    assert "50 broken" in done.err


def test_lines_of_unknown_event_types_are_skipped_by_kind(
    eventbus: Command, records: Path
) -> None:
    with records.open("a") as lines:
        lines.write(record_lines(2, name="other.event"))
    done = eventbus("run", "--input", records, "--json")
    assert done.status == 0
    assert done.json["skipped"] == {"other.event": 2}


def test_another_reader_makes_other_records(eventbus: Command, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text('{"type": "thread.started", "thread_id": "t"}\n')
    done = eventbus("run", "--input", path, "--reader", "codex-exec", "--json")
    assert (done.status, done.json["records"]) == (0, 1)


def test_an_unknown_reader_is_wrong_usage(eventbus: Command, records: Path) -> None:
    done = eventbus("run", "--input", records, "--reader", "codex-rolout")
    assert done.status == 2
    assert done.err.startswith("eventbus: No reader 'codex-rolout' is installed")
    assert "Did you mean 'codex-rollout'?" in done.err


def test_an_input_that_is_not_there_is_wrong_usage(
    eventbus: Command, tmp_path: Path
) -> None:
    done = eventbus("run", "--input", tmp_path / "no.jsonl")
    assert done.status == 2
    assert done.err == (
        f"eventbus: Cannot open {tmp_path}/no.jsonl: No such file or directory\n"
    )


@pytest.mark.parametrize("more", [(), ("--follow",)])
def test_an_input_that_is_a_directory_is_wrong_usage(
    eventbus: Command, tmp_path: Path, more: tuple[str, ...]
) -> None:
    done = eventbus("run", "--input", tmp_path, *more)
    assert (done.status, done.out) == (2, "")
    assert done.err == f"eventbus: Cannot read {tmp_path}: Is a directory\n"


UNREADABLE = "/proc/self/mem"  # it opens, and its first page cannot be read


@pytest.mark.skipif(not Path(UNREADABLE).exists(), reason="there is no /proc")
def test_an_input_that_cannot_be_read_ends_the_run_with_its_account(
    eventbus: Command, records: Path
) -> None:
    done = eventbus("run", "--input", records, "--input", UNREADABLE, "--json")
    assert done.status == 1
    assert done.json["complete"] is False
    assert done.json["failure"] == f"Cannot read {UNREADABLE}: Input/output error"
    assert done.json["attachments"]["console"]["delivered"] == 3


@pytest.mark.parametrize("broken", [0, 2])
def test_an_input_of_broken_lines_alone_is_not_called_arrived(
    eventbus: Command, records: Path, broken: int
) -> None:
    records.write_text("no json\n" * broken + record_lines(1, name="un.known"))
    done = eventbus("run", "--input", records)
    assert done.status == (1 if broken else 0)
    said = f"{broken + 1} line{'s' if broken else ''}"
    said += f", {broken} of them broken" if broken else ""
    last = done.err.splitlines()[-1]
    assert last.startswith(f"The reader 'events' found no record in {said}. Other ")


def test_a_configuration_that_cannot_be_used_is_wrong_usage_with_file_and_line(
    eventbus: Command, records: Path, tmp_path: Path
) -> None:
    config = configured(tmp_path, '[sinks.console]\n\nfromat = "json"\n')
    done = eventbus("run", config, "--input", records)
    assert done.status == 2
    assert done.err == (
        f"eventbus: {config}:3: Unknown key 'fromat'. Did you mean 'format'? - at "
        "`$.sinks.console.fromat`\n"
    )


def test_records_in_place_of_a_configuration_are_recognised(
    eventbus: Command, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    done = eventbus("run", records)
    assert done.status == 2
    assert done.err.startswith(f"eventbus: {str(records)!r} is not TOML: ")
    assert done.err.endswith(f". Are these records? Try: --input {records}\n")


def test_what_would_come_after_a_file_without_end_is_wrong_usage(
    eventbus: Command, records: Path
) -> None:
    done = eventbus("run", "--follow", "--input", records, "--input", "other")
    assert done.status == 2
    assert done.err.endswith(
        "eventbus: --follow expects one file, the last input: other would never be "
        f"read, since {records} has no end\n"
    )


def test_a_configuration_without_a_sink_is_wrong_usage(
    eventbus: Command, records: Path, tmp_path: Path
) -> None:
    config = configured(tmp_path, "[sinks.console]\nenabled = false\n")
    done = eventbus("run", config, "--input", records)
    assert (done.status, done.err) == (
        2,
        f"eventbus: No sink is enabled in {config}: nothing to do\n",
    )


def test_an_argument_wins_over_the_file(
    eventbus: Command, records: Path, tmp_path: Path
) -> None:
    config = configured(tmp_path, '[sinks.console]\nformat = "text"\n')
    done = eventbus(
        "run", config, "--input", records, "--set", "sinks.console.format=json"
    )
    assert [json.loads(line)["id"] for line in done.out.splitlines()] == [
        "r-0",
        "r-1",
        "r-2",
    ]


def test_a_terminal_is_not_read_unless_it_is_asked_for(
    eventbus: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    done = eventbus("run")
    assert done.status == 2
    assert done.err.startswith("eventbus: Nothing to read: give --input FILE")


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


def test_a_reader_that_raises_ends_the_run_with_its_account(
    eventbus: Command, site: Site, records: Path, tmp_path: Path
) -> None:
    source = """
    from eventbus_local import read_events

    def read(lines, *, path):
        yield from read_events([next(iter(lines))], path=path)
        raise KeyError("oh")
    """
    site.install(
        "dist-bad",
        {"eventbus.readers": {"bad": "fake_bad_reader:read"}},
        fake_bad_reader=source,
    )
    done = eventbus("run", "--input", records, "--reader", "bad", "--json")
    assert done.status == 1
    assert done.json["failure"] == f"The reader failed at {records}:1: KeyError: 'oh'"
    assert done.json["attachments"]["console"]["delivered"] == 1


def test_an_async_reader_is_read_too(
    eventbus: Command, site: Site, records: Path
) -> None:
    source = """
    from eventbus_local import read_events

    async def read(lines, *, path):
        async for line in lines:
            for reading in read_events([line], path=path):
                yield reading
    """
    site.install(
        "dist-async",
        {"eventbus.readers": {"late": "fake_async_reader:read"}},
        fake_async_reader=source,
    )
    done = eventbus("run", "--input", records, "--reader", "late", "--json")
    assert (done.status, done.json["records"]) == (0, 3)


def patience(text: dict[str, object]) -> float | None:
    config = for_run(load_config({"sinks": {"console": text}}), is_json=False)
    return config.sinks["console"].buffer.wait_timeout_seconds


def test_a_run_waits_for_room_as_long_as_it_takes() -> None:
    assert patience({}) is None


def test_a_run_waits_for_room_as_long_as_the_file_says() -> None:
    assert patience({"buffer": {"wait_timeout_seconds": 7}}) == 7


def test_with_json_a_run_that_cannot_begin_says_so_in_an_object_too(
    eventbus: Command, tmp_path: Path, records: Path
) -> None:
    path = tmp_path / "missing.toml"
    done = eventbus("run", path, "--input", records, "--json")
    assert done.status == 2
    assert done.json["complete"] is False
    assert done.json["failure"].startswith(f"Cannot read '{path}': No such file")


def test_an_input_without_a_record_is_not_called_delivered(
    eventbus: Command, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(record_lines(2, name="unknown.event"))
    done = eventbus("run", "--input", path)
    assert done.status == 0
    last = done.err.splitlines()[-1]
    assert last.startswith(
        "The reader 'events' found no record in 2 lines. Other readers (--reader): "
    )
    assert "'events'" not in last.partition("Other readers")[2]
