"""``eventbus run``: what is read, and what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli._command import Command, record_lines
from tests.config._installed import Site


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


def test_what_would_come_after_a_file_without_end_is_wrong_usage(
    eventbus: Command, records: Path
) -> None:
    done = eventbus("run", "--follow", "--input", records, "--input", "other")
    assert done.status == 2
    assert done.err.endswith(
        "eventbus: --follow expects one file, the last input: other would never be "
        f"read, since {records} has no end\n"
    )


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
