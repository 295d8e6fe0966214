from __future__ import annotations

import math
from random import Random

import pytest

from eventbus import Retry
from eventbus._breaker import CircuitBreaker
from eventbus._retry import Backoff


class Top(Random):
    """Draws the largest wait there is: 1, 2, 4, … at most 30 seconds."""

    def uniform(self, a: float, b: float) -> float:
        return b


def breaker() -> CircuitBreaker:
    return CircuitBreaker(Backoff(Retry(), Top()))


def opened(now: float = 0.0) -> CircuitBreaker:
    circuit = breaker()
    for _ in range(5):
        circuit.failed(now)
    assert circuit.state == "open"
    return circuit


def feed(circuit: CircuitBreaker, outcomes: str, now: float = 0.0) -> None:
    for outcome in outcomes:
        assert circuit.allow(now)
        circuit.failed(now) if outcome == "F" else circuit.succeeded(now)


def test_it_begins_closed_and_allows_every_call() -> None:
    circuit = breaker()
    assert circuit.state == "closed"
    assert all(circuit.allow(0.0) for _ in range(100))
    assert circuit.retry_in(0.0) == 0


@pytest.mark.proves("fault-28")
def test_five_failures_in_a_row_open_it() -> None:
    circuit = breaker()
    feed(circuit, "FFFF")
    assert circuit.state == "closed"
    feed(circuit, "F")
    assert circuit.state == "open"


@pytest.mark.proves("fault-28")
def test_failures_in_a_row_count_however_far_apart() -> None:
    circuit = breaker()
    for now in (0.0, 60.0, 120.0, 180.0, 240.0):
        feed(circuit, "F", now)
    assert circuit.state == "open"


def test_a_success_between_begins_the_row_again() -> None:
    circuit = breaker()
    feed(circuit, "FFFFSFFFF")
    assert circuit.state == "closed"


@pytest.mark.proves("fault-28")
@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ("FS" * 10, "open"),
        ("SF" * 10, "open"),
        ("FS" * 9 + "S", "closed"),
        ("FS" * 9 + "SS", "closed"),
        ("SSF" * 7, "closed"),
        ("S" * 10 + "FFFFS" * 2 + "FFF", "closed"),
        ("S" * 10 + "FFFFS" * 2 + "FFFF", "open"),
    ],
)
def test_half_of_twenty_calls_open_it(outcomes: str, state: str) -> None:
    circuit = breaker()
    feed(circuit, outcomes[:-1])
    assert circuit.state == "closed"
    feed(circuit, outcomes[-1])
    assert circuit.state == state


@pytest.mark.proves("fault-28")
def test_calls_of_more_than_ten_seconds_ago_do_not_count() -> None:
    circuit = breaker()
    feed(circuit, "FS" * 5, now=0.0)
    feed(circuit, "FS" * 5, now=10.0)
    assert circuit.state == "closed"
    feed(circuit, "FS" * 5, now=19.9)
    assert circuit.state == "open"


@pytest.mark.proves("fault-28")
def test_while_open_no_call_is_allowed_until_the_backoff_has_passed() -> None:
    circuit = opened(now=100.0)
    assert circuit.retry_in(100.0) == 1.0
    assert not any(circuit.allow(now) for now in (100.0, 100.5, 100.999))
    assert circuit.retry_in(100.25) == 0.75
    assert circuit.state == "open"
    assert circuit.allow(101.0)


@pytest.mark.proves("fault-28")
def test_half_open_allows_exactly_one_probe() -> None:
    circuit = opened()
    assert circuit.retry_in(5.0) == 0
    assert [bool(circuit.allow(5.0)) for _ in range(10)] == [True] + [False] * 9
    assert circuit.state == "half_open"
    assert circuit.retry_in(1e6) == math.inf
    assert not circuit.allow(1e6)


@pytest.mark.proves("fault-28")
def test_a_probe_that_works_closes_it() -> None:
    circuit = opened()
    circuit.allow(1.0)
    circuit.succeeded(2.0)
    assert circuit.state == "closed"
    assert all(circuit.allow(2.0) for _ in range(10))


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [("FFFF", "closed"), ("FS" * 9, "closed"), ("FS" * 10, "open")],
)
def test_after_closing_the_past_is_forgotten(outcomes: str, state: str) -> None:
    circuit = breaker()
    feed(circuit, "S" * 10 + "FFFFS" + "FFFFF")
    assert circuit.state == "open"
    circuit.allow(1.0)
    circuit.succeeded(1.0)
    feed(circuit, outcomes, now=1.0)
    assert circuit.state == state


