"""Programs around the example agent: its folder and its tools' are arguments."""

from __future__ import annotations

from pathlib import Path

AGENT = Path(__file__).resolve().parent.parent / "examples" / "agent"
ENDS = {"agent.turn_completed", "agent.turn_failed", "agent.turn_aborted"}

ONE_CALL = """
import tracemalloc
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from agent.tools import Call, tool_of

async def main():
    call = Call("c", *json.loads(sys.argv[3]))
    tracemalloc.start()
    output = await tool_of(call).run(Path(sys.argv[2]))
    tell(output=output, peak_bytes=tracemalloc.get_traced_memory()[1])

try:
    asyncio.run(main())
except Exception as error:
    tell(error=str(error))
"""

BEGINNING = """
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import httpx
from agent.loop import Agent
from agent.scripted import scripted_model
from eventbus_schemas import Session

async def may_run(call):
    return '"rm"' not in call.arguments

@contextlib.asynccontextmanager
async def agent_of(sinks, say):
    async with (
        Bus.from_config({"sinks": sinks}) as bus,
        scripted_model() as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        session = Session(bus, conversation_id="c")
        folder = Path(sys.argv[2])
        yield Agent(session, client, "m", folder, may_run=may_run, say=say), server
"""

INTERRUPTED = f"""{BEGINNING}
def say(words):
    if words == "Once upon a":
        os.kill(os.getpid(), signal.SIGINT)

async def main():
    file = dict(type="jsonl", path=sys.argv[2] + "/session.jsonl")
    async with agent_of(dict(file=file), say) as (agent, _):
        for prompt in ("first", "second", "third"):
            await agent.turn(prompt)

try:
    asyncio.run(main())
except KeyboardInterrupt:
    tell(interrupted=True)
"""

CONVERSATION = f"""{BEGINNING}
from eventbus.testing import Chunk
from eventbus.testing._mock_invariants import call_invariants
from eventbus.testing.responses import sse_failed

async def main():
    heard = asyncio.Event()
    async with agent_of({{}}, lambda words: heard.set()) as (agent, server):
        await agent.turn("first")
        await agent.turn("second")
        heard.clear()
        story = asyncio.create_task(agent.turn("third"))
        await heard.wait()
        story.cancel()
        await asyncio.wait([story])
        server.enqueue(Chunk(sse_failed("r-8", "overloaded", "later")))
        try:
            await agent.turn("last")
        except Exception as error:
            tell(error=str(error))
        wrong = [one for r in server.requests for one in call_invariants(r)]
        last = server.requests[-1]
        outputs = last.inputs_of_type("function_call_output")
        tell(
            wrong=wrong,
            prompts=last.message_input_texts("user"),
            outputs=[item["output"] for item in outputs],
        )

asyncio.run(main())
"""

ONE_TURN = """
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import httpx
from agent.loop import Agent
from agent.model import StreamError
from eventbus.testing import RecordingSink
from eventbus.testing.responses import sse
from eventbus_schemas import Session

async def main():
    bodies = iter(json.loads(sys.argv[3]))
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, content=sse(next(bodies)))
    )
    sink = RecordingSink()
    async with (
        Bus() as bus,
        httpx.AsyncClient(transport=transport, base_url="http://model") as client,
    ):
        bus.attach(sink)
        session = Session(bus, conversation_id="c")
        folder = Path(sys.argv[2])
        agent = Agent(session, client, "m", folder, may_run=None, say=lambda _: None)
        try:
            answer = await agent.turn("Go.")
        except StreamError as error:
            tell(error=str(error))
            return
    end = sink.records[-1].event
    cost = (end.input_tokens, end.cached_input_tokens, end.tool_call_count)
    tell(answer=answer, cost=cost, failed=[
        record.event.exception_type for record in sink.records
        if record.name == "agent.tool_result" and not record.event.success
    ])

asyncio.run(main())
"""

CANCELLED_ANYWHERE = f"""{BEGINNING}
from collections import Counter
from agent.scripted import _calls, _says

STARTS = {{"agent.turn_started", "agent.tool_started"}}
WAITS = {{"agent.approval_requested", "agent.approval_decided"}}

def token(record):
    return getattr(record.event, "span_token", None)

def is_of_wait(record):
    return record.name in WAITS or getattr(record.event, "operation", "") == "approval"

def complaint(records):
    opened = Counter(token(r) for r in records if r.name in STARTS)
    closed = Counter(token(r) for r in records if r.name not in STARTS and token(r))
    waits = [r.name for r in records if is_of_wait(r)]
    is_whole = not records or token(records[0]) == token(records[-1])
    return opened != closed or len(waits) % 2 or not is_whole

async def some_steps():
    for _ in range(20):
        await asyncio.sleep(0)

def provider():
    tools = {{"list_files": {{}}, "run_command": {{"command": ["true"]}}}}
    script = iter([_calls(1, **tools), _says(2, "Done.")])

    async def answer(request):
        await some_steps()
        return httpx.Response(200, content=next(script).body)

    return httpx.MockTransport(answer)

async def person(call):
    await some_steps()
    return False

async def turn_of(steps):
    sink = RecordingSink()
    async with (
        Bus() as bus,
        httpx.AsyncClient(transport=provider(), base_url="http://model") as client,
    ):
        bus.attach(sink)
        session = Session(bus, conversation_id="c")
        folder = Path(sys.argv[2])
        agent = Agent(session, client, "m", folder, may_run=person, say=lambda _: None)
        task = asyncio.create_task(agent.turn("Go."))
        for _ in range(steps):
            await asyncio.sleep(0)
        was_cut = task.cancel()
        await asyncio.wait([task])
        await bus.flush()
    return was_cut and task.cancelled(), sink.records

async def main():
    wrong, names, steps, is_cut = [], Counter(), 1, True
    while is_cut:
        is_cut, records = await turn_of(steps)
        wrong += [[steps, *(r.name for r in records)]] if complaint(records) else []
        names.update(r.name for r in records)
        names.update(r.event.operation for r in records if r.name.endswith("cancelled"))
        steps += 1
    tell(wrong=wrong, names=names)

asyncio.run(main())
"""
