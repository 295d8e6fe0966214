"""Programs around the example agent: its folder and its tools' are arguments."""

from __future__ import annotations

ONE_CALL = """
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from agent.tools import Call, tool_of

async def main():
    call = Call("c", *json.loads(sys.argv[3]))
    tell(output=await tool_of(call).run(Path(sys.argv[2])))

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
