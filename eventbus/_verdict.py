"""What one attempt to deliver means: pure, from a sink's answer or exception."""

from __future__ import annotations

import opcode
from collections.abc import Sequence
from types import TracebackType
from typing import Final

import msgspec

from eventbus._errors import Refused, TooLarge, Unavailable
from eventbus._ledger import WARN_REASONS
from eventbus._sink import Outcome

_RAISE: Final = opcode.opmap["RAISE_VARARGS"]
_MAX_REASON_LENGTH: Final = 256


class Progress(msgspec.Struct, frozen=True):
    """How far a call came that broke off, from the front of its batch.

    Args:
        count: How many records have their outcome.
        rejected: Which of them were refused, by index, and why.
    """

    count: int = 0
    rejected: dict[int, str] = {}


class Delivered(msgspec.Struct, frozen=True):
    """The far side took the batch, but for what is named."""

    rejected: dict[int, str] = {}
    unencodable: dict[int, str] = {}
    warned: dict[str, int] = {}


DELIVERED: Final = Delivered()


class Rejected(msgspec.Struct, frozen=True):
    """The far side will never take this batch."""

    reason: str


class Split(msgspec.Struct, frozen=True):
    """The batch is too large as a whole."""

    reason: str


class Again(msgspec.Struct, frozen=True):
    """The attempt failed.

    Args:
        kind: The error's type, for the counts.
        reason: For people.
        server_delay_seconds: The far side's wish, or ``None``.
        unknown: Whether the far side may have taken it all the same.
        is_fault: Whether it was the sink's own fault: three tries, then set aside.
        progress: How far it came.
    """

    kind: str
    reason: str
    server_delay_seconds: float | None = None
    unknown: bool = False
    is_fault: bool = False
    progress: Progress = Progress()


class Fatal(msgspec.Struct, frozen=True):
    """The sink can go no further, after *progress*."""

    reason: str
    progress: Progress = Progress()


Conclusion = Delivered | Rejected | Split | Fatal
Verdict = Conclusion | Again


def brief(text: str) -> str:
    """Return *text* on one line, bounded, without control characters."""
    line = "".join(c if c.isprintable() else " " for c in text[:_MAX_REASON_LENGTH])
    return " ".join(line.split())


def _text_of(error: BaseException) -> str:
    """Return the text of *error*, whatever its ``__str__`` does."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a raising __str__ is part of what we describe
        return ""


def describe_error(error: BaseException) -> str:
    """Return the type and the text of *error*, whatever its ``__str__`` does."""
    text = _text_of(error)
    return brief(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def judge_answer(answer: object, size: int) -> Verdict:
    """Return what it means that ``write`` returned *answer* for *size* records."""
    if answer is None:
        return DELIVERED
    if not isinstance(answer, Outcome):
        close = getattr(answer, "close", None)
        if hasattr(answer, "__await__") and close is not None:
            close()
        return _violation(f"None or an Outcome, got {type(answer).__name__}")
    try:
        return _judge_outcome(answer, size)
    except Exception as error:  # noqa: BLE001 - what a sink put into it
        return _violation(f"an Outcome of its own types: {describe_error(error)}")


def refuse_awaitable(answer: object, name: str) -> None:
    """Refuse what a plain function should not have returned, and close it.

    Raises:
        TypeError: *answer* has to be awaited, and nobody will.
    """
    if answer is not None and hasattr(answer, "__await__"):
        if (close := getattr(answer, "close", None)) is not None:
            close()
        raise TypeError(f"{name} must be a plain function, not a coroutine")


def _violation(expected: str) -> Again:
    return Again(
        "contract_violation",
        f"write must return {expected}: whether the batch arrived is not known",
        unknown=True,
        is_fault=True,
    )


def _judge_outcome(outcome: Outcome, size: int) -> Delivered:
    taken: set[int] = set()
    rejected, bad = _valid_indexes(outcome.rejected, size, taken)
    unencodable, bad_too = _valid_indexes(outcome.unencodable, size, taken)
    violations = bad + bad_too
    warned = {r: n for r, n in outcome.warned.items() if r in WARN_REASONS and n > 0}
    violations += len(outcome.warned) - len(warned)
    if violations:
        found = warned.get("contract_violation", 0)
        warned["contract_violation"] = found + violations
    return Delivered(rejected, unencodable, warned)


def _valid_indexes(
    pairs: Sequence[tuple[int, str]], size: int, taken: set[int]
) -> tuple[dict[int, str], int]:
    valid: dict[int, str] = {}
    violations = 0
    for pair in pairs:
        match pair:
            case (int(index), reason) if 0 <= index < size and index not in taken:
                taken.add(index)
                valid[index] = brief(str(reason))
            case _:
                violations += 1
    return valid, violations


def judge_error(error: BaseException) -> Verdict:
    """Return what it means that ``write`` raised *error*."""
    match error:
        case Refused(permanent=True):
            return Fatal(brief(_text_of(error)))
        case Refused():
            return Rejected(brief(_text_of(error)))
        case TooLarge():
            return Split(brief(_text_of(error)))
        case Unavailable():
            return Again(
                "Unavailable",
                brief(_text_of(error)),
                _seconds(getattr(error, "retry_after_seconds", None)),
                unknown=getattr(error, "outcome_unknown", False) is True,
                progress=progress_of(error),
            )
        case SystemExit() | KeyboardInterrupt():
            return Fatal(f"it raised {describe_error(error)}", progress_of(error))
        case _:
            kind = type(error).__name__
            return Again(kind, describe_error(error), unknown=True, is_fault=True)


def _seconds(wish: object) -> float | None:
    """Return a far side's wish as seconds; what is no number is no wish."""
    try:
        return None if wish is None else float(wish)  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - the wish may be any value of a stranger's
        return None


def progress_of(error: BaseException) -> Progress:
    """Return how far the call came that *error* broke off, where it says so.

    A sink may put the number of records from the front that did arrive into the
    attribute ``delivered`` of an ``Unavailable``, or of its cancellation.
    """
    progress = getattr(error, "progress", None)
    if isinstance(progress, Progress):
        return progress
    delivered = getattr(error, "delivered", 0)
    return Progress(delivered if isinstance(delivered, int) else 0)


def was_pressed(error: BaseException) -> bool:
    """Return whether *error* is a KeyboardInterrupt that came from the keyboard.

    One that code raised stands at a ``raise``; one from a signal interrupted
    something else.
    """
    if not isinstance(error, KeyboardInterrupt):
        return False
    innermost = _innermost(error.__traceback__)
    if innermost is None:
        return True
    code = innermost.tb_frame.f_code
    if code.co_name == "_on_sigint":  # asyncio.Runner's handler raises it by hand
        return True
    return code.co_code[innermost.tb_lasti] != _RAISE


def _innermost(traceback: TracebackType | None) -> TracebackType | None:
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback
