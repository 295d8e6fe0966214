"""What the child of a fork has of its parent's buses, and what the parent notices."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests._program import lines_of, run_program, written

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

FORKS = Path(__file__).parent / "_forks.py"


@pytest.mark.proves("fault-124", "K6")
@pytest.mark.parametrize(
    "state", ["idle", "handed_over", "mid_batch", "buffer_full", "lock_held", "in_seal"]
)
def test_a_child_begins_with_nothing_whatever_the_parent_was_doing(
    state: str, tmp_path: Path
) -> None:
    path = tmp_path / "steps.jsonl"
    fresh, waits, report, parent = run_program(FORKS, path, state)
    if state in ("mid_batch", "buffer_full"):
        assert fresh["locked"], "the parent's turn goes on"
    assert fresh == {
        "who": "child",
        "locked": fresh["locked"],
        "emitted": 0,
        "offered": 0,
        "pending": 0,
        "dropped": {},
        "cause": "not started in this process, which was forked",
    }
    assert waits == {"waits": 2}
    assert report == {"complete": True, "delivered": 3}
    full = 4 if state == "buffer_full" else 0
    assert parent == {"who": "parent", "pending": 0, "balanced": True, "lost": full}
    numbers = written(path)
    assert len(set(numbers)) == len(numbers)
    assert [n for n in numbers if n >= 100] == [100, 101, 102]
    assert [n for n in numbers if 20 <= n < 100] == [20, 21, 22]
    prefixes = {
        is_childs: {
            line["id"].split("-")[0]
            for line in lines_of(path)
            if (line["event"]["n"] >= 100) is is_childs
        }
        for is_childs in (True, False)
    }
    assert len(prefixes[True]) == len(prefixes[False]) == 1
    assert prefixes[True].isdisjoint(prefixes[False])


@pytest.mark.proves("fault-124", "K6")
def test_a_child_that_goes_on_in_the_parents_loop_sends_nothing_of_the_parents() -> (
    None
):
    text = """
    class Slow(RecordingSink):
        writes = 0
        async def write(self, batch):
            Slow.writes += 1
            await release.wait()
    async def main():
        global release
        release = asyncio.Event()
        bus = Bus(close_timeout_seconds=5.0)
        one_by_one = Batch(max_events=1, max_delay_seconds=0.0)
        bus.attach(Slow(), buffer=Buffer(max_events=3), batch=one_by_one, name="slow")
        await bus.start()
        for n in range(3):
            await bus.publish(Step(n=n))
        publisher = asyncio.create_task(bus.publish(Step(n=3)))
        await asyncio.sleep(0.01)
        pid = os.fork()
        release.set()
        if not pid:
            with contextlib.suppress(eventbus.BusClosedError):
                await publisher
            for _ in range(20):
                await asyncio.sleep(0)
            one = bus.stats().attachments["slow"]
            tell(writes=Slow.writes, offered=one.offered, pending=one.pending)
            os._exit(0)
        await asyncio.to_thread(os.waitpid, pid, 0)
        await publisher
        report = await bus.aclose()
        tell(writes=Slow.writes, offered=report.attachments["slow"].delivered)
    asyncio.run(main())
    """
    child, parent = run_program(text)
    assert child == {"writes": 1, "offered": 0, "pending": 0}
    assert parent == {"writes": 4, "offered": 4}


@pytest.mark.proves("fault-124", "K6")
def test_a_child_forked_in_the_middle_of_a_seal_has_none_of_what_is_sealed() -> None:
    text = """
    class Forking(RecordingSink):
        def observe(self, batch):
            global pid
            pid = os.fork()
    async def main():
        bus = Bus()
        bus.attach(Forking(), name="sink", batch=Batch(max_delay_seconds=60.0))
        await bus.start()
        bus.emit(Step(n=0))
        await asyncio.sleep(0)
        one = bus.stats().attachments["sink"]
        if not pid:
            tell(offered=one.offered, pending=one.pending)
            os._exit(0)
        os.waitpid(pid, 0)
        report = await bus.aclose()
        tell(offered=report.attachments["sink"].delivered)
    asyncio.run(main())
    """
    assert run_program(text) == [{"offered": 0, "pending": 0}, {"offered": 1}]


@pytest.mark.proves("fault-124", "fault-14", "K6")
def test_a_thread_that_forks_in_the_middle_of_its_own_lock_goes_on_in_both() -> None:
    """As a signal handler may."""
    text = """
    from eventbus._door import Door
    bus, sink = Bus(), RecordingSink()
    bus.attach(sink, name="sink")
    admit = Door.admit
    def fork_and_admit(door, count):
        global pid
        Door.admit = admit
        pid = os.fork()
        return admit(door, count)
    bus.emit(Step(n=0))
    Door.admit = fork_and_admit
    bus.stats()
    if pid:
        os.waitpid(pid, 0)
    bus.emit(Step(n=1))
    tell(child=not pid, pending=bus.stats().attachments["sink"].pending)
    with eventbus.run_in_thread(bus):
        bus.emit(Step(n=2))
    tell(child=not pid, numbers=numbers(sink.records))
    """
    assert run_program(text) == [
        {"child": True, "pending": 1},
        {"child": True, "numbers": [1, 2]},
        {"child": False, "pending": 2},
        {"child": False, "numbers": [0, 1, 2]},
    ]


CLOSING = """
    bus, sink = Bus(close_timeout_seconds=5.0), RecordingSink()
    attachment = bus.attach(sink, name="sink")
    leaving = bus.attach(RecordingSink(), name="leaving")
    async def main():
        pid = None
        def fork():
            nonlocal pid
            pid = os.fork()
        await bus.start()
        asyncio.get_running_loop().call_soon(fork)
        await {ending}
        await bus.aclose()
        return pid
    async def child():
        tell(report=str((await bus.aclose()).complete), phase=bus._life.phase)
        tell(detached=(await leaving.detach()).offered, emitted=bus.emit(Step(n=1)))
    def be_child():
        asyncio._set_running_loop(None)
        asyncio.run(child())
        os._exit(0)
    os.register_at_fork(after_in_child=be_child)
    pid = asyncio.run(main())
    os.waitpid(pid, 0)
