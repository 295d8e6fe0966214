"""What is known of a call beforehand, and which of it an event has a field for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypedDict, cast

from eventbus import Event
from eventbus_schemas._facts import known_facts


class CallFacts(TypedDict, total=False):
    """What hooks are not told and their events should say.

    Each is the field of that name of :class:`eventbus_schemas.ApiRequest`,
    :class:`eventbus_schemas.SseEvent` or :class:`eventbus_schemas.ToolResult`; an event
    says those that it has a field for. ``None`` is not known.
    """

    endpoint: str | None
    model: str | None
    turn_id: str | None
    thread_id: str | None
    request_id: str | None
    service_tier: str | None
    reasoning_effort: str | None
    auth_mode: str | None
    auth_header_attached: bool | None
    auth_header_name: str | None
    auth_retry_after_unauthorized: bool | None
    auth_recovery_mode: str | None
    auth_recovery_phase: str | None
    auth_agent_id: str | None
    auth_task_id: str | None
    auth_env_openai_api_key_present: bool | None
    auth_env_codex_api_key_present: bool | None
    auth_env_codex_api_key_enabled: bool | None
    auth_env_provider_key_name: str | None
    auth_env_provider_key_present: bool | None
    auth_env_refresh_token_url_override_present: bool | None


_NAMES: Final = frozenset(CallFacts.__annotations__)


def known_to(source: object) -> CallFacts:
    """Return the facts that *source* fills in, a session; of anything else none."""
    fills_in: object = getattr(source, "defaults", None)
    if not isinstance(fills_in, Mapping):
        return {}
    known = cast("Mapping[str, Any]", fills_in)  # Any: of fields, whose types hold
    return cast("CallFacts", {n: known[n] for n in _NAMES if n in known})


class KnownFacts:
    """Facts, sorted by the types of events that have fields for them.

    Args:
        facts: As in :class:`CallFacts`; ``None`` is not known.

    Raises:
        TypeError: There is a fact that no call has, or one of another type.
    """

    def __init__(self, facts: CallFacts) -> None:
        """Refuse what no event has a field for."""
        known = known_facts(CallFacts, facts)
        told = {name: fact for name, fact in known.items() if fact is not None}
        self.all: Final = cast("CallFacts", told)
        self._by_type: Final[dict[type[Event], Mapping[str, Any]]] = {}

    def of(self, event_type: type[Event]) -> Mapping[str, Any]:
        """Return those that *event_type* has fields for."""
        # Any: they are arguments of an event, whose own types hold.
        facts = self._by_type.get(event_type)
        if facts is None:
            has = frozenset(event_type.__struct_fields__)
            facts = {name: fact for name, fact in self.all.items() if name in has}
            self._by_type[event_type] = facts
        return facts
