"""How a program ends, and what its bus delivers before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests._program import run, run_program, written

IN_A_THREAD = """
    path = sys.argv[1]
    bus = Bus(close_timeout_seconds=10.0)
    bus.attach(JsonlSink(JsonlSettings(path=path)), batch=Batch(max_delay_seconds=60.0))
    def emit_all():
        for n in range(100):
            bus.emit(Step(n=n))
            if n % 30 == 0:
                time.sleep(0.001)
"""

ON_A_LOOP = f"""{IN_A_THREAD}
    async def main(end):
        async with bus:
            emit_all()
            await end()
            await asyncio.sleep(60)
"""

ENDINGS = {
    "the block is left": ("pass", 0, ""),
    "sys.exit": ("sys.exit(3)", 3, ""),
    "an exception": ("raise KeyError('mine')", 1, "KeyError: 'mine'\n"),
}


@pytest.mark.proves("fault-123", "K4")
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_block_that_a_program_leaves_in_any_way_delivers(
    ending: str, tmp_path: Path
) -> None:
    end, status, said = ENDINGS[ending]
    text = f"""{IN_A_THREAD}
    with eventbus.run_in_thread(bus):
        emit_all()
        {end}
    """
    done = run(text, tmp_path / "steps.jsonl")
    assert done.returncode == status
    assert done.stderr.endswith(said)
    assert bool(done.stderr) == bool(said)
    assert written(tmp_path / "steps.jsonl") == [*range(100)]


FORGOTTEN = """
    opened = contextlib.ExitStack()
    opened.enter_context(eventbus.run_in_thread(bus))
    emit_all()
