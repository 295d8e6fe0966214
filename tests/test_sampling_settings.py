from __future__ import annotations

import math
import tomllib
from typing import Any

import msgspec
import pytest

from eventbus import Event, Record
from eventbus.sampling import SamplerSettings, sampler_from_config


class Started(Event, tag="agent.started"): ...


class Failed(Event, tag="job.failed", severity="error"): ...


class Attached(msgspec.Struct):
    sampler: SamplerSettings


def read(sampler: str) -> SamplerSettings:
    table = tomllib.loads(f"sampler = {sampler}")
    return msgspec.convert(table, Attached).sampler


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{ ratio = 0.1 }", "Ratio(0.1)"),
        ("{ ratio = 1 }", "Ratio(1.0)"),
        ('{ ratio = 0.1, key = "trace_id" }', "Ratio(0.1, key='trace_id')"),
        (
            '{ ratio = 0.1, keep = ["*.failed"] }',
            "AnyOf(KeepIf(*.failed), Ratio(0.1))",
        ),
        (
            '{ ratio = 0.1, keep_severity = "error" }',
            "AnyOf(KeepIf(severity >= error), Ratio(0.1))",
        ),
        ("{ rate_limit = { per_second = 10 } }", "RateLimit(10.0, burst=10.0)"),
        (
            "{ rate_limit = { per_second = 10, burst = 50 } }",
            "RateLimit(10.0, burst=50.0)",
        ),
        ("{ first = { n = 5, per_seconds = 60 } }", "First(5, 60.0)"),
        ("{ adaptive = { target_per_second = 100 } }", "Adaptive(100.0)"),
        (
            '{ rates = { "agent.sse*" = 0.01 } }',
            "ByName({'agent.sse*': Ratio(0.01)}, default=Ratio(1.0))",
        ),
        (
            '{ rates = { "a*" = 0.01 }, ratio = 0.5, key = "user" }',
            "ByName({'a*': Ratio(0.01, key='user')}, default=Ratio(0.5, key='user'))",
        ),
        (
            '{ rates = { "a*" = 0.01 }, first = { n = 5, per_seconds = 60 } }',
            "ByName({'a*': Ratio(0.01)}, default=First(5, 60.0))",
        ),
    ],
)
def test_a_table_becomes_its_sampler(written: str, shown: str) -> None:
    assert repr(sampler_from_config(read(written))) == shown


@pytest.mark.proves("D9")
def test_what_is_kept_by_name_weighs_1() -> None:
    sampler = sampler_from_config(read('{ ratio = 0, keep = ["*.failed"] }'))
    assert sampler.sample(Record(Failed())) == 1.0
    assert sampler.sample(Record(Started())) == 0.0


def test_each_sampler_made_has_a_state_of_its_own() -> None:
    settings = read("{ first = { n = 1, per_seconds = 60 } }")
    for _ in range(2):
        assert sampler_from_config(settings).sample(Record(Started())) == 1.0


@pytest.mark.proves("fault-49")
@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{ ratio = 1.5 }", "Expected `float` <= 1.0 - at `$.sampler.ratio`"),
        ("{ ratio = -1 }", "Expected `float` >= 0.0 - at `$.sampler.ratio`"),
        ("{ ratio = nan }", "Expected `float` >= 0.0 - at `$.sampler.ratio`"),
        (
            '{ ratio = "0.1" }',
            "Expected `float | null`, got `str` - at `$.sampler.ratio`",
        ),
        (
            "{ ratio = true }",
            "Expected `float | null`, got `bool` - at `$.sampler.ratio`",
        ),
        (
            "{ ratio = 1e-20 }",
            "ratio must be 0, or between 2**-56 and 1, got 1e-20 - at `$.sampler`",
        ),
        (
            '{ rates = { "a.*" = 2 } }',
            "Expected `float` <= 1.0 - at `$.sampler.rates[...]`",
        ),
        (
            '{ rates = { " " = 0.5 } }',
            "rates[' '] must be a glob on event names, got ' ' - at `$.sampler`",
        ),
        (
            "{ first = { n = 0, per_seconds = 1 } }",
            "Expected `int` >= 1 - at `$.sampler.first.n`",
        ),
        (
            "{ rate_limit = { per_second = inf } }",
            "Expected `float` <= 1000000000.0 - at `$.sampler.rate_limit.per_second`",
        ),
        (
            "{ adaptive = { target_per_second = 0 } }",
            "Expected `float` >= 1e-06 - at `$.sampler.adaptive.target_per_second`",
        ),
        (
            '{ ratio = 0.1, keep = ["*.failed", ""] }',
            "Expected `str` of length >= 1 - at `$.sampler.keep[1]`",
        ),
        (
            '{ ratio = 0.1, keep = "*.failed" }',
            "Expected `array`, got `str` - at `$.sampler.keep`",
        ),
        (
            '{ ratio = 0.1, keep_severity = "warning" }',
            "Invalid enum value 'warning' - at `$.sampler.keep_severity`",
        ),
        (
            "{ rate = 0.1 }",
            "Object contains unknown field `rate` - at `$.sampler`",
        ),
    ],
)
def test_a_bad_value_is_refused_at_its_place(written: str, message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        read(written)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            "{ ratio = 0.1, first = { n = 1, per_seconds = 1 } }",
            "Give either 'ratio' or 'first', not both: "
            "each is a way to decide about the same records",
        ),
        (
            "{ rate_limit = { per_second = 1 }, adaptive = { target_per_second = 1 } }",
            "Give either 'rate_limit' or 'adaptive', not both: "
            "each is a way to decide about the same records",
        ),
        (
            '{ keep = ["*.failed"] }',
            "Give one of 'ratio', 'rate_limit', 'first', 'adaptive', 'rates': "
            "nothing here says which records are sampled out",
        ),
        (
            '{ first = { n = 1, per_seconds = 1 }, key = "user" }',
            "Give 'key' with 'ratio' or 'rates', not with 'first': "
            "it does not look at keys",
        ),
    ],
)
def test_an_impossible_combination_is_refused(written: str, message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        read(written)
    assert str(refused.value) == f"{message} - at `$.sampler`"


@pytest.mark.parametrize("ratio", [2, math.nan])
def test_settings_made_in_python_are_checked_too(ratio: float) -> None:
    with pytest.raises(ValueError, match="ratio must be between 0 and 1, got"):
        SamplerSettings(ratio=ratio)


def test_one_glob_instead_of_a_list_is_refused() -> None:
    keep: Any = "*.failed"
    with pytest.raises(
        TypeError, match=r"keep must be a list of globs, got '\*\.failed'"
    ):
        SamplerSettings(ratio=0.1, keep=keep)
