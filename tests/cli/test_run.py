"""``eventbus run``: what reaches the sinks, and the account of it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.cli._command import Command, configured, to_file


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


def test_with_json_a_run_that_cannot_begin_says_so_in_an_object_too(
    eventbus: Command, tmp_path: Path, records: Path
) -> None:
    path = tmp_path / "missing.toml"
    done = eventbus("run", path, "--input", records, "--json")
    assert done.status == 2
    assert done.json["complete"] is False
    assert done.json["failure"].startswith(f"Cannot read '{path}': No such file")
