from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

from eventbus import Retry
from eventbus._retry import Backoff, RetryBudget

DRAWS = 10_000


class Top(Random):
    """Draws the largest wait there is."""

    def random(self) -> float:
        return math.nextafter(1.0, 0.0)

    def uniform(self, a: float, b: float) -> float:
        return b


def backoff(*, seed: int = 1, **retry: Any) -> Backoff:
    return Backoff(Retry(**retry), Random(seed))


def longest(**retry: Any) -> Backoff:
    return Backoff(Retry(**retry), Top())


def kolmogorov_smirnov(draws: list[float], upper: float) -> float:
    """Return the largest gap between *draws* and uniform between 0 and *upper*."""
    ordered = [draw / upper for draw in sorted(draws)]
    count = len(ordered)
    return max(
        max(value - place / count, (place + 1) / count - value)
        for place, value in enumerate(ordered)
    )


@pytest.mark.proves("fault-54")
@pytest.mark.parametrize(
    ("attempt", "bound"),
    [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (1_000_000, 30)],
)
def test_waits_are_uniform_up_to_the_doubled_bound_and_never_above_the_cap(
    attempt: int, bound: float
) -> None:
    waits = backoff(seed=attempt)
    draws = [waits.jittered(attempt) for _ in range(DRAWS)]
    assert min(draws) >= 0
    assert max(draws) <= bound <= 30
    # 1.63 / sqrt(n): one honest sample in a hundred is further off
    assert kolmogorov_smirnov(draws, bound) < 1.63 / math.sqrt(DRAWS)


@pytest.mark.parametrize(
    ("retry", "bounds"),
    [
        ({"initial_seconds": 0.5, "max_seconds": 3}, [0.5, 1, 2, 3, 3]),
        ({"initial_seconds": 5, "max_seconds": 5}, [5, 5, 5, 5, 5]),
        ({"initial_seconds": 1e-9, "max_seconds": 1}, [1e-9, 2e-9, 4e-9, 8e-9, 16e-9]),
    ],
)
def test_the_bounds_are_settings(retry: dict[str, float], bounds: list[float]) -> None:
    waits = longest(**retry)
    assert [waits.jittered(n) for n in range(1, 6)] == pytest.approx(bounds)


@pytest.mark.proves("fault-54")
def test_200_attachments_that_failed_together_do_not_come_back_together() -> None:
    first = sorted(backoff(seed=seed).jittered(1) for seed in range(200))
    busiest = max(
        sum(start <= other < start + 0.1 for other in first) for start in first
    )
    assert busiest < 200 / 4


@pytest.mark.proves("fault-54")
def test_it_gives_up_when_the_next_attempt_would_come_too_late() -> None:
    waits = longest(initial_seconds=10, max_seconds=10, max_elapsed_seconds=300)
    assert waits.next_delay(1, elapsed_seconds=290) == 10
    assert waits.next_delay(1, elapsed_seconds=290.5) is None


@pytest.mark.proves("fault-54")
def test_with_no_limit_it_never_gives_up() -> None:
    waits = longest(max_elapsed_seconds=0)
    assert waits.next_delay(10**6, elapsed_seconds=1e9) == 30


@pytest.mark.proves("fault-55")
@pytest.mark.parametrize(
    ("asked", "waited"),
    [(0, 30), (2, 30), (30, 30), (45.5, 45.5), (300, 300), (1e9, 300), (math.inf, 300)],
)
def test_the_wait_is_the_longer_of_ours_and_the_far_sides_up_to_a_limit(
    asked: float, waited: float
) -> None:
    waits = longest()
    assert waited == waits.next_delay(9, elapsed_seconds=1, server_delay_seconds=asked)


@pytest.mark.proves("fault-55")
@pytest.mark.parametrize("asked", [None, -5, -0.001, -math.inf, math.nan])
def test_a_delay_that_is_none_is_plain_backoff(asked: float | None) -> None:
    plain, other = backoff(seed=4), backoff(seed=4)
    assert other.next_delay(
        3, elapsed_seconds=1, server_delay_seconds=asked
    ) == plain.next_delay(3, elapsed_seconds=1)


@pytest.mark.proves("fault-55")
def test_a_long_delay_is_waited_for_though_it_passes_the_limit_once() -> None:
    waits = longest(max_elapsed_seconds=60)
    asked = {"server_delay_seconds": 250.0}
    assert waits.next_delay(1, elapsed_seconds=10, **asked) == 250
    assert waits.next_delay(2, elapsed_seconds=260, **asked) is None


def test_the_longest_delay_is_a_setting() -> None:
    waits = longest(max_server_delay_seconds=0)
    assert waits.next_delay(1, elapsed_seconds=0, server_delay_seconds=9) == 1


def test_beyond_the_budget_each_wait_is_the_longest() -> None:
    waits = backoff(seed=1)
    assert waits.next_delay(1, elapsed_seconds=1, over_budget=True) == 30


def test_a_lone_batch_may_be_tried_again() -> None:
    budget = RetryBudget(0.2)
    budget.deposit(512, 0.0)
    assert all(budget.spend(512, now) for now in (1.0, 3.0, 7.0, 15.0, 31.0))


def test_beyond_the_free_ones_retries_stay_within_their_share() -> None:
    budget = RetryBudget(0.2)
    budget.deposit(1_000, 0.0)
    granted = [budget.spend(10, 0.0) for _ in range(100)]
    assert sum(granted) == 20
    assert granted == [True] * 20 + [False] * 80


@pytest.mark.parametrize("ratio", [0.0, 0.2, 1.0])
def test_the_share_holds_whatever_the_order(ratio: float) -> None:
    budget, random = RetryBudget(ratio), Random(3)
    fresh = again = retries = 0
    for _ in range(5_000):
        size = random.randrange(1, 600)
        if random.random() < 0.5:
            budget.deposit(size, 0.0)
            fresh += size
        elif budget.spend(size, 0.0):
            again += size
            retries += 1
            assert retries <= 10 or again <= ratio * fresh


def test_what_is_refused_takes_nothing() -> None:
    budget = RetryBudget(0.5)
    for _ in range(10):
        budget.spend(1, 0.0)
    budget.deposit(40, 0.0)
    assert not budget.spend(11, 0.0)
    assert budget.spend(10, 0.0)


def test_the_budget_looks_back_one_minute() -> None:
    budget = RetryBudget(0.2)
    for _ in range(10):
        assert budget.spend(512, 5.0)
    assert not budget.spend(1, 64.9)
    assert budget.spend(512, 65.0)


@pytest.mark.parametrize("ratio", [-0.1, 1.1, math.nan])
def test_a_share_out_of_range_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match=f"ratio must be between 0 and 1, got {ratio}"):
        RetryBudget(ratio)
