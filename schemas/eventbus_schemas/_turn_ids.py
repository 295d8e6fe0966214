"""What an event is joined to others by: the turn and the request it belongs to."""

from __future__ import annotations

from eventbus_schemas._agent_event import AgentEvent


class OfTurn(AgentEvent, gc=False):
    """Something that happened in a turn; a base of events.

    Args:
        turn_id: The turn it belongs to.
    """

    turn_id: str | None = None


class OfRequest(OfTurn, gc=False):
    """Something that came of one request to the model; a base of events.

    Args:
        request_id: The request it belongs to, as this program calls it: the same for
            all its attempts, for the pieces of its stream and for its completion.
    """

    request_id: str | None = None
