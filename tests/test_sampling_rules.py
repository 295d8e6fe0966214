from __future__ import annotations

import math
from typing import Any

import pytest

from eventbus import Record
from eventbus.sampling import (
    AnyOf,
    ByName,
    First,
    KeepIf,
    Ratio,
    Sampler,
    keep_names,
    keep_severity,
)
from tests._sampling import (
    COUNT,
    FAILED,
    STARTED,
    Failed,
    HandClock,
    LogLine,
    Sse,
    Started,
    weights,
)


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
