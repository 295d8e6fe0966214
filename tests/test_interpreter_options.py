"""The core under each option of the interpreter that programs are run with."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests._program import run_program

CORE = Path(__file__).resolve().parent.parent / "eventbus"

SESSION = """
    from eventbus import Limits, TooLarge, Unavailable
    from eventbus.sampling import Ratio
    from eventbus.testing import ScriptedSink, steps

    path = sys.argv[1]
    quick = Retry(initial_seconds=0.001, budget_ratio=1.0)
    one_by_one = Batch(max_events=1, max_delay_seconds=0.0)

    async def session():
        bus = Bus(close_timeout_seconds=0.3, limits=Limits(max_event_types=1))
        plain, small = RecordingSink(), RecordingSink()
        flaky = ScriptedSink(steps.fail(Unavailable()), steps.fail(TooLarge()))
        letters = RecordingSink()
        refusing = ScriptedSink(then=steps.fail(eventbus.Refused("no")))
        hung = ScriptedSink(then=steps.hang())
        async with bus:
            bus.attach(plain, name="plain")
            bus.attach(JsonlSink(JsonlSettings(path=path)), name="lines")
            bus.attach(flaky, name="flaky", retry=quick)
            bus.attach(refusing, name="refusing", dead_letters=letters)
            bus.attach(small, name="small", batch=one_by_one,
                       buffer=Buffer(max_events=3, max_bytes=2000))
            bus.attach(RecordingSink(), name="sampled", sampler=Ratio(0.0001))
            stuck = bus.attach(hung, name="hung", buffer=Buffer(
                max_events=5, overflow=Overflow.DROP_OLDEST))
            handled = []
            bus.on(Step, name="on")(lambda record: handled.append(record.event.n))
            async with bus.subscribe(Step) as records:
                for n in range(20):
                    await bus.publish(Step(n=n))
                read = [(await anext(records)).event.n for _ in range(20)]
            assert_not_run = []
            assert assert_not_run.append(1) is None
            bus.emit(object())
            with contextlib.suppress(eventbus.PublishTimeoutError):
                await bus.publish(Step(n=20), 5.0)
            gone = await stuck.detach(0)
            report = await bus.flush(5.0)
        stats = bus.stats()
        tell(
            read=read, handled=handled, plain=numbers(plain.records),
            small=numbers(small.records), flaky=sorted(numbers(flaky.delivered)),
            letters=len(letters.records), refused=dict(stats.refused),
            hung=dict(gone.dropped), lines=stats.attachments["lines"].delivered,
            balanced=all(one.balanced for one in stats.attachments.values()),
            left=len(asyncio.all_tasks()), optimized=not assert_not_run,
        )

    import logging
    logging.getLogger("eventbus").addHandler(logging.NullHandler())
    asyncio.run(session())
    with eventbus.run_in_thread(Bus()) as bus:
        bus.emit(Step(n=1))
        tell(complete=bus.flush_from_thread(5.0).complete)
"""


@pytest.mark.proves("fault-20")
@pytest.mark.parametrize(
    "options",
    [
        ("-O",),
        ("-OO",),
        ("-X", "dev", "-W", "error"),
        ("-W", "error", "-O", "-X", "dev"),
    ],
    ids=" ".join,
)
def test_it_does_all_it_does_and_says_nothing(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    """``-X dev`` has asyncio's debug mode, too; every warning is an error there."""
    facts, thread = run_program(SESSION, tmp_path / "lines.jsonl", options=options)
    everything = [*range(21)]
    assert facts == {
        "read": everything[:20],
        "handled": everything,
        "plain": everything,
        "small": everything,
        "flaky": everything,
        "letters": 21,
        "refused": {"invalid_type": 1},
        "hung": {"queue_full": 16, "sink_detached": 5},
        "lines": 21,
        "balanced": True,
        "left": 1,
        "optimized": any(option.startswith("-O") for option in options),
    }
    assert thread == {"complete": True}


HARMLESS = {"isinstance", "issubclass", "callable", "len", "hasattr", "type", "all"}


@pytest.mark.proves("fault-20")
def test_no_assertion_of_the_core_does_anything() -> None:
    """With ``-O`` they are gone."""
    found = [
        f"{path.relative_to(CORE)}:{node.lineno}"
        for path in sorted(CORE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
        if any(_acts(part) for part in ast.walk(node.test))
    ]
    assert found == []


def _acts(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return not (isinstance(node.func, ast.Name) and node.func.id in HARMLESS)
    return isinstance(node, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom)
