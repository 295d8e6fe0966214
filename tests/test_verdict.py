from __future__ import annotations

import asyncio
from typing import Any

import pytest

from eventbus import Outcome, Refused, TooLarge, Unavailable
from eventbus._verdict import (
    DELIVERED,
    Again,
    Delivered,
    Fatal,
    Progress,
    Rejected,
    Split,
    describe_error,
    judge_answer,
    judge_error,
)
from eventbus.testing import ScriptedSink, steps
from tests._rig import Rig, numbers


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


async def never() -> None: ...


def test_none_is_delivered() -> None:
    assert judge_answer(None, 3) is DELIVERED


def test_an_outcome_names_what_did_not_arrive() -> None:
    outcome = Outcome(rejected=[(0, "bad")], unencodable=[(2, "no form")])
    assert judge_answer(outcome, 3) == Delivered({0: "bad"}, {2: "no form"})


@pytest.mark.proves("fault-29")
@pytest.mark.parametrize(
    "rejected", [[(3, "out")], [(-1, "out")], [(0, "a"), (0, "b")], [0], [("x", "y")]]
)
def test_an_index_that_is_wrong_is_ignored_and_counted(rejected: Any) -> None:
    verdict = judge_answer(Outcome(rejected=rejected), 3)
    assert isinstance(verdict, Delivered)
    assert verdict.warned == {"contract_violation": 1}
    assert verdict.rejected in ({}, {0: "a"})


@pytest.mark.proves("fault-29")
def test_an_index_in_both_lists_counts_once() -> None:
    outcome = Outcome(rejected=[(1, "a")], unencodable=[(1, "b")])
    assert judge_answer(outcome, 3) == Delivered(
        {1: "a"}, {}, {"contract_violation": 1}
    )


def test_a_reason_of_no_known_kind_is_counted_as_a_violation() -> None:
    verdict = judge_answer(Outcome(warned={"truncated": 2, "whatever": 5}), 3)
    assert verdict == Delivered({}, {}, {"truncated": 2, "contract_violation": 1})


@pytest.mark.proves("fault-29")
@pytest.mark.parametrize(
    "answer",
    [
        2,
        True,
        "ok",
        [(0, "bad")],
        Outcome(rejected=None),  # type: ignore[arg-type]
        Outcome(rejected=3),  # type: ignore[arg-type]
        Outcome(rejected=[(0, Unspeakable())]),  # type: ignore[list-item]
        Outcome(warned=[1]),  # type: ignore[arg-type]
        Outcome(warned={"truncated": "2"}),  # type: ignore[dict-item]
    ],
)
def test_any_other_answer_is_an_error_of_unknown_outcome(answer: Any) -> None:
    verdict = judge_answer(answer, 3)
    assert isinstance(verdict, Again)
    assert (verdict.kind, verdict.unknown, verdict.is_fault) == (
        "contract_violation",
        True,
        True,
    )
    assert verdict.reason.startswith("write must return ")


@pytest.mark.proves("fault-29")
def test_a_coroutine_that_was_returned_unawaited_is_closed() -> None:
    coroutine = never()
    verdict = judge_answer(coroutine, 1)
    assert isinstance(verdict, Again)
    assert coroutine.cr_frame is None


@pytest.mark.proves("fault-29")
@pytest.mark.parametrize("answer", [7, [(0, "bad")], never])
async def test_a_wrong_answer_is_tried_three_times_and_nothing_counts_twice(
    answer: Any,
) -> None:
    async with Rig() as rig:
        value = answer() if answer is never else answer
        sink = ScriptedSink(steps.answer(value), then=steps.answer(7))
        await rig.attach(sink)
        await rig.emit(1)
        await rig.after(1.0)
        await rig.after(2.0)
        stats = rig.stats()
        assert stats.errors == {"contract_violation": 3}
        assert (stats.delivered, dict(stats.dropped)) == (0, {"retry_exhausted": 1})
        assert numbers(sink.delivered) == [1, 1, 1]
        assert stats.possible_duplicates == 1


@pytest.mark.proves("fault-29")
async def test_indexes_out_of_range_or_named_twice_count_no_event_twice() -> None:
    async with Rig() as rig:
        nonsense = Outcome(rejected=[(0, "a"), (0, "b"), (9, "c"), (-1, "d")])
        await rig.attach(ScriptedSink(steps.answer(nonsense)))
        await rig.emit(1)
        assert (rig.stats().rejected, rig.stats().delivered) == (1, 0)
        assert rig.bus.stats().warned == {"contract_violation": 3}


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (Refused("no"), Rejected("no")),
        (Refused("revoked", permanent=True), Fatal("revoked")),
        (TooLarge("5 MB"), Split("5 MB")),
        (
            Unavailable("down", retry_after_seconds=3),
            Again("Unavailable", "down", server_delay_seconds=3),
        ),
        (
            ValueError("bug"),
            Again("ValueError", "ValueError: bug", unknown=True, is_fault=True),
        ),
        (
            asyncio.CancelledError(),
            Again("CancelledError", "CancelledError", unknown=True, is_fault=True),
        ),
        (SystemExit(2), Fatal("it raised SystemExit: 2")),
        (KeyboardInterrupt(), Fatal("it raised KeyboardInterrupt")),
    ],
)
def test_each_error_means_what_its_class_says(
    error: BaseException, verdict: object
) -> None:
    assert judge_error(error) == verdict


@pytest.mark.parametrize(("said", "count"), [(2, 2), ("2", 0), (None, 0), (2.5, 0)])
def test_how_much_arrived_is_believed_only_as_a_number(said: Any, count: int) -> None:
    error = Unavailable("cut")
    vars(error)["delivered"] = said
    verdict = judge_error(error)
    assert isinstance(verdict, Again)
    assert verdict.progress == Progress(count)


def test_what_a_foreign_error_says_was_delivered_is_not_ours() -> None:
    error = OSError("cut")
    vars(error)["delivered"] = 2
    verdict = judge_error(error)
    assert isinstance(verdict, Again)
    assert verdict.progress == Progress()


def test_the_words_of_an_error_fit_on_a_line() -> None:
    text = describe_error(ValueError("a\n\x1b[31mb\u202e" + "x" * 1000))
    assert text.startswith("ValueError: a [31mb xxx")
    assert len(text) <= 256


def test_an_error_that_cannot_be_put_in_words_has_its_type() -> None:
    assert describe_error(Unspeakable()) == "Unspeakable"
