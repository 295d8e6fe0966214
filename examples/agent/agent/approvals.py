"""Whether a tool may run: a rule for the harmless ones, a person for the others."""

import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from agent.tools import Call
from eventbus_schemas import Session

HARMLESS: Final = frozenset({"list_files", "read_file"})

Ask = Callable[[Call], Awaitable[bool]]
"""Asks a person whether a call may run."""


async def approved(call: Call, turn: Session, ask: Ask) -> bool:
    """Return whether *call* may run, and tell who decided."""
    if call.name in HARMLESS:
        turn.tool_decision(
            call.name, decision="approved", source="config", call_id=call.call_id
        )
        return True
    is_approved = await _asked(call, turn, ask)
    turn.tool_decision(
        call.name,
        decision="approved" if is_approved else "denied",
        source="user",
        call_id=call.call_id,
    )
    return is_approved


async def _asked(call: Call, turn: Session, ask: Ask) -> bool:
    turn.approval_requested(tool_name=call.name, source="user", call_id=call.call_id)
    outcome: Literal["approved", "denied", "other"] = "other"
    began = time.monotonic()
    try:
        outcome = "approved" if await ask(call) else "denied"
    finally:  # a wait that was cancelled ended too
        turn.approval_decided(
            call.name,
            outcome=outcome,
            duration_ms=(time.monotonic() - began) * 1000,
            source="user",
            call_id=call.call_id,
        )
    return outcome == "approved"
