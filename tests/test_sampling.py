from __future__ import annotations

from typing import Any

import pytest

from eventbus import Record, sampling
from eventbus.sampling import (
    Adaptive,
    AnyOf,
    ByName,
    First,
    RateLimit,
    Ratio,
    Sampler,
    for_attachment,
    keep_names,
    keep_severity,
)
from tests._sampling import STARTED, HandClock, weights


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
