from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from eventbus import Record
from eventbus.sampling import Adaptive, First, RateLimit, Sampler
from tests._sampling import DAY, FAILED, STARTED, HandClock, Started, weights


@pytest.mark.parametrize("per_second", [0, -1, math.nan, math.inf])
@pytest.mark.parametrize("make", [RateLimit, Adaptive])
def test_a_rate_out_of_range_is_refused(
    make: Callable[[float], Sampler], per_second: float
) -> None:
    with pytest.raises(
        ValueError, match=rf"per_second must be between 1e-06 and .*, got {per_second}"
    ):
        make(per_second)


@pytest.mark.parametrize("burst", [0, 0.5, -1, math.nan, math.inf])
def test_a_burst_out_of_range_is_refused(burst: float) -> None:
    with pytest.raises(
        ValueError, match=rf"burst must be between 1 and .*, got {burst}"
    ):
        RateLimit(10, burst)


@pytest.mark.parametrize("n", [0, -1])
def test_a_period_of_no_records_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match=rf"n must be between 1 and .*, got {n}"):
        First(n, 1)


@pytest.mark.parametrize("n", [1.5, True, "3"])
def test_a_period_of_part_of_a_record_is_refused(n: Any) -> None:
    with pytest.raises(TypeError, match="n must be a whole number from 1, got"):
        First(n, 1)


@pytest.mark.parametrize("seconds", [0, -1, math.nan])
def test_a_period_of_no_length_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"per_seconds must be between 0.001 and"):
        First(1, seconds)


@pytest.mark.parametrize("now", [0.0, 1_000.0])
def test_a_rate_limit_keeps_its_burst_and_then_its_rate(now: float) -> None:
    clock = HandClock()
    clock.now = now
    limit = RateLimit(10, 5, clock=clock)
    assert sum(map(bool, weights(limit, [STARTED] * 100))) == 5
    for _ in range(50):
        clock.now += 0.1
        assert sum(map(bool, weights(limit, [STARTED] * 3))) == 1
        assert limit._buckets[""].tokens >= 0


def test_a_rate_limit_without_a_burst_saves_up_one_second() -> None:
    assert RateLimit(10).burst == 10
    assert RateLimit(0.1).burst == 1


@pytest.mark.proves("fault-50")
@pytest.mark.parametrize(
    "make", [lambda c: RateLimit(1, 1, clock=c), lambda c: First(1, 1, clock=c)]
)
def test_a_kept_record_stands_for_those_left_out_before_it(
    make: Callable[[HandClock], Sampler],
) -> None:
    clock = HandClock()
    sampler = make(clock)
    assert weights(sampler, [STARTED] * 4) == [1.0, 0.0, 0.0, 0.0]
    clock.now += 1
    assert weights(sampler, [STARTED] * 2) == [4.0, 0.0]
    clock.now += 1
    assert weights(sampler, [STARTED]) == [2.0]


def test_a_kept_record_stands_for_its_own_event_type_only() -> None:
    clock = HandClock()
    limit = RateLimit(1, 1, clock=clock)
    weights(limit, [STARTED, FAILED, FAILED, STARTED])
    clock.now += 1
    assert limit.sample(STARTED) == 2.0
    clock.now += 1
    assert limit.sample(FAILED) == 3.0


def test_a_kept_record_stands_for_the_weight_of_those_left_out() -> None:
    clock = HandClock()
    limit = RateLimit(1, 1, clock=clock)
    weights(limit, [STARTED, Record(Started(), weight=10.0)])
    clock.now += 1
    relayed = Record(Started(), weight=4.0)
    assert relayed.weight * limit.sample(relayed) == 4.0 + 10.0


@pytest.mark.proves("D8")
@pytest.mark.parametrize("seed", range(5))
def test_weights_restore_counts_by_type_but_for_the_last_stretch(seed: int) -> None:
    random, clock = Random(seed), HandClock()
    sampler = random.choice([RateLimit(3, 2, clock=clock), First(2, 0.7, clock=clock)])
    offered, restored = Counter[str](), Counter[str]()
    left_out = Counter[str]()
    for _ in range(3_000):
        clock.now += random.expovariate(20)
        record = random.choice([STARTED, FAILED])
        offered[record.name] += 1
        weight = sampler.sample(record)
        restored[record.name] += int(weight)
        left_out[record.name] = 0 if weight else left_out[record.name] + 1
        assert offered == restored + left_out


