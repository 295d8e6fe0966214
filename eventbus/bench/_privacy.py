"""What looking for secrets costs, in C: one turn of an empty function's loop.

Each text is a kibibyte without a secret: prose, lines of a log, JSON. Redaction is of
events with one such text each, a batch of 512, as the seal hands them over.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Final

from eventbus._catalog import describe
from eventbus._event import Event, Sensitive
from eventbus.bench._contest import Contender, Effort, Measured, Part, Sample
from eventbus.bench._figures import Row, at_most
from eventbus.bench._yardstick import Turns, turn_ns
from eventbus.privacy._content import FULL_CONTENT, REDACTED_CONTENT, Content
from eventbus.privacy._policy import Policies
from eventbus.privacy._privacy import Privacy

TURNS: Final = 60
BATCH: Final = 512
SIZE: Final = 1024

_PROSE: Final = (
    "The review was done by two people, and both agreed: it reads well. Nobody asked "
    "for more, so the change went in on the same day. "
)
_LOG: Final = (
    '2026-11-22T02:16:20Z level=info msg="request done" path=/v1/items status=200 '
    "duration_ms=12.5 user_id=42 host=web-1\n"
)
_JSON: Final = (
    '{"path": "/v1/items", "status": 200, "name": "read_file", "lines": [1, 2]}\n'
)


class Said(Event, tag="bench.said"):
    """An event with a text, and with one that is content."""

    text: str
    content: Annotated[str, Sensitive] = ""


def _texts(line: str) -> list[str]:
    long = line * (SIZE // len(line) + 2)
    return [long[start : start + SIZE] for start in range(len(line))]


def scanned(line: str) -> Contender:
    """Return the contender that looks for secrets in texts made of *line*."""

    def contend(effort: Effort) -> Sample:
        found, texts = Turns(), _texts(line)
        policies = Policies(Privacy(), _never)
        cleaned = policies.scanner.cleaned
        for _ in range(effort.of(TURNS)):
            found.empty(texts)
            found.own(turn_ns(cleaned, texts))
        if any(cleaned(text) is not text for text in texts):
            raise AssertionError("there was a secret in it")
        return found.sample()

    return contend


def redacted(content: Content) -> Contender:
    """Return the contender that redacts a batch for those who get *content*."""

    def contend(effort: Effort) -> Sample:
        found, texts = Turns(), _texts(_PROSE)
        events = [
            Said(text=f"{n} {texts[n % len(texts)]}"[:SIZE], content="x")
            for n in range(BATCH)
        ]
        redaction = Policies(Privacy(), _never).of(content).of(describe(Said))
        if redaction is None:
            raise AssertionError("there is nothing to do")
        for _ in range(effort.of(TURNS)):
            found.empty(events)
            began = time.perf_counter_ns()
            redaction.cleaned(events)
            found.own((time.perf_counter_ns() - began) / len(events))
        return found.sample()

    return contend


def _never() -> None:
    raise AssertionError("it could not be looked at")


_BOUNDED: Final = ("1 KiB of prose", "1 KiB of a log", "1 KiB of JSON")
CONTENDERS: Final[dict[str, Contender]] = {
    "1 KiB of prose": scanned(_PROSE),
    "1 KiB of a log": scanned(_LOG),
    "1 KiB of JSON": scanned(_JSON),
    "an event with 1 KiB of prose, content redacted": redacted(REDACTED_CONTENT),
    "an event with 1 KiB of prose, content full": redacted(FULL_CONTENT),
}


def rows(found: Mapping[str, Measured]) -> list[Row]:
    """Return a row for each contender."""
    return [
        Row(
            what=name,
            ratio=measured.in_c,
            unit="C",
            figure=measured.value,
            bound=at_most(300, 100) if name in _BOUNDED else None,
        )
        for name, measured in found.items()
    ]


PART: Final = Part(
    title="Looking for secrets (C: one turn of an empty function's loop)",
    module=__name__,
    contenders=tuple(CONTENDERS),
    rows=rows,
)
