from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import pytest

from eventbus import Event, Record, Severity, sampling
from eventbus.sampling import (
    Adaptive,
    AnyOf,
    ByName,
    First,
    KeepIf,
    RateLimit,
    Ratio,
    Sampler,
    for_attachment,
    keep_names,
    keep_severity,
)

COUNT = 20_000
DAY = 86_400.0


class Started(Event, tag="agent.started"): ...


class Sse(Event, tag="agent.sse.frame"): ...


class Failed(Event, tag="job.failed", severity="error"): ...


class LogLine(Event, tag="log.line"):
    severity: Severity = "info"


STARTED = Record(Started(), id="1")
FAILED = Record(Failed(), id="2")


class HandClock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def time_ns(self) -> int:
        raise AssertionError("a sampler must not read the wall clock")

    def monotonic(self) -> float:
        return self.now

    def call_later(self, delay_seconds: float, callback: Callable[[], object]) -> Any:
        raise AssertionError("a sampler must not wait")


def weights(sampler: Sampler, records: Iterable[Record[Any]]) -> list[float]:
    return [sampler.sample(record) for record in records]


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


def test_keep_if_keeps_what_its_predicate_says_and_nothing_else() -> None:
    rule = KeepIf(lambda record: record.id == "1")
    assert weights(rule, [STARTED, FAILED]) == [1.0, 0.0]


def test_an_error_of_a_predicate_is_the_buss_to_count() -> None:
    with pytest.raises(ZeroDivisionError):
        AnyOf(KeepIf(lambda record: 1 / 0), Ratio(0)).sample(STARTED)


def test_a_rule_that_cannot_be_called_is_refused() -> None:
    predicate: Any = "severity >= error"
    with pytest.raises(TypeError, match="predicate must be callable, got 'severity"):
        KeepIf(predicate)


@pytest.mark.proves("D9", "fault-50")
def test_what_a_rule_keeps_weighs_1_and_the_rest_is_sampled() -> None:
    sampler = AnyOf(Ratio(0.1, seed=2), keep_severity("error"))
    given = [(record, sampler.sample(record)) for record in [STARTED, FAILED] * COUNT]
    assert {weight for record, weight in given if record is FAILED} == {1.0}
    assert {weight for record, weight in given if record is STARTED} == {0.0, 10.0}
    total = sum(weight for _, weight in given)
    assert abs(total - 2 * COUNT) < 3 * math.sqrt(COUNT * 9)


@pytest.mark.proves("D9")
@pytest.mark.parametrize(
    ("record", "kept"),
    [
        (Record(Failed()), True),
        (Record(Failed(), severity="info"), False),
        (Record(Started(), severity="fatal"), True),
        (Record(Started(), severity="warn"), False),
        (Record(LogLine(severity="info"), severity="error"), True),
    ],
)
def test_keep_severity_goes_by_the_record_and_then_by_its_type(
    record: Record[Any], kept: bool
) -> None:
    assert keep_severity("error").sample(record) == float(kept)


def test_keep_severity_refuses_an_unknown_one() -> None:
    severity: Any = "warning"
    with pytest.raises(
        ValueError, match=r"least must be one of trace, .* got 'warning'"
    ):
        keep_severity(severity)


@pytest.mark.proves("D9")
def test_keep_names_goes_by_globs() -> None:
    rule = keep_names("*.failed", "log.?ine")
    records = [STARTED, FAILED, Record(LogLine()), Record(Sse())]
    assert weights(rule, records) == [0.0, 1.0, 1.0, 0.0]


def test_keep_names_refuses_a_blank_glob_and_none_at_all() -> None:
    with pytest.raises(ValueError, match=r"keep\[1\] must be a glob .* got ' '"):
        keep_names("*.failed", " ")
    with pytest.raises(ValueError, match="keep_names must be given at least one glob"):
        keep_names()


def test_the_other_sampler_never_sees_what_a_rule_keeps() -> None:
    first = First(1, 60, clock=HandClock())
    sampler = AnyOf(first, keep_names("*.failed"))
    assert weights(sampler, [FAILED, FAILED, STARTED]) == [1.0, 1.0, 1.0]


def test_nested_rules_are_asked_first_too() -> None:
    sampler = AnyOf(AnyOf(Ratio(0), keep_names("*.failed")), keep_names("*.started"))
    assert weights(sampler, [FAILED, STARTED, Record(Sse())]) == [1.0, 1.0, 0.0]


def test_rules_alone_keep_only_what_they_say() -> None:
    assert weights(AnyOf(keep_names("*.failed")), [FAILED, STARTED]) == [1.0, 0.0]


