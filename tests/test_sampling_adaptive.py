from __future__ import annotations

import math

import pytest

from eventbus.sampling import Adaptive
from tests._sampling import DAY, STARTED, HandClock, weights


def adaptive_run(
    adaptive: Adaptive, clock: HandClock, *, per_second: int, seconds: int
) -> list[float]:
    given: list[float] = []
    for _ in range(per_second * seconds):
        clock.now += 1 / per_second
        given.append(adaptive.sample(STARTED))
    return given


def test_adaptive_keeps_everything_below_its_target() -> None:
    clock = HandClock()
    adaptive = Adaptive(100, seed=1, clock=clock)
    assert set(adaptive_run(adaptive, clock, per_second=50, seconds=5)) == {1.0}


@pytest.mark.parametrize("per_second", [200, 2_000])
def test_adaptive_comes_near_its_target_and_its_weights_add_up(per_second: int) -> None:
    clock = HandClock()
    adaptive = Adaptive(50, seed=1, clock=clock)
    adaptive_run(adaptive, clock, per_second=per_second, seconds=5)
    given = adaptive_run(adaptive, clock, per_second=per_second, seconds=20)
    assert sum(map(bool, given)) == pytest.approx(50 * 20, rel=0.15)
    ratio = 50 / per_second
    sigma = math.sqrt(len(given) * (1 - ratio) / ratio)
    assert abs(sum(given) - len(given)) < 3 * sigma


def test_adaptive_answers_a_flood_within_one_moment() -> None:
    adaptive = Adaptive(10, seed=1, clock=HandClock())
    given = weights(adaptive, [STARTED] * 50_000)
    assert sum(map(bool, given)) < 28 * math.log2(50_000)
    assert sum(given) == pytest.approx(50_000, rel=0.5)


@pytest.mark.proves("fault-52")
@pytest.mark.parametrize("step", [49 * DAY, -49 * DAY])
def test_adaptive_survives_a_step_of_the_clock(step: float) -> None:
    clock = HandClock()
    adaptive = Adaptive(50, seed=1, clock=clock)
    adaptive_run(adaptive, clock, per_second=1_000, seconds=3)
    clock.now += step
    adaptive_run(adaptive, clock, per_second=200, seconds=4)
    assert adaptive.ratio == pytest.approx(0.25, rel=0.02)


def test_adaptive_keeps_everything_again_after_an_idle_time() -> None:
    clock = HandClock()
    adaptive = Adaptive(50, seed=1, clock=clock)
    adaptive_run(adaptive, clock, per_second=1_000, seconds=3)
    clock.now += 60
    assert adaptive.sample(STARTED) == 1.0
