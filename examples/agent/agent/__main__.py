"""Three turns with a scripted model: python -m agent."""

import asyncio
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx

from agent.loop import Agent
from agent.scripted import scripted_model
from agent.tools import Call
from eventbus import Bus
from eventbus_schemas import Session

MODEL = "scripted-1"
FILES = {"notes.txt": "A grey heron\nby the river\n", "draft.txt": "Not yet\n"}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            (Path(folder) / name).write_text(text)
        asyncio.run(run_in(Path(folder)))


async def run_in(folder: Path) -> None:
    bus = Bus.from_config(os.environ.get("AGENT_EVENTBUS", "eventbus.toml"))
    async with (
        bus,
        scripted_model() as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        session = Session(
            bus,
            conversation_id=uuid4().hex,
            model=MODEL,
            originator="agent-example",
            session_source="exec",
        )
        session.conversation_starts(
            provider_name="scripted", approval_policy="on-request"
        )
        await three_turns(session, client, folder)


async def three_turns(
    session: Session, client: httpx.AsyncClient, folder: Path
) -> None:
    heard = asyncio.Event()

    def say(words: str) -> None:
        print(f"model: {words}")
        heard.set()

    agent = Agent(session, client, MODEL, folder, may_run=deletes_nothing, say=say)
    await agent.turn("What are my notes about?")
    await agent.turn("How many lines are they? Then tidy up.")
    heard.clear()
    story = asyncio.create_task(agent.turn("Tell me a long story."))
    await heard.wait()
    story.cancel()  # the user has lost patience
    with suppress(asyncio.CancelledError):
        await story


async def deletes_nothing(call: Call) -> bool:
    """Answer in place of a person who is asked whether a command may run."""
    return '"rm"' not in call.arguments


if __name__ == "__main__":
    main()