"""


@pytest.mark.proves("fault-124")
@pytest.mark.parametrize("ending", ["bus.aclose()", "leaving.detach()"])
def test_a_child_forked_while_its_parent_closes_closes_at_once(ending: str) -> None:
    assert run_program(CLOSING.replace("{ending}", ending)) == [
        {"report": "True", "phase": "closed"},
        {"detached": 0, "emitted": False},
    ]


MULTIPROCESSING = Path(__file__).parent / "_multiprocessing.py"


@pytest.mark.proves("fault-124", "K6")
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_processes_of_multiprocessing_send_what_is_theirs_and_nothing_else(
    method: str, tmp_path: Path
) -> None:
    path = tmp_path / "steps.jsonl"
    assert run_program(MULTIPROCESSING, path, method) == [{"statuses": [0, 0]}]
    assert sorted(written(path)) == [0, 1, 2, 3, 100, 101, 200, 201]


SERVER = Path(__file__).parent / "_preforking.py"


@pytest.mark.proves("fault-124", "K6")
def test_a_preforking_server_sends_each_event_once_from_whoever_has_it(
    tmp_path: Path,
) -> None:
    """The master has the bus before its two workers are forked, and emits itself."""
    path = tmp_path / "steps.jsonl"
    (told,) = run_program(SERVER, path)
    assert told == {"answers": 40, "statuses": [0, 0]}
    lines = lines_of(path)
    assert sorted(written(path)) == [*range(40), 1000, 1001]
    served = [line for line in lines if line["event"]["n"] < 1000]
    makers = {(line["event"]["pid"], line["id"].split("-")[0]) for line in lines}
    assert len(makers) == 3
    assert len({line["event"]["pid"] for line in served}) == 2


@pytest.mark.proves("fault-124")
def test_subprocesses_under_uvloop_leave_the_bus_as_it_is() -> None:
    """There the hooks of a fork run in the child, before it becomes the program."""
    pytest.importorskip("uvloop", reason="uvloop is not installed: make installs it")
    text = """
    import uvloop
    async def main():
        sink, forks = RecordingSink(), []
        os.register_at_fork(before=lambda: forks.append(1))
        async with Bus() as bus:
            bus.attach(sink, batch=Batch(max_delay_seconds=60.0), name="sink")
            for n in range(5):
                bus.emit(Step(n=n))
                child = await asyncio.create_subprocess_exec("true")
                assert await child.wait() == 0
            pending = bus.stats().attachments["sink"].pending
            report = await bus.flush()
        tell(forks=len(forks), numbers=numbers(sink.records), pending=pending > 0,
             complete=report.complete)
    uvloop.run(main())
    """
    expected = {"forks": 5, "numbers": [0, 1, 2, 3, 4], "pending": True}
    assert run_program(text) == [{**expected, "complete": True}]


@pytest.mark.proves("fault-124", "fault-126")
def test_one_hook_is_set_with_the_first_bus_and_holds_none() -> None:
    text = """
    import gc, subprocess, weakref
    from eventbus import _fork
    hooks, forks = [], []
    os.register_at_fork = lambda **given: hooks.append(list(given))
    tell(hooks=hooks)
    buses = [Bus() for _ in range(3)]
    tell(hooks=hooks, known=len(_fork._lives))
    del buses
    gc.collect()
    tell(known=len(_fork._lives))
    """
    assert run_program(text) == [
        {"hooks": []},
        {"hooks": [["after_in_child"]], "known": 3},
        {"known": 0},
    ]


@pytest.mark.proves("fault-124")
def test_programs_that_are_started_without_a_fork_in_python_call_no_hook() -> None:
    text = """
    import subprocess
    from eventbus import _lifecycle
    _lifecycle.Lifecycle.start_over = lambda self: os.write(1, b"!")
    bus = Bus()
    subprocess.run(["true"], check=True)
    """
    assert run_program(text) == []


@pytest.mark.proves("fault-124")
def test_leaving_the_parents_block_in_a_child_waits_for_nobody() -> None:
    text = """
    bus, sink = Bus(close_timeout_seconds=60.0), RecordingSink()
    bus.attach(sink, name="sink")
    with eventbus.run_in_thread(bus):
        pid = os.fork()
        bus.emit(Step(n=1))
    if not pid:
        tell(pending=bus.stats().attachments["sink"].pending, bus=repr(bus))
        sys.exit(0)
    os.waitpid(pid, 0)
    tell(numbers=numbers(sink.records))
    """
    assert run_program(text) == [
        {"pending": 1, "bus": "<Bus [sink] not started>"},
        {"numbers": [1]},
    ]


@pytest.mark.proves("fault-124")
def test_a_threaded_handler_has_a_thread_of_its_own_in_a_child() -> None:
    text = """
    bus, seen = Bus(), []
    @bus.on(Step, threaded=True)
    def handle(record):
        seen.append((os.getpid(), record.event.n))
    with eventbus.run_in_thread(bus):
        bus.emit(Step(n=1))
        bus.flush_from_thread(5.0)
        pid = os.fork()
        if not pid:
            with eventbus.run_in_thread(bus):
                bus.emit(Step(n=2))
                complete = bus.flush_from_thread(5.0).complete
            tell(complete=complete, own=[n for pid, n in seen if pid == os.getpid()])
            os._exit(0)
        os.waitpid(pid, 0)
    """
    assert run_program(text) == [{"complete": True, "own": [2]}]
