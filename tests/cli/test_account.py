from __future__ import annotations

import pytest

from eventbus import AttachmentStats, BusStats, Skipped
from eventbus.cli._account import Account, as_json
from eventbus.cli._tally import Tally


def account(
    attachment: AttachmentStats | None = None,
    *,
    refused: int = 0,
    broken: int = 0,
    unread: bool = False,
    **more: str,
) -> Account:
    tally = Tally(lambda line: None)
    tally.broken, tally.unread = broken, unread
    stats = BusStats(
        emitted=1,
        refused={"recursion": refused} if refused else {},
        warned={},
        attachments={"a": attachment or AttachmentStats(offered=1, delivered=1)},
    )
    return Account(stats=stats, tally=tally, seconds=1.0, **more)


def test_when_everything_arrived_the_account_is_complete() -> None:
    assert (account().complete, account().status) == (True, 0)


@pytest.mark.parametrize(
    "attachment",
    [
        AttachmentStats(offered=1, rejected=1),
        AttachmentStats(offered=1, dropped={"queue_full": 1}),
        AttachmentStats(offered=1, dead_lettered=1),
        AttachmentStats(offered=1, pending=1),
    ],
)
def test_an_event_that_did_not_arrive_makes_it_incomplete(
    attachment: AttachmentStats,
) -> None:
    lost = account(attachment)
    assert (lost.lost, lost.complete, lost.status) == (1, False, 1)


def test_what_was_sampled_out_is_not_lost() -> None:
    assert account(AttachmentStats(offered=1, sampled_out=1)).complete


def test_what_the_bus_refused_is_lost() -> None:
    assert account(refused=2).lost == 2


def test_a_broken_line_costs_the_status_and_no_event() -> None:
    broken = account(broken=1)
    assert (broken.complete, broken.status) == (True, 1)


def test_input_that_was_left_makes_it_incomplete() -> None:
    assert (account(unread=True).complete, account(unread=True).status) == (False, 1)


def test_a_failure_makes_it_incomplete() -> None:
    assert account(failure="no").status == 1


def test_json_leaves_out_what_is_absent() -> None:
    said = as_json(account())
    assert "stopped" not in said
    assert "cause" not in said["attachments"]["a"]


def test_json_says_what_ended_the_run() -> None:
    said = as_json(account(stopped="SIGINT", failure="no"))
    assert (said["stopped"], said["failure"]) == ("SIGINT", "no")


def test_kinds_of_skipped_lines_are_bounded() -> None:
    tally = Tally(lambda line: None)
    for number in range(1500):
        tally.take(Skipped(f"kind-{number}", "in", number))
    assert len(tally.skipped) == 1001
    assert tally.skipped["(other kinds)"] == 500
    assert tally.skipped.total() == 1500


def test_what_a_sink_says_is_missing_makes_it_incomplete() -> None:
    trouble = AttachmentStats(offered=1, delivered=1, trouble="metrics lost")
    assert account(trouble).troubles == {"a": "metrics lost"}
    assert (account(trouble).complete, account(trouble).status) == (False, 1)
