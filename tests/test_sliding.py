from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest

from eventbus._sliding import SlidingSum
from tests._between import Between, core, every_place, interrupt


def test_what_is_within_the_window_adds_up() -> None:
    total = SlidingSum(10, slots=10)
    total.add(1, 100.0)
    total.add(2, 109.9)
    assert total.total(109.9) == 3


def test_what_is_older_than_the_window_is_gone() -> None:
    total = SlidingSum(10, slots=10)
    total.add(1, 100.0)
    total.add(2, 105.0)
    assert total.total(110.0) == 2
    assert total.total(115.0) == 0


def test_a_long_silence_leaves_nothing() -> None:
    total = SlidingSum(10, slots=10)
    total.add(5, 3.0)
    assert total.total(1e12) == 0


def test_a_clock_that_stands_still_or_steps_back_loses_nothing() -> None:
    total = SlidingSum(10, slots=10)
    total.add(5, 100.0)
    total.add(1, 50.0)
    assert total.total(0.0) == 6


def test_clear_forgets_everything() -> None:
    total = SlidingSum(10, slots=10)
    total.add(5, 1.0)
    total.clear()
    assert total.total(1.0) == 0


@pytest.mark.parametrize("seed", range(3))
def test_the_sum_is_exact_to_one_slot_at_any_moment(seed: int) -> None:
    random, total, now = Random(seed), SlidingSum(10, slots=100), 1e6
    added: list[tuple[float, int]] = []
    for _ in range(2_000):
        now += random.expovariate(3)
        amount = random.randrange(5)
        total.add(amount, now)
        added.append((now, amount))
        surely = sum(n for at, n in added if at > now - 9.89)
        possibly = sum(n for at, n in added if at > now - 10.01)
        assert surely <= total.total(now) <= possibly
        added = added[-200:]
    assert len(total._amounts) == 100


def test_an_interrupt_at_any_line_leaves_the_sum_right() -> None:
    def run(place: int) -> bool:
        total = SlidingSum(10, slots=10)
        total.add(3, 1.0)
        total.add(4, 5.0)
        with (
            Between([place], interrupt, core("sliding")) as between,
            suppress(KeyboardInterrupt),
        ):
            total.total(12.5)
        assert [total.total(now) for now in (12.5, 30.0, 60.0)] == [4, 0, 0]
        return between.reached

    assert every_place(run) > 10
