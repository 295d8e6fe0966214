"""What a bus holds after it has run for long, or was pressed hard."""

from __future__ import annotations

import sys

import pytest

from tests._endurance import MIB, attaching, bounded, bursting, filling, run_alone

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="what a process holds is read from Linux's /proc"
)

CYCLES = [500, pytest.param(10_000, marks=pytest.mark.slow)]
MIXED = [50_000, pytest.param(1_000_000, marks=pytest.mark.slow)]
SECONDS = [10, pytest.param(60, marks=pytest.mark.slow)]


@pytest.mark.proves("fault-31")
@pytest.mark.parametrize("cycles", CYCLES)
def test_attaching_and_detaching_leaves_nothing_behind(cycles: int) -> None:
    measured = run_alone(attaching, cycles)
    before, after = measured["before"], measured["after"]
    assert after["tasks"] == before["tasks"]
    assert after["descriptors"] == before["descriptors"]
    assert after["objects"] <= before["objects"] * 1.01
    assert after["resident"] <= before["resident"] * 1.01
    assert measured["known"] == 1


@pytest.mark.proves("fault-35")
@pytest.mark.parametrize("count", MIXED)
def test_accounted_bytes_are_within_a_factor_of_two_of_the_memory(count: int) -> None:
    measured = run_alone(filling, count)
    assert measured["accounted"] / 2 <= measured["measured"]
    assert measured["measured"] <= measured["accounted"] * 2


@pytest.mark.proves("fault-35")
@pytest.mark.parametrize("count", MIXED)
def test_buffers_with_bounds_of_bytes_live_within_twice_their_sum(count: int) -> None:
    """The system refuses more; the process would die of it."""
    measured = run_alone(bounded, count)
    assert set(measured) == {"wait", "drop_newest", "drop_oldest"}
    for stats in measured.values():
        assert stats["offered"] == count == stats["pending"] + stats["dropped"]
        assert 7.9 * MIB < stats["pending_bytes"] <= 8 * MIB


@pytest.mark.proves("fault-47")
@pytest.mark.parametrize("seconds", SECONDS)
def test_after_a_burst_the_queue_drains_and_the_memory_comes_back(seconds: int) -> None:
    measured = run_alone(bursting, seconds)
    assert measured["held"] >= 19_000
    assert measured["amid"] > measured["before"] * 1.5
    assert measured["pending"] == 0
    assert measured["offered"] == 20_000 + seconds * 10_000 + 60 * 600
    assert measured["offered"] == measured["delivered"] + measured["dropped"]
    assert measured["after"] <= measured["before"] * 1.05