@pytest.mark.proves("fault-28")
def test_a_probe_that_fails_opens_it_for_longer() -> None:
    circuit = opened(now=0.0)
    now, waits = 1.0, []
    for _ in range(7):
        assert circuit.allow(now)
        circuit.failed(now)
        waits.append(circuit.retry_in(now))
        now += waits[-1]
    assert waits == [2, 4, 8, 16, 30, 30, 30]


def test_after_closing_it_opens_for_the_shortest_time_again() -> None:
    circuit = opened()
    circuit.allow(1.0)
    circuit.failed(1.0)
    circuit.allow(3.0)
    circuit.succeeded(3.0)
    feed(circuit, "FFFFF", now=4.0)
    assert circuit.retry_in(4.0) == 1.0


def test_calls_from_before_it_opened_change_nothing_afterwards() -> None:
    circuit = breaker()
    late = [circuit.allow(0.0) for _ in range(3)]
    feed(circuit, "FFFFF")
    circuit.succeeded(0.5, ticket=late[0])
    assert circuit.state == "open"
    probe = circuit.allow(1.0)
    circuit.failed(1.0, ticket=late[1])
    circuit.succeeded(1.0, ticket=late[2])
    assert circuit.state == "half_open"
    circuit.succeeded(1.5, ticket=probe)
    assert circuit.state == "closed"


def test_outcomes_without_a_ticket_change_nothing_while_open() -> None:
    circuit = opened(now=0.0)
    circuit.failed(0.5)
    circuit.succeeded(0.5)
    assert circuit.state == "open"
    assert circuit.retry_in(0.5) == 0.5


def test_an_abandoned_probe_leaves_room_for_the_next() -> None:
    circuit = opened()
    probe = circuit.allow(1.0)
    circuit.abandoned(ticket=probe)
    assert circuit.retry_in(1.0) == 0
    assert circuit.allow(1.0)
    assert not circuit.allow(1.0)


def test_an_abandoned_call_from_before_leaves_the_probe_alone() -> None:
    circuit = breaker()
    late = circuit.allow(0.0)
    feed(circuit, "FFFFF")
    assert circuit.allow(1.0)
    circuit.abandoned(ticket=late)
    assert not circuit.allow(1.0)


@pytest.mark.proves("fault-28")
def test_every_transition_is_counted_once() -> None:
    circuit = opened()
    assert circuit.transitions == {"closed": 0, "open": 1, "half_open": 0}
    circuit.allow(1.0)
    circuit.failed(1.0)
    circuit.allow(3.0)
    circuit.succeeded(3.0)
    assert circuit.transitions == {"closed": 1, "open": 2, "half_open": 2}


@pytest.mark.proves("fault-28")
@pytest.mark.parametrize("seed", range(5))
def test_under_random_calls_it_keeps_its_rules(seed: int) -> None:
    random = Random(seed)
    circuit, now, flying = CircuitBreaker(Backoff(Retry(), random)), 0.0, list[int]()
    for _ in range(5_000):
        now += random.expovariate(4)
        before = circuit.state
        if ticket := circuit.allow(now):
            flying.append(ticket)
            assert before != "half_open"
        if flying and random.random() < 0.9:
            ticket = flying.pop(random.randrange(len(flying)))
            outcome = circuit.failed if random.random() < 0.6 else circuit.succeeded
            outcome(now, ticket=ticket)
        counts = circuit.transitions
        assert counts["open"] >= counts["half_open"] >= counts["closed"]
        assert counts["open"] - counts["closed"] <= counts["half_open"] + 1
    assert counts["closed"] > 10


def test_the_limits_are_options() -> None:
    circuit = CircuitBreaker(Backoff(Retry(), Top()), max_consecutive=2)
    feed(circuit, "FF")
    assert circuit.state == "open"
    circuit = CircuitBreaker(
        Backoff(Retry(), Top()), min_calls=4, max_failure_ratio=0.75, window_seconds=60
    )
    feed(circuit, "FFSF", now=0.0)
    assert circuit.state == "open"