@pytest.mark.parametrize(
    "samplers",
    [
        (Ratio(0.1), Ratio(0.5)),
        (Ratio(0.1), AnyOf(First(1, 1), keep_names("*.failed"))),
    ],
)
def test_two_deciders_are_refused_because_weights_would_be_wrong(
    samplers: tuple[Sampler, ...],
) -> None:
    with pytest.raises(
        ValueError,
        match=r"one other sampler, got 2: Ratio\(0.1\), .*weight would be wrong",
    ):
        AnyOf(*samplers)


def test_any_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="AnyOf must be given at least one sampler"):
        AnyOf()


@pytest.mark.proves("D9")
def test_the_first_glob_that_matches_decides() -> None:
    sampler = ByName(
        {"agent.sse*": 0, "agent.*": 1, "*": First(1, 60, clock=HandClock())},
    )
    records = [Record(Sse()), STARTED, STARTED, FAILED, FAILED]
    assert weights(sampler, records) == [0.0, 1.0, 1.0, 1.0, 0.0]


def test_a_name_that_no_glob_matches_has_the_default() -> None:
    assert ByName({"agent.*": 0}).sample(FAILED) == 1.0
    assert ByName({"agent.*": 1}, default=0).sample(FAILED) == 0.0
    assert ByName({}, default=Ratio(0)).sample(FAILED) == 0.0


def test_the_key_holds_for_rates_given_as_numbers() -> None:
    sampler = ByName({"agent.*": 0.5}, default=0.5, key="trace_id")
    for trace_id, weight in (("f" * 32, 2.0), ("f" * 18 + "0" * 14, 0.0)):
        assert sampler.sample(Record(Started(), trace_id=trace_id)) == weight
        assert sampler.sample(Record(Failed(), trace_id=trace_id)) == weight


@pytest.mark.parametrize(
    ("rates", "error", "message"),
    [
        (
            {"a.*": 2},
            ValueError,
            r"rates\['a.\*'\]: ratio must be between 0 and 1, got 2",
        ),
        ({"a.*": "0.1"}, TypeError, r"rates\['a.\*'\]: ratio must be a number .*'0.1'"),
        ({"a.*": True}, TypeError, r"rates\['a.\*'\]: ratio must be a number .* True"),
        ({"": 0.1}, ValueError, r"rates\[''\] must be a glob on event names, got ''"),
    ],
)
def test_a_bad_rate_is_refused_at_its_glob(
    rates: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ByName(rates)


def test_a_bad_default_is_refused_by_its_name() -> None:
    with pytest.raises(
        ValueError, match="default: ratio must be between 0 and 1, got 5"
    ):
        ByName({}, default=5)


@pytest.mark.parametrize(
    "sampler",
    [
        First(1, 60),
        RateLimit(0.001, 1),
        AnyOf(keep_names("*.failed"), First(1, 60)),
        ByName({"agent.*": First(1, 60)}),
        ByName({}, default=First(1, 60)),
    ],
    ids=repr,
)
def test_each_attachment_has_a_state_of_its_own_on_its_own_clock(
    sampler: Sampler,
) -> None:
    clock = HandClock()
    mine, other = for_attachment(sampler, clock), for_attachment(sampler, clock)
    assert weights(mine, [STARTED, STARTED]) == [1.0, 0.0]
    assert other.sample(STARTED) == 1.0
    clock.now += 1_001
    assert mine.sample(STARTED) == 2.0


@pytest.mark.parametrize("sampler", [Ratio(0.2, key="x", seed=3), Adaptive(7, seed=1)])
def test_an_attachments_sampler_has_the_same_settings(sampler: Sampler) -> None:
    assert repr(for_attachment(sampler, HandClock())) == repr(sampler)


def test_a_strangers_sampler_is_used_as_it_is() -> None:
    class Mine:
        def sample(self, record: Record[Any]) -> float:
            return 3.0

    mine = Mine()
    assert for_attachment(mine, HandClock()) is mine
    assert AnyOf(keep_names("*.failed"), mine).sample(STARTED) == 3.0


def test_a_sampler_shows_its_settings() -> None:
    sampler = AnyOf(
        ByName({"agent.*": First(2, 10)}, default=RateLimit(5, 10)),
        keep_severity("error"),
        keep_names("*.failed", "*.lost"),
    )
    assert repr(sampler) == (
        "AnyOf(KeepIf(severity >= error), KeepIf(*.failed, *.lost), "
        "ByName({'agent.*': First(2, 10)}, default=RateLimit(5, burst=10)))"
    )


def test_everything_public_has_a_docstring() -> None:
    for name in sampling.__all__:
        assert getattr(sampling, name).__doc__, name


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
