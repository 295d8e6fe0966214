"""What the digests of installed catalogs add to the account of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eventbus import Catalog
from eventbus._record import AnyRecord
from eventbus.cli._digests import Digests
from tests.cli._command import Command

RECORDING = Path(__file__).parents[2] / "examples/recordings/rollout-small.jsonl"
READER = ("--reader", "codex-rollout")


class Counting:
    """Counts records, and raises where it is told to."""

    def __init__(self, wrong: str = "") -> None:
        self.wrong = wrong
        self.count = 0

    def take(self, records: Sequence[AnyRecord], /) -> None:
        self._raise_in("take")
        self.count += len(records)

    def lines(self) -> Iterable[str]:
        self._raise_in("lines")
        yield f"{self.count} counted"

    def as_json(self) -> Mapping[str, Any]:
        self._raise_in("as_json")
        return {"count": self.count} if self.count else {}

    def _raise_in(self, place: str) -> None:
        if self.wrong == place:
            raise ValueError(f"no {place}")


def test_a_recorded_session_is_summed_up_at_the_end(eventbus: Command) -> None:
    done = eventbus("run", "--input", RECORDING, *READER)
    assert done.status == 0
    *_, first, second, verdict = done.err.splitlines()
    assert first.startswith("1 session of 2 min 54 s: 1 turn, 34 tool calls")
    assert second == "536,834 tokens in, 88 % of them cached; 6,654 out."
    assert verdict == "Everything arrived."


def test_for_machines_it_stands_under_its_catalogs_name(eventbus: Command) -> None:
    done = eventbus("run", "--json", "--input", RECORDING, *READER)
    assert done.json["digests"]["agent"]["tool_calls"] == 34


def test_records_of_other_events_are_not_summed_up(
    eventbus: Command, tmp_path: Path
) -> None:
    empty = tmp_path / "nothing.jsonl"
    empty.write_text("")
    done = eventbus("run", "--json", "--input", empty)
    assert "digests" not in done.json


def test_a_digest_that_raises_is_told_of_once_and_the_others_go_on() -> None:
    for wrong in ("take", "lines", "as_json"):
        said: list[str] = []
        digests = Digests(
            {"bad": lambda w=wrong: Counting(w), "good": Counting}, said.append
        )
        digests.take([None, None])  # type: ignore[list-item] - they are only counted
        digests.take([None])  # type: ignore[list-item]
        lines, told = list(digests.lines()), digests.as_json()
        assert said == [f"The digest 'bad' is left out: ValueError: no {wrong}"]
        assert lines[-1] == "3 counted"
        assert told["good"] == {"count": 3}


def test_a_digest_that_cannot_be_made_is_left_out() -> None:
    said: list[str] = []

    def make() -> Counting:
        raise ValueError("no")

    digests = Digests({"bad": make}, said.append)
    assert list(digests.lines()) == []
    assert said == ["The digest 'bad' is left out: ValueError: no"]


def test_a_catalog_has_the_digests_it_was_given() -> None:
    assert Catalog(digests={"counts": Counting}).digests == {"counts": Counting}
    assert Catalog().digests == {}
