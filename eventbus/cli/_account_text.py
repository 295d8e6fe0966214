"""How an account reads to a person: what was read, a sum for each sink, a verdict."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Final

from eventbus._nearest import listed
from eventbus._plugins import READERS, installed
from eventbus._stats import AttachmentStats, BusStats
from eventbus._visible import visible
from eventbus.cli._account import Account
from eventbus.cli._tables import Cell, Column, Style, Table, Write, number, show
from eventbus.cli._terminal import console, say

_KINDS_SHOWN: Final = 8

# What becomes of an offered event, each with its colour when it happened.
_FATES: Final[Mapping[str, Style]] = {
    "delivered": "green",
    "rejected": "red",
    "dropped": "red",
    "sampled out": "cyan",
    "dead letters": "red",
    "spooled": "cyan",
    "pending": "yellow",
}
_ALWAYS_SHOWN: Final = ("delivered", "dropped")
_STATE_STYLES: Final[Mapping[str, Style]] = {
    "ready": "green",
    "degraded": "yellow",
    "failed": "red",
}


def show_account(account: Account) -> None:
    """Write *account* to the standard error."""
    say("")
    for line in _reading_lines(account):
        say(line)
    show_sums(account.stats, say)
    for line in _input_remarks(account):
        say(line)
    for line in account.digest_lines:
        say(line)
    _verdict(account)


def show_sums(stats: BusStats, write: Write) -> None:
    """Write, with ``put`` or ``say``, what became of the events at each sink."""
    if not stats.attachments:
        return
    show(sums(stats.attachments), write)
    for line in _remarks(stats):
        write(line)


def _reading_lines(account: Account) -> Iterator[str]:
    tally = account.tally
    rate = tally.records / account.seconds if account.seconds > 0 else 0
    skipped = tally.skipped.total()
    others = tally.lines - tally.records - skipped - tally.broken
    is_cut = tally.untaken or account.failure is not None
    what = "joined with another or left" if is_cut else "joined with another"
    yield (
        f"Read {_counted(tally.lines, 'line')} in {_duration(account.seconds)}: "
        f"{_counted(tally.records, 'record')} ({number(round(rate))} a second), "
        f"{number(skipped)} skipped, {number(tally.broken)} broken"
        f"{f', {number(others)} {what}' if others > 0 else ''}."
    )
    if tally.skipped:
        kinds = tally.skipped.most_common(_KINDS_SHOWN)
        rest = len(tally.skipped) - len(kinds)
        more = f", and {rest} more kinds" if rest > 0 else ""
        yield f"Skipped: {_reasons(dict(kinds))}{more}."


def sums(attachments: Mapping[str, AttachmentStats]) -> Table:
    """Return the table in which each row adds up to what was offered."""
    fates = {name: _fates(stats) for name, stats in attachments.items()}
    shown = [
        fate
        for fate in _FATES
        if fate in _ALWAYS_SHOWN or any(counts[fate] for counts in fates.values())
    ]
    titles = [f"{'+' if index else '='} {fate}" for index, fate in enumerate(shown)]
    columns = [
        Column("sink"),
        Column("state"),
        Column("offered", is_number=True),
        *(Column(title, is_number=True) for title in titles),
    ]
    rows = [
        [
            Cell(visible(name), "bold"),
            Cell(stats.state, _STATE_STYLES[stats.state]),
            Cell(number(stats.offered)),
            *(_count(fates[name][fate], _FATES[fate]) for fate in shown),
        ]
        for name, stats in attachments.items()
    ]
    return Table(columns, rows)


def _fates(stats: AttachmentStats) -> dict[str, int]:
    return {
        "delivered": stats.delivered,
        "rejected": stats.rejected,
        "dropped": sum(stats.dropped.values()),
        "sampled out": stats.sampled_out,
        "dead letters": stats.dead_lettered,
        "spooled": stats.spooled,
        "pending": stats.pending,
    }


def _count(count: int, style: Style) -> Cell:
    return Cell(number(count), style if count else "dim")


def _remarks(stats: BusStats) -> Iterator[str]:
    if stats.refused:
        yield f"Refused by the bus: {_reasons(stats.refused)}."
    if stats.warned:
        yield f"Delivered all the same: {_reasons(stats.warned)}."
    for name, one in stats.attachments.items():
        yield from _attachment_remarks(name, one)


def _input_remarks(account: Account) -> Iterator[str]:
    unselected = _unselected(account)
    if unselected > 0:
        yield f"{_counted(unselected, 'record')} selected by no sink."


def _unselected(account: Account) -> int:
    stats = account.stats
    return account.tally.records - stats.emitted - sum(stats.refused.values())


def _attachment_remarks(name: str, stats: AttachmentStats) -> Iterator[str]:
    if stats.dropped:
        yield f"{name} dropped: {_reasons(stats.dropped)}."
    if stats.errors:
        yield f"{name} failed attempts: {_reasons(stats.errors)}."
    if stats.possible_duplicates:
        yield (
            f"{name} may have delivered "
            f"{_counted(stats.possible_duplicates, 'event')} twice."
        )
    if stats.cause is not None:
        yield f"{name} is {stats.state}: {stats.cause}"
    if not stats.balanced:
        yield f"{name} does not add up; this is a fault of eventbus: please report it."


def _verdict(account: Account) -> None:
    text, style = _conclusion(account)
    drawn = console(sys.stderr)
    if drawn is None:
        say(text)
    else:
        drawn.print(visible(text), style=f"bold {style}", markup=False)


def _conclusion(account: Account) -> tuple[str, Style]:
    if account.failure is not None:
        return account.failure, "red"
    how = "" if account.stopped is None else f" Stopped by {account.stopped}."
    if account.lost:
        return f"{_counted(account.lost, 'event')} lost.{how}", "red"
    if account.troubles:
        first = next(iter(account.troubles))
        return f"Every event arrived, but not all that {first} had to send.{how}", "red"
    if account.tally.unread:
        return f"Nothing was lost, but not all of the input was read.{how}", "yellow"
    if not account.tally.lines:
        return f"The input was empty.{how}", "yellow"
    if not account.tally.records:
        return f"{_nothing_found(account)}{how}", "yellow"
    if account.tally.broken:
        broken = _counted(account.tally.broken, "broken line")
        return f"Every record arrived; {broken}.{how}", "yellow"
    if _unselected(account) > 0:
        return f"Everything that a sink selected arrived.{how}", "yellow"
    return f"Everything arrived.{how}", "green"


def _nothing_found(account: Account) -> str:
    lines = _counted(account.tally.lines, "line")
    if account.tally.broken:
        lines += f", {number(account.tally.broken)} of them broken"
    names = dict.fromkeys(plugin.name for plugin in installed(READERS))
    others = [name for name in names if name != account.reader]
    hint = f" Other readers (--reader): {listed(others)}." if others else ""
    reader = "" if account.reader is None else f" {account.reader!r}"
    return f"The reader{reader} found no record in {lines}.{hint}"


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {number(count)}" for reason, count in counts.items())


def _counted(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
