from __future__ import annotations

import io
import re
import sys
from typing import Any

import pytest

from eventbus import AttachmentStats, BusStats, Skipped
from eventbus.cli._account import Account
from eventbus.cli._account_text import show_account
from eventbus.cli._tally import Tally

LOSSY = {
    "audit": AttachmentStats(
        offered=55_100,
        delivered=27_000,
        sampled_out=27_094,
        dropped={"queue_full": 1000, "shutdown_deadline": 6},
        errors={"Unavailable": 3},
        possible_duplicates=1,
        state="degraded",
        cause="the broker is gone",
    ),
    "console": AttachmentStats(offered=3, delivered=3, state="ready"),
}


def account(
    attachments: dict[str, AttachmentStats], *, records: int = 55_100, **more: Any
) -> Account:
    tally = Tally(lambda line: None)
    tally.lines, tally.records = more.pop("lines", 82_300), records
    tally.broken = more.pop("broken", 0)
    tally.unread = more.pop("unread", False)
    tally.untaken = more.pop("untaken", False)
    for kind, count in more.pop("skipped", {}).items():
        for _ in range(count):
            tally.take(Skipped(kind, "in", 1))
    stats = BusStats(
        emitted=more.pop("emitted", records),
        refused=more.pop("refused", {}),
        warned=more.pop("warned", {}),
        attachments=attachments,
    )
    return Account(stats=stats, tally=tally, **{"seconds": 2.0, **more})


@pytest.fixture
def text(capsys: pytest.CaptureFixture[str]) -> Any:
    def say(account: Account) -> str:
        show_account(account)
        out, err = capsys.readouterr()
        assert out == ""
        return err

    return say


def test_lines_that_became_part_of_another_s_record_are_told(text: Any) -> None:
    said = text(account(GOOD, records=3, skipped={"a.b": 2}, broken=1, lines=10))
    sums = "3 records (2 a second), 2 skipped, 1 broken, 4 joined with another"
    assert f"{sums}." in said
    told: dict[str, Any] = {"skipped": {"a.b": 2}, "broken": 1, "lines": 10}
    ends: list[dict[str, Any]] = [{"stopped": "SIGTERM"}, {"unread": True}]
    for end in ends:
        assert f"{sums}." in text(account(GOOD, records=3, **told, **end))
    ends = [{"untaken": True, "stopped": "SIGTERM"}, {"failure": "It broke."}]
    for end in ends:
        assert f"{sums} or left." in text(account(GOOD, records=3, **told, **end))


def test_what_no_sink_selected_is_not_said_to_have_arrived(text: Any) -> None:
    said = text(account(GOOD, records=3, emitted=1))
    assert "Everything that a sink selected arrived." in said


def test_the_account_of_a_run_that_lost_something(text: Any) -> None:
    said = text(account(LOSSY, skipped={"a.b": 2, "c": 1}, stopped="SIGINT"))
    assert said == (
        "\n"
        "Read 82,300 lines in 2.0 s: 55,100 records (27,550 a second), 3 skipped, "
        "0 broken, 27,197 joined with another.\n"
        "Skipped: a.b 2, c 1.\n"
        "\n"
        "sink     state     offered  = delivered  + dropped  + sampled out\n"
        "audit    degraded   55,100       27,000      1,006         27,094\n"
        "console  ready           3            3          0              0\n"
        "\n"
        "audit dropped: queue_full 1,000, shutdown_deadline 6.\n"
        "audit failed attempts: Unavailable 3.\n"
        "audit may have delivered 1 event twice.\n"
        "audit is degraded: the broker is gone\n"
        "1,006 events lost. Stopped by SIGINT.\n"
    )


def test_each_row_adds_up_to_what_was_offered(text: Any) -> None:
    for line in text(account(LOSSY)).splitlines():
        if line.startswith(("audit  ", "console  ")):
            offered, *fates = (
                int(n.replace(",", "")) for n in re.findall(r"[\d,]+", line)
            )
            assert offered == sum(fates)


def test_a_sum_that_does_not_add_up_is_said(text: Any) -> None:
    said = text(account({"a": AttachmentStats(offered=2, delivered=1, state="ready")}))
    assert "a does not add up; this is a fault of eventbus" in said


GOOD = {"a": AttachmentStats(offered=1, delivered=1, state="ready")}


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ({}, "Everything arrived."),
        ({"broken": 1}, "Every record arrived; 1 broken line."),
        ({"lines": 0}, "The input was empty."),
        ({"lines": 0, "stopped": "SIGINT"}, "The input was empty. Stopped by SIGINT."),
        ({"unread": True}, "Nothing was lost, but not all of the input was read."),
        ({"failure": "It broke."}, "It broke."),
        ({"refused": {"recursion": 2}, "emitted": 1}, "2 events lost."),
        ({"stopped": "SIGTERM"}, "Everything arrived. Stopped by SIGTERM."),
    ],
)
def test_the_last_line_is_the_verdict(
    text: Any, more: dict[str, Any], verdict: str
) -> None:
    assert text(account(GOOD, records=1, **more)).splitlines()[-1] == verdict


def test_what_a_sink_says_is_missing_is_the_verdict(text: Any) -> None:
    troubled = AttachmentStats(
        offered=1, delivered=1, state="degraded", cause="lost", trouble="lost"
    )
    *_, remark, verdict = text(account({"a": troubled}, records=1)).splitlines()
    assert remark == "a is degraded: lost"
    assert verdict == "Every event arrived, but not all that a had to send."


def test_records_that_no_sink_selects_are_told(text: Any) -> None:
    assert "2 records selected by no sink." in text(account(GOOD, records=3, emitted=1))


def test_what_was_delivered_though_something_was_wrong_is_told(text: Any) -> None:
    said = text(account(GOOD, records=1, warned={"sanitized": 4}))
    assert "Delivered all the same: sanitized 4." in said


def test_many_kinds_are_summed_up(text: Any) -> None:
    said = text(account(GOOD, skipped={f"kind-{n}": 1 for n in range(11)}))
    assert ", and 3 more kinds." in said


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.25, "250 ms"), (61.0, "61.0 s"), (200.0, "3 min 20 s")]
)
def test_a_duration_is_told_in_its_unit(text: Any, seconds: float, shown: str) -> None:
    assert f"in {shown}:" in text(account(GOOD, seconds=seconds))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_rich_draws_the_same_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    show_account(account(LOSSY))
    drawn = terminal.getvalue()
    assert "\x1b[1;4m" in drawn  # the heads: bold and underlined
    plain = re.sub(r"\x1b\[[0-9;]*m", "", drawn)
    for word in ("= delivered", "55,100", "27,094", "1,006 events lost."):
        assert word in plain


def test_without_rich_a_terminal_gets_plain_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    show_account(account(LOSSY))
    assert "\x1b[" not in terminal.getvalue()
    assert "sink     state     offered  = delivered" in terminal.getvalue()
