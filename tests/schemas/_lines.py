"""Lines as the recordings have them, written by hand, and what is read of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from eventbus import Broken, Event, Reading, Record, Skipped
from eventbus_schemas import read_codex_exec, read_codex_rollout

RECORDINGS = Path(__file__).parents[2] / "examples" / "recordings"
ROLLOUTS = ("rollout-small", "rollout-large")
EXEC_OUTPUTS = tuple(f"exec-stream-output-{number}" for number in (1, 2, 3))

AT = "2025-09-25T01:22:20.083Z"
AT_UNIX_NANO = 1_758_763_340_083_000_000


def recorded(name: str) -> list[bytes]:
    """Return the lines of the recording *name*."""
    return (RECORDINGS / f"{name}.jsonl").read_bytes().splitlines(keepends=True)


def read_recording(name: str) -> list[Reading]:
    """Return everything its reader yields of the recording *name*."""
    reader = read_codex_rollout if name in ROLLOUTS else read_codex_exec
    return list(reader(recorded(name), path=name))


def rollout(*lines: bytes) -> list[Reading]:
    """Return everything that is read of these lines of a stored session."""
    return list(read_codex_rollout(lines, path="rollout.jsonl"))


def exec_output(*lines: bytes) -> list[Reading]:
    """Return everything that is read of these lines of ``codex exec --json``."""
    return list(read_codex_exec(lines, path="exec.jsonl"))


def records(readings: Iterable[Reading]) -> list[Record[Any]]:
    """Return the records of *readings*."""
    return [reading for reading in readings if isinstance(reading, Record)]


def events(readings: Iterable[Reading]) -> list[Event]:
    """Return the events of the records of *readings*."""
    return [record.event for record in records(readings)]


def skipped(readings: Iterable[Reading]) -> list[Skipped]:
    """Return what was skipped."""
    return [reading for reading in readings if isinstance(reading, Skipped)]


def broken(readings: Iterable[Reading]) -> list[Broken]:
    """Return what was broken."""
    return [reading for reading in readings if isinstance(reading, Broken)]


def line(kind: str, payload: object, /, *, at: str = AT) -> bytes:
    """Return a line of a stored session."""
    return msgspec.json.encode({"timestamp": at, "type": kind, "payload": payload})


def shown(kind: str, /, *, at: str = AT, **fields: object) -> bytes:
    """Return a line of what the agent showed."""
    return line("event_msg", {"type": kind, **fields}, at=at)


def item(kind: str, /, *, at: str = AT, **fields: object) -> bytes:
    """Return a line of the model's history."""
    return line("response_item", {"type": kind, **fields}, at=at)


def meta(session: str = "s-1", **fields: object) -> bytes:
    """Return the line that names a stored session."""
    return line("session_meta", {"id": session, **fields})


def call(
    call_id: str, *, at: str = AT, name: str = "shell", arguments: str = "{}"
) -> bytes:
    """Return the line of a tool call."""
    return item("function_call", at=at, call_id=call_id, name=name, arguments=arguments)


def output(call_id: str, text: object = "", *, at: str = AT) -> bytes:
    """Return the line of a tool's output."""
    return item("function_call_output", at=at, call_id=call_id, output=text)


def command_output(text: str, *, exit_code: int = 0, seconds: float = 0.0) -> str:
    """Return a command's output as a stored session has it."""
    metadata = {"exit_code": exit_code, "duration_seconds": seconds}
    return msgspec.json.encode({"output": text, "metadata": metadata}).decode()


def started(**item: object) -> bytes:
    """Return the line of an item that starts."""
    return msgspec.json.encode({"type": "item.started", "item": item})


def completed(**item: object) -> bytes:
    """Return the line of an item that is complete."""
    return msgspec.json.encode({"type": "item.completed", "item": item})


def thread(thread_id: str = "t-1") -> bytes:
    """Return the line that names a thread."""
    return msgspec.json.encode({"type": "thread.started", "thread_id": thread_id})