"""


@pytest.mark.proves("fault-123", "K4")
@pytest.mark.parametrize("end", ["pass", "sys.exit(3)", "raise SystemExit(3)"])
def test_a_block_that_a_program_never_leaves_delivers_at_its_end(
    end: str, tmp_path: Path
) -> None:
    text = f"{IN_A_THREAD}{FORGOTTEN}    {end}"
    status = 0 if end == "pass" else 3
    assert run_program(text, tmp_path / "steps.jsonl", status=status) == []
    assert written(tmp_path / "steps.jsonl") == [*range(100)]


@pytest.mark.proves("fault-123")
def test_sinks_have_their_executors_until_the_bus_is_closed() -> None:
    text = """
    class Threaded(RecordingSink):
        async def write(self, batch):
            await asyncio.to_thread(len, batch)
            await super().write(batch)
        async def aclose(self):
            tell(numbers=numbers(self.records))
    bus = Bus(close_timeout_seconds=10.0)
    bus.attach(Threaded(), batch=Batch(max_delay_seconds=60.0))
    opened = contextlib.ExitStack()
    opened.enter_context(eventbus.run_in_thread(bus))
    bus.emit(Step(n=0))
    bus.flush_from_thread(10.0)
    bus.emit(Step(n=1))
    """
    assert run_program(text) == [{"numbers": [0, 1]}]


@pytest.mark.proves("fault-123")
def test_a_program_that_ends_by_an_exception_delivers_what_it_never_closed(
    tmp_path: Path,
) -> None:
    done = run(
        f"{IN_A_THREAD}{FORGOTTEN}    raise KeyError('mine')", tmp_path / "steps.jsonl"
    )
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1
    assert written(tmp_path / "steps.jsonl") == [*range(100)]


@pytest.mark.proves("fault-123", "K4")
def test_a_sink_that_hangs_keeps_no_program_longer_than_its_close(
    tmp_path: Path,
) -> None:
    text = """
    class Hung(RecordingSink):
        async def write(self, batch):
            while True:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(60)
    bus = Bus(close_timeout_seconds=0.2)
    bus.attach(Hung(), name="hung")
    thread = eventbus.run_in_thread(bus)
    thread.__enter__()
    bus.emit(Step(n=1))
    bus.flush_from_thread(0.1)
    import atexit
    atexit.register(lambda: tell(dropped=dict(bus.stats().attachments["hung"].dropped)))
    """
    done = run(text, tmp_path / "steps.jsonl")
    assert done.returncode == 0
    assert done.stdout == '{"dropped": {"shutdown_deadline": 1}}\n'
    assert "Traceback" not in done.stderr
    assert "destroyed" not in done.stderr


@pytest.mark.proves("fault-123")
@pytest.mark.parametrize("where", ["the main task", "another task", "a callback"])
def test_a_loop_that_sys_exit_ends_delivers(where: str, tmp_path: Path) -> None:
    ends = {
        "the main task": "sys.exit(3)",
        "another task": "asyncio.create_task(leave())",
        "a callback": "asyncio.get_running_loop().call_soon(sys.exit, 3)",
    }
    text = f"""{ON_A_LOOP}
    async def leave():
        sys.exit(3)
    async def end():
        global kept
        kept = {ends[where]}
    asyncio.run(main(end))
    """
    done = run(text, tmp_path / "steps.jsonl")
    assert done.returncode == 3
    assert "destroyed" not in done.stderr
    assert written(tmp_path / "steps.jsonl") == [*range(100)]


@pytest.mark.proves("fault-123")
def test_an_exception_on_a_loop_is_the_programs_and_everything_is_delivered(
    tmp_path: Path,
) -> None:
    text = f"""{ON_A_LOOP}
    async def end():
        raise KeyError("mine")
    asyncio.run(main(end))
    """
    done = run(text, tmp_path / "steps.jsonl")
    assert (done.returncode, done.stderr.count("Traceback")) == (1, 1)
    assert done.stderr.endswith("KeyError: 'mine'\n")
    assert written(tmp_path / "steps.jsonl") == [*range(100)]


@pytest.mark.proves("fault-123")
@pytest.mark.parametrize("form", [IN_A_THREAD + FORGOTTEN, ON_A_LOOP])
def test_os_exit_ends_at_once_and_leaves_whole_lines(form: str, tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    text = f"""{form}
    async def end():
        os._exit(3)
    if "main" in globals():
        asyncio.run(main(end))
    os._exit(3)
    """
    assert run_program(text, path, status=3) == []
    assert not path.exists() or set(written(path)) <= set(range(100))


@pytest.mark.proves("fault-123")
def test_threads_that_emit_while_the_interpreter_ends_make_no_noise(
    tmp_path: Path,
) -> None:
    text = f"""{IN_A_THREAD}{FORGOTTEN}
    began = threading.Barrier(5)
    def emit_for_ever():
        began.wait()
        n = 1000
        while True:
            bus.emit(Step(n=n))
            bus.stats()
            n += 1
            time.sleep(0)
    for _ in range(4):
        threading.Thread(target=emit_for_ever, daemon=True).start()
    began.wait()
    time.sleep(0.01)
    """
    done = run(text, tmp_path / "steps.jsonl")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.proves("fault-123")
def test_at_the_end_it_is_late_but_no_error_to_run_in_a_thread() -> None:
    text = """
    import atexit
    def late():
        try:
            with eventbus.run_in_thread(bus):
                bus.emit(Step(n=1))
        except RuntimeError as error:
            tell(error="new thread" in str(error))
        else:
            tell(error=True)
    bus = Bus()
    atexit.register(late)
    """
    assert run_program(text) == [{"error": True}]


SIGNALS = """
import signal
def handlers():
    return [signal.getsignal(s) for s in sorted(signal.valid_signals())]
before = handlers()
import asyncio, eventbus, eventbus_local
from eventbus import Bus
assert handlers() == before, "import"
async def main():
    running = handlers()
    async with Bus() as bus:
        bus.attach(eventbus_local.ConsoleSink())
        assert handlers() == running, "start"
    assert handlers() == running, "close"
asyncio.run(main())
with eventbus.run_in_thread(Bus()):
    assert handlers() == before, "run_in_thread"
assert handlers() == before, "end"
"""


@pytest.mark.proves("fault-122", "K4")
def test_signal_handlers_are_left_to_the_program(tmp_path: Path) -> None:
    source = tmp_path / "signals.py"
    source.write_text(SIGNALS)
    assert run_program(source) == []