@pytest.mark.proves("fault-52")
def test_an_idle_time_of_49_days_saves_up_no_more_than_the_burst() -> None:
    clock = HandClock()
    limit = RateLimit(10, 5, clock=clock)
    weights(limit, [STARTED] * 100)
    clock.now += 49.7103 * DAY
    assert sum(map(bool, weights(limit, [STARTED] * 100))) == 5


@pytest.mark.proves("fault-52")
@pytest.mark.parametrize("step", [-1.0, -49 * DAY, -(2.0**32)])
def test_a_clock_that_steps_back_gives_nothing_and_takes_nothing(step: float) -> None:
    clock = HandClock()
    limit = RateLimit(10, 5, clock=clock)
    weights(limit, [STARTED] * 3)
    clock.now += step
    assert sum(map(bool, weights(limit, [STARTED] * 100))) == 2
    clock.now += 0.15
    assert sum(map(bool, weights(limit, [STARTED] * 100))) == 1


@pytest.mark.proves("fault-52")
def test_tokens_stay_between_none_and_the_burst_whatever_the_clock_does() -> None:
    random, clock = Random(9), HandClock()
    limit = RateLimit(10, 5, clock=clock)
    for _ in range(5_000):
        clock.now += random.choice([0, 1e-9, 0.03, 0.1, 1, 49 * DAY, -1, -49 * DAY])
        weights(limit, [STARTED] * random.randrange(8))
        assert 0 <= limit._buckets[""].tokens <= 5


def test_first_keeps_the_first_of_every_period() -> None:
    clock = HandClock()
    first = First(2, 10, clock=clock)
    assert sum(map(bool, weights(first, [STARTED] * 5))) == 2
    clock.now += 9.9
    assert not first.sample(STARTED)
    clock.now += 0.1
    assert sum(map(bool, weights(first, [STARTED] * 5))) == 2


def test_a_period_begins_with_its_first_record() -> None:
    clock = HandClock()
    first = First(1, 10, clock=clock)
    clock.now += 9
    assert first.sample(STARTED)
    clock.now += 9
    assert not first.sample(STARTED)
    clock.now += 1
    assert first.sample(STARTED)


@pytest.mark.proves("fault-52")
def test_a_clock_that_steps_back_begins_no_new_period() -> None:
    clock = HandClock()
    first = First(2, 10, clock=clock)
    weights(first, [STARTED] * 5)
    for _ in range(10):
        clock.now -= DAY
        assert not first.sample(STARTED)
    clock.now += 10
    assert first.sample(STARTED)


@pytest.mark.proves("D10")
def test_a_limit_by_name_throttles_each_event_type_alone_and_says_how_many() -> None:
    clock = HandClock()
    limit = RateLimit(1, 1, key="name", clock=clock)
    assert weights(limit, [STARTED, FAILED, STARTED, FAILED, FAILED]) == [1, 1, 0, 0, 0]
    clock.now += 1
    assert weights(limit, [STARTED, FAILED]) == [2.0, 3.0]


@pytest.mark.proves("D10")
def test_a_limit_by_key_throttles_each_value_alone() -> None:
    clock = HandClock()
    limit = RateLimit(1, 1, key="tenant", clock=clock)
    loud = Record(Started(), attributes={"tenant": "loud"})
    quiet = Record(Started(), attributes={"tenant": "quiet"})
    assert weights(limit, [loud] * 3) == [1, 0, 0]
    assert limit.sample(quiet) == 3.0


def test_a_limit_by_key_remembers_a_bounded_number_of_values() -> None:
    limit = RateLimit(1, 1, key="tenant", clock=HandClock())
    for number in range(20_000):
        limit.sample(Record(Started(), attributes={"tenant": str(number)}))
    assert len(limit._buckets) == 10_000


def test_a_limit_by_key_keeps_its_key_at_each_attachment() -> None:
    limit = RateLimit(1, key="name")
    assert limit.for_attachment(HandClock()).key == "name"
    assert repr(limit) == "RateLimit(1, burst=1.0, key='name')"
