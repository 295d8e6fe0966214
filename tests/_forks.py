"""Forks in the state that is asked for; parent and child tell what they have.

python tests/_forks.py PATH STATE
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import threading
from collections.abc import Callable, Sequence

import eventbus
from eventbus import Buffer, Bus, Event
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink
from eventbus_local import JsonlSettings, JsonlSink

PATIENCE_SECONDS = 20.0
PARENT = os.getpid()


class Step(Event, tag="work.step"):
    n: int


busy, go_on = threading.Event(), threading.Event()
bus = Bus(close_timeout_seconds=10.0)
lines = JsonlSink(JsonlSettings(path=sys.argv[1], fsync="batch"))
emit = bus.emitter(Step)


def hold_up() -> None:
    """Keep the parent here until it has forked."""
    busy.set()
    assert os.getpid() != PARENT or go_on.wait(PATIENCE_SECONDS)


def idle() -> None:
    emit(Step(n=0))
    bus.flush_from_thread(5.0)


def handed_over() -> None:
    for n in range(5):
        emit(Step(n=n))


def mid_batch() -> None:
    """A worker thread has the file locked and waits for the disk."""
    fsync = os.fsync
    os.fsync = lambda descriptor: hold_up() or fsync(descriptor)  # type: ignore[assignment]
    emit(Step(n=0))
    assert busy.wait(PATIENCE_SECONDS)


def buffer_full() -> None:
    mid_batch()
    assert [emit(Step(n=n)) for n in range(1, 12)] == [True] * 7 + [False] * 4


def lock_held() -> None:
    def hold() -> None:
        with bus._engine.ingress.mutex:
            hold_up()

    emit(Step(n=0))
    threading.Thread(target=hold).start()
    assert busy.wait(PATIENCE_SECONDS)


def in_seal() -> None:
    def observe(batch: Sequence[AnyRecord]) -> None:
        hold_up()

    seen_by(observe)
    emit(Step(n=0))
    assert busy.wait(PATIENCE_SECONDS)
    emit(Step(n=1))


def seen_by(observe: Callable[[Sequence[AnyRecord]], None]) -> None:
    attachment = bus._life.attachments["lines"]
    attachment.portions._observe_all = observe
    attachment.portions.follow(attachment.plan)


def tell(**facts: object) -> None:
    os.write(1, json.dumps(facts).encode() + b"\n")


def is_locked() -> bool:
    """Return whether somebody has the file in a turn of theirs."""
    try:
        with open(sys.argv[1]) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def be_child(looked: int) -> None:
    locked = is_locked()
    os.write(looked, b"!")
    stats = bus.stats()
    one = stats.attachments["lines"]
    tell(
        who="child",
        locked=locked,
        emitted=stats.emitted,
        offered=one.offered,
        pending=one.pending,
        dropped=dict(one.dropped),
        cause=one.cause,
    )
    bus.emit(Step(n=100))
    emit(Step(n=101))
    tell(waits=bus.stats().attachments["lines"].pending)
    with eventbus.run_in_thread(bus):
        bus.emit(Step(n=102))
        report = bus.flush_from_thread(10.0)
    tell(complete=report.complete, delivered=report.attachments["lines"].delivered)


def main() -> None:
    bus.attach(lines, name="lines", buffer=Buffer(max_events=8))
    bus.attach(RecordingSink(), name="other")
    with eventbus.run_in_thread(bus):
        globals()[sys.argv[2]]()
        has_looked, looked = os.pipe()
        pid = os.fork()
        if not pid:
            be_child(looked)
            os._exit(0)
        os.read(has_looked, 1)
        go_on.set()
        os.waitpid(pid, 0)
        bus.flush_from_thread(10.0)
        for n in range(20, 23):
            emit(Step(n=n))
    one = bus.stats().attachments["lines"]
    tell(
        who="parent",
        pending=one.pending,
        balanced=one.balanced,
        lost=one.offered - one.delivered,
    )


main()
