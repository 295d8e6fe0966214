"""What all events of agents have in common: nothing of theirs leaves with a secret."""

from __future__ import annotations

from eventbus import Event


class AgentEvent(Event, scan=True, gc=False):
    """An event of the agent catalog; every text in it is searched for secrets."""
