"""A model on loopback that says what stands here: busy at first, then three turns."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import msgspec

from eventbus.testing import Chunk, Gate, GatedServer, MockAnswer
from eventbus.testing.responses import (
    ResponseEvent,
    ev_assistant_message,
    ev_completed_with_tokens,
    ev_function_call,
    ev_output_text_delta,
    ev_response_created,
    sse,
)

NOTES = "Your notes are about a heron by the river."
LINES = "They are two lines; I left the draft alone."


@asynccontextmanager
async def scripted_model() -> AsyncGenerator[GatedServer]:
    """Serve the script on a free port."""
    async with GatedServer() as server:
        _script(server)
        yield server


def _script(server: GatedServer) -> None:
    server.enqueue(MockAnswer(status=500, body="busy"))
    # What are my notes about?
    server.enqueue(_calls(1, list_files={}, read_file={"path": "note.txt"}))
    server.enqueue(_calls(2, read_file={"path": "notes.txt"}))
    server.enqueue(_says(3, NOTES))
    # How many lines are they? Then tidy up.
    server.enqueue(_calls(4, run_command={"command": ["wc", "-l", "notes.txt"]}))
    server.enqueue(_calls(5, run_command={"command": ["rm", "draft.txt"]}))
    server.enqueue(_says(6, LINES))
    # Tell me a long story: nobody opens the gate.
    server.enqueue(
        Chunk(sse([ev_response_created("r-7"), ev_output_text_delta("Once upon a")])),
        Chunk(sse([ev_output_text_delta(" time")]), Gate()),
    )


def _calls(number: int, **calls: object) -> Chunk:
    return _whole(
        number,
        [
            ev_function_call(f"call-{number}-{name}", name, _json(arguments))
            for name, arguments in calls.items()
        ],
    )


def _says(number: int, text: str) -> Chunk:
    message = ev_assistant_message(f"m-{number}", text)
    return _whole(number, [ev_output_text_delta(text), message])


def _whole(number: int, events: Sequence[ResponseEvent]) -> Chunk:
    end = ev_completed_with_tokens(
        f"r-{number}",
        920 + 101 * number,
        output_tokens=20 + number,
        cached_tokens=100 * number,
    )
    return Chunk(sse([ev_response_created(f"r-{number}"), *events, end]))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
