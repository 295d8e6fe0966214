"""How long the endings of a bus may take beyond the time they were given."""

from __future__ import annotations

import asyncio

import pytest

from eventbus._waiting import TimeLimit
from eventbus.testing import ManualClock


@pytest.mark.proves("fault-120")
async def test_what_is_cut_off_has_little_time_and_little_in_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    limit = TimeLimit(ManualClock(), 0)
    spent = []
    for _ in range(6):  # a write and both steps of a close, twice: with dead letters
        spent.append(limit.grace_seconds())
        now += spent[-1]
    assert spent == pytest.approx([0.03, 0.03, 0.005, 0.005, 0.005, 0.005])
    assert sum(spent) < 0.1
