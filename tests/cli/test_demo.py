from __future__ import annotations

from itertools import islice
from typing import Any

from eventbus.cli._demo_events import SessionEnded, SessionStarted, application
from tests.cli._command import Command

TIMING = {
    "calls",
    "oldest_pending_seconds",
    "operations",
    "pending_peak",
    "seconds",
    "since_unix_nano",
}


def untimed(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: untimed(v) for k, v in value.items() if k not in TIMING}
    return value


def test_the_same_seed_gives_the_same_events() -> None:
    one, other = (list(islice(application(7), 300)) for _ in range(2))
    assert one == other
    assert one != list(islice(application(8), 300))


def test_a_session_begins_and_ends_once() -> None:
    events = list(islice(application(1), 2000))
    ended = [session for session, event in events if isinstance(event, SessionEnded)]
    begun = [session for session, event in events if isinstance(event, SessionStarted)]
    assert len(set(begun)) == len(begun)
    assert len(set(ended)) == len(ended)
    assert set(ended) < set(begun)


def test_the_same_seed_gives_the_same_account(eventbus: Command) -> None:
    arguments = ("demo", "--seconds", "0", "--events", "400", "--json")
    one, other = (eventbus(*arguments).json for _ in range(2))
    assert untimed(one) == untimed(other)


def test_the_slow_sink_drops_and_its_neighbours_do_not(eventbus: Command) -> None:
    done = eventbus("demo", "--seconds", "0", "--events", "800", "--json")
    assert done.status == 0
    sinks = done.json["attachments"]
    assert sinks["slow"]["dropped"]["queue_full"] > 0
    assert all(one["balanced"] for one in sinks.values())
    assert {n: one["dropped"] for n, one in sinks.items() if n != "slow"} == {
        "console": {},
        "counts": {},
        "sample": {},
    }


def test_counts_are_of_everything_that_was_emitted(eventbus: Command) -> None:
    said = eventbus("demo", "--seconds", "0", "--events", "500", "--json").json
    assert sum(said["counts"].values()) == said["emitted"] == 500


def test_a_person_sees_events_counts_and_sums(eventbus: Command) -> None:
    done = eventbus("demo", "--seconds", "0", "--events", "500")
    assert done.status == 0
    assert "demo.session_started" in done.out
    assert "500 events in " in done.out
    assert "= delivered" in done.out
    assert "slow dropped: queue_full" in done.out
    assert "build fail" not in done.out


def test_with_json_the_output_is_one_object(eventbus: Command) -> None:
    done = eventbus("demo", "--seconds", "0", "--events", "100", "--json")
    assert len(done.out.splitlines()) == 1
    assert "A simulated agent application" in done.err


def test_the_last_sentence_is_about_what_happened(eventbus: Command) -> None:
    few = eventbus("demo", "--seconds", "0", "--events", "300").out
    many = eventbus("demo", "--seconds", "0", "--events", "800").out
    assert few.splitlines()[-1].startswith("No sink lost an event")
    assert many.splitlines()[-1].startswith("The slow sink dropped events")
