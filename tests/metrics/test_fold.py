from __future__ import annotations

import math
from bisect import bisect_left
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from eventbus.metrics._fold import fold, fold_repeated, last_of

BOUNDS = (0.0, 1.0, 2.5, 10.0)

NUMBERS = st.one_of(
    st.floats(min_value=0, max_value=1e300, allow_nan=False),
    st.integers(min_value=0, max_value=10**20),
    st.sampled_from([0, 1, 2.5, 10.0, 10]),
)
ODD = st.sampled_from(
    [None, UNSET, math.nan, math.inf, -math.inf, -1, "7", [], 10**400, object()]
)


def buckets_of(values: list[Any]) -> dict[int, int]:
    found: dict[int, int] = {}
    for value in values:
        bucket = bisect_left(BOUNDS, value)
        found[bucket] = found.get(bucket, 0) + 1
    return found


@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=1))
def test_numbers_are_folded_as_one_by_one(values: list[Any]) -> None:
    folded = fold(values, BOUNDS)
    assert folded.count == len(values)
    assert folded.total == pytest.approx(sum(values))
    assert (folded.low, folded.high) == (min(values), max(values))
    assert folded.buckets == buckets_of(values)
    assert folded.invalid == 0


@pytest.mark.proves("fault-1")
@settings(deadline=None)
@given(st.lists(st.one_of(NUMBERS, ODD), min_size=1))
def test_what_is_no_number_is_counted_and_costs_no_other_value(
    values: list[Any],
) -> None:
    good = [
        value
        for value in values
        if isinstance(value, int | float) and 0 <= value <= 1e308
    ]
    folded = fold(values, BOUNDS)
    assert folded.count == len(good)
    assert folded.buckets == buckets_of(good)
    assert math.isfinite(folded.total)
    absent = sum(value is None or value is UNSET for value in values)
    assert folded.invalid == len(values) - len(good) - absent


@settings(deadline=None)
@given(st.lists(st.tuples(NUMBERS, st.integers(0, 50)), min_size=1))
def test_repeated_values_are_as_many_single_ones(pairs: list[tuple[Any, int]]) -> None:
    values, times = zip(*pairs, strict=True)
    single = [value for value, often in pairs for _ in range(often)]
    folded = fold_repeated(values, times, BOUNDS)
    if single:
        alike = fold(single, BOUNDS)
        assert folded.total == pytest.approx(alike.total)
        assert folded.count == alike.count
        assert folded.buckets == alike.buckets
        assert (folded.low, folded.high) == (alike.low, alike.high)
    else:
        assert folded.count == 0


def test_a_sum_beyond_floats_stays_finite() -> None:
    assert fold([1.7e308] * 3, ()).total == 1.7976931348623157e308
    assert fold([1.7e308, None, 10**308, 1.7e308], ()).total == 1.7976931348623157e308


def test_a_sum_of_repeated_values_beyond_floats_stays_finite() -> None:
    assert fold_repeated([1e308], [100], ()).total == 1.7976931348623157e308


def test_a_number_of_another_kind_is_none_here() -> None:
    folded = fold([1, Decimal(2)], ())
    assert (folded.count, folded.total, folded.invalid) == (1, 1, 1)


def test_optional_integers_stay_integers() -> None:
    folded = fold([1, None, 2], ())
    assert folded.total == 3
    assert type(folded.total) is int


def test_the_last_number_is_the_gauge_s_value_even_below_zero() -> None:
    assert last_of([1, -2.5, None, math.nan]).total == -2.5
    assert last_of([1, math.nan]).invalid == 1
    assert last_of([None]).count == 0
