"""What is told of a turn while it runs: its first words, its diff, its compaction."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Unpack

from eventbus import Label, Sensitive, Severity, Unit
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._session import Model, Tokens
from eventbus_schemas._texts import byte_length
from eventbus_schemas._threads import OfThread, ThreadDetails
from eventbus_schemas._turn_ids import OfRequest

_hunk: Final = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@").match

CompactionStage = Literal["started", "completed", "failed", "unknown"]


class TurnFirst(OfRequest, gc=False):
    """Something came for the first time in a turn; a base of events.

    Args:
        duration_ms: From the turn's start.
        model: The model asked for.
    """

    duration_ms: Annotated[float, Unit("ms")]
    model: Model = None


class TurnFirstToken(
    TurnFirst, tag="agent.turn_first_token", metrics=SESSION_METRICS, gc=False
):
    """The first token of a turn came in."""


class TurnFirstMessage(
    TurnFirst, tag="agent.turn_first_message", metrics=SESSION_METRICS, gc=False
):
    """The first message of a turn came in."""


class TurnDiffUpdated(
    OfThread, tag="agent.turn_diff_updated", metrics=SESSION_METRICS, gc=False
):
    """What a turn has changed so far is known anew.

    Args:
        diff: The whole change as a unified diff.
        diff_length: Length of ``diff``.
        lines_added: Lines that ``diff`` adds.
        lines_removed: Lines that ``diff`` removes.
    """

    diff: Annotated[str, Sensitive] = ""
    diff_length: Annotated[int, Unit("By")] = 0
    lines_added: Annotated[int, Unit("{line}")] = 0
    lines_removed: Annotated[int, Unit("{line}")] = 0

    @classmethod
    def from_text(cls, diff: str, **details: Unpack[ThreadDetails]) -> TurnDiffUpdated:
        """Make one with the length of *diff* and the number of its lines."""
        added, removed = changed_lines(diff)
        return cls(
            diff=diff,
            diff_length=byte_length(diff),
            lines_added=added,
            lines_removed=removed,
            **details,
        )


def changed_lines(diff: str) -> tuple[int, int]:
    """Return how many lines a unified *diff* adds, and how many it removes.

    Only the lines inside of hunks count, of which ``@@ -1,3 +1,4 @@`` says how many
    there are: so the two lines that name the files are not taken for others.
    """
    added = removed = 0
    old_left = new_left = 0
    for line in diff.split("\n"):
        if old_left <= 0 and new_left <= 0:
            hunk = _hunk(line)
            if hunk is not None:
                old_left, new_left = (int(count or 1) for count in hunk.groups())
        elif line.startswith("+"):
            added, new_left = added + 1, new_left - 1
        elif line.startswith("-"):
            removed, old_left = removed + 1, old_left - 1
        elif not line.startswith("\\"):  # "\\ No newline at end of file"
            old_left, new_left = old_left - 1, new_left - 1
    return added, removed


class TurnCompaction(
    OfThread, tag="agent.turn_compaction", metrics=SESSION_METRICS, gc=False
):
    """The history of a thread is made shorter.

    Args:
        stage: How far that came; what is not in the set is ``"unknown"``.
        tokens_saved: Tokens that the history is shorter by.
        compaction: What more is told of it, as JSON.
        compaction_length: Length of ``compaction``.
        severity: ``"warn"`` when it failed.
    """

    stage: Annotated[CompactionStage, Label]
    tokens_saved: Tokens = None
    compaction: Annotated[str | None, Sensitive] = None
    compaction_length: Annotated[int | None, Unit("By")] = None
    severity: Severity = "info"

    @classmethod
    def of(
        cls,
        stage: CompactionStage,
        *,
        tokens_saved: int | None = None,
        compaction: str | None = None,
        severity: Severity | None = None,
        **details: Unpack[ThreadDetails],
    ) -> TurnCompaction:
        """Make one with the length and the severity that belong to it."""
        return cls(
            stage=stage,
            tokens_saved=tokens_saved,
            compaction=compaction,
            compaction_length=None if compaction is None else byte_length(compaction),
            severity=severity or ("warn" if stage == "failed" else "info"),
            **details,
        )
