"""Which ids a span has: its own, its record's, or ones that are made."""

from __future__ import annotations

from typing import Any

import pytest

from tests.otlp._both import spans
from tests.otlp._events import SPAN_ID
from tests.otlp.test_encode_spans import Failure, Tool, made

ABOVE = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("span_id", "above"),
    [(None, ABOVE), ("xyz", ABOVE), (SPAN_ID, "xyz"), (SPAN_ID, None)],
)
def test_a_record_with_one_id_that_is_none_is_no_span_itself(
    span_id: str | None, above: str | None
) -> None:
    [span] = spans(made(Tool(), span_id=span_id, parent_span_id=above))
    assert span.span_id.hex() not in ("", SPAN_ID, ABOVE)
    assert span.parent_span_id.hex() == (SPAN_ID if span_id == SPAN_ID else "")


def test_an_id_of_its_own_wins_over_that_of_the_record() -> None:
    own = "1" * 16
    [span] = spans(made(Failure(own_id=own), parent_span_id=ABOVE))
    assert (span.span_id.hex(), span.parent_span_id.hex()) == (own, SPAN_ID)


@pytest.mark.parametrize("own_id", [5, "xyz", "0" * 16])
def test_an_id_of_its_own_that_is_none_is_made(own_id: Any) -> None:
    [span] = spans(made(Failure(own_id=own_id)))
    [other] = spans(made(Failure()))
    assert span.span_id == other.span_id


def test_an_id_of_a_record_may_be_any_text() -> None:
    [span] = spans(made(Tool(), id="\ud800"))
    assert len(span.span_id) == 8
