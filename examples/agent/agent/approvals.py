"""Whether a tool may run: a rule for the harmless ones, a person for the others."""

from collections.abc import Awaitable, Callable
from typing import Final

from agent.tools import Call
from eventbus_schemas import Session

HARMLESS: Final = frozenset({"list_files", "read_file"})

Ask = Callable[[Call], Awaitable[bool]]
"""Asks a person whether a call may run."""


async def approved(call: Call, turn: Session, ask: Ask) -> bool:
    """Return whether *call* may run, and tell who decided."""
    is_harmless = call.name in HARMLESS
    is_approved = is_harmless or await _asked(call, turn, ask)
    turn.tool_decision(
        call.name,
        decision="approved" if is_approved else "denied",
        source="config" if is_harmless else "user",
        call_id=call.call_id,
    )
    return is_approved


async def _asked(call: Call, turn: Session, ask: Ask) -> bool:
    with turn.approval(call.name, source="user", call_id=call.call_id) as approval:
        is_approved = await ask(call)
        approval.decided("approved" if is_approved else "denied")
    return is_approved
