from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import Any

import pytest

from eventbus import Record
from eventbus.sampling import Ratio
from tests._sampling import COUNT, STARTED, Started, weights


@pytest.mark.proves("D8", "fault-48")
@pytest.mark.parametrize("ratio", [0.001, 0.01, 0.1, 0.5, 0.9])
def test_luck_keeps_its_ratio_within_three_sigma(ratio: float) -> None:
    kept = weights(Ratio(ratio, seed=7), [STARTED] * COUNT)
    expected = COUNT * ratio
    assert abs(sum(map(bool, kept)) - expected) < 3 * math.sqrt(expected * (1 - ratio))


@pytest.mark.proves("D8", "fault-50")
@pytest.mark.parametrize("ratio", [0.001, 0.01, 0.1, 0.5, 0.9])
def test_the_weights_of_luck_add_up_within_three_sigma(ratio: float) -> None:
    total = sum(weights(Ratio(ratio, seed=7), [STARTED] * COUNT))
    assert abs(total - COUNT) < 3 * math.sqrt(COUNT * (1 - ratio) / ratio)


def test_luck_is_not_a_rhythm() -> None:
    kept = weights(Ratio(0.25, seed=3), [STARTED] * COUNT)
    places = [place for place, weight in enumerate(kept) if weight]
    gaps = Counter(b - a for a, b in itertools.pairwise(places))
    for gap in (1, 2, 3, 4):
        expected = len(places) * 0.25 * 0.75 ** (gap - 1)
        assert abs(gaps[gap] - expected) < 4 * math.sqrt(expected)


def test_a_seed_repeats_the_luck() -> None:
    first, again = (weights(Ratio(0.1, seed=5), [STARTED] * 500) for _ in range(2))
    assert first == again


@pytest.mark.proves("fault-49")
@pytest.mark.parametrize("key", [None, "trace_id"])
def test_ratio_0_keeps_nothing(key: str | None) -> None:
    top = Record(Started(), trace_id="f" * 32)
    assert set(weights(Ratio(0, key=key), [top] * 1_000)) == {0.0}


@pytest.mark.proves("fault-49")
@pytest.mark.parametrize("key", [None, "trace_id"])
def test_ratio_1_keeps_everything_with_weight_1(key: str | None) -> None:
    bottom = Record(Started(), trace_id="f" * 18 + "0" * 14)
    assert set(weights(Ratio(1, key=key), [bottom] * 1_000)) == {1.0}


@pytest.mark.proves("fault-49")
def test_ratio_1e_9_is_exact() -> None:
    by_trace = Ratio(1e-9, key="trace_id")
    threshold = 2**56 - 72_057_594
    kept = Record(Started(), trace_id=f"{threshold:032x}")
    left_out = Record(Started(), trace_id=f"{threshold - 1:032x}")
    assert by_trace.sample(kept) == pytest.approx(1e9)
    assert by_trace.sample(left_out) == 0.0
    assert not any(weights(Ratio(1e-9, seed=1), [STARTED] * 1_000))


@pytest.mark.proves("fault-49")
@pytest.mark.parametrize("ratio", [-1, 2, math.nan, math.inf, -0.001, 1.001])
def test_a_ratio_out_of_range_is_refused(ratio: float) -> None:
    with pytest.raises(
        ValueError, match=f"^ratio must be between 0 and 1, got {ratio}$"
    ):
        Ratio(ratio)


@pytest.mark.proves("fault-49")
@pytest.mark.parametrize("ratio", ["0.1", True, None, [0.1]])
def test_a_ratio_that_is_no_number_is_refused(ratio: Any) -> None:
    with pytest.raises(TypeError) as refused:
        Ratio(ratio)
    assert str(refused.value) == (
        f"ratio must be a number between 0 and 1, got {ratio!r}"
    )


@pytest.mark.proves("fault-49")
def test_a_ratio_below_56_bits_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"ratio must be 0, or between 2\*\*-56 and 1, got 1e-20"
    ):
        Ratio(1e-20)


def test_a_ratio_says_what_a_bus_needs_to_decide_early() -> None:
    assert Ratio(0.1).keyless
    assert not Ratio(0.1, key="trace_id").keyless
    assert Ratio(0.1).ratio == 0.1
