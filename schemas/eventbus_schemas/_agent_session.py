"""What all events of one session have in common, and how they are emitted with it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Required,
    TypedDict,
    TypeVar,
    Unpack,
)
from uuid import uuid4

import eventbus
from eventbus import Event
from eventbus_schemas._approvals import ApprovalDecided, ApprovalRequested, ToolDecision
from eventbus_schemas._attachments import AttachmentCleaned, AttachmentStaged
from eventbus_schemas._auth import AuthRecovery
from eventbus_schemas._cancelled import CallCancelled
from eventbus_schemas._emits import Attributes, Emits, EmitterSource
from eventbus_schemas._facts import known_facts, named_values, text, texts
from eventbus_schemas._failures import warning_of_failures
from eventbus_schemas._mcp import McpToolCallResult, McpToolCallStarted
from eventbus_schemas._plugins import (
    PluginInstallElicitationSent,
    PluginInstallSuggestion,
)
from eventbus_schemas._prompts import UserPrompt
from eventbus_schemas._realtime import (
    RealtimeAudio,
    RealtimeSessionStarted,
    RealtimeSessionStopped,
    VoiceStageStarted,
    VoiceStageStopped,
)
from eventbus_schemas._requests import ApiRequest
from eventbus_schemas._responses import AgentResponse, Reasoning
from eventbus_schemas._sandbox import NetworkPolicyDecision, SandboxOutcome
from eventbus_schemas._session import ConversationStarts, TurnContext
from eventbus_schemas._startup import StartupPhase
from eventbus_schemas._stream import SseEvent
from eventbus_schemas._threads import ItemCompleted
from eventbus_schemas._tools import FileChange, ToolResult, ToolStarted
from eventbus_schemas._turn_progress import (
    TurnCompaction,
    TurnDiffUpdated,
    TurnFirstMessage,
    TurnFirstToken,
)
from eventbus_schemas._usage import RateLimited, RateLimits, TokenUsage
from eventbus_schemas._websocket import (
    WebsocketConnect,
    WebsocketEvent,
    WebsocketRequest,
    WebsocketTiming,
)

if TYPE_CHECKING:
    from eventbus_schemas._agent_approval_wait import ApprovalWait
    from eventbus_schemas._agent_thread import Thread
    from eventbus_schemas._agent_tool_call import ToolCall, ToolCallFacts
    from eventbus_schemas._agent_turn import Turn
    from eventbus_schemas._approvals import ApprovalSource
    from eventbus_schemas._threads import ThreadFacts

E = TypeVar("E", bound=Event)

ORIGINATOR: Final = "sdk"


class SessionFacts(TypedDict, total=False):
    """What is known of a session; :class:`Session` says what each means."""

    conversation_id: Required[str]
    model: str
    slug: str
    auth_mode: str
    originator: str
    session_source: str
    terminal_type: str
    app_version: str
    account_id: str
    account_email: str


class AuthFacts(TypedDict, total=False):
    """Which credentials the environment of an agent holds, never what they are."""

    openai_api_key_present: bool
    codex_api_key_present: bool
    codex_api_key_enabled: bool
    provider_key_name: str
    provider_key_present: bool
    refresh_token_url_override_present: bool


ATTRIBUTES: Final[Mapping[str, str]] = {
    "conversation_id": "gen_ai.conversation.id",
    "model": "gen_ai.request.model",
    "slug": "slug",
    "auth_mode": "auth_mode",
    "originator": "originator",
    "session_source": "session_source",
    "terminal_type": "terminal.type",
    "app_version": "app.version",
    "account_id": "user.account_id",
    "account_email": "user.email",
}
"""Under which name each fact is an attribute of the session's events."""

_FACTS: Final = {attribute: fact for fact, attribute in ATTRIBUTES.items()}


class Session:
    """Emits the events of one session, each with what is known of the session.

    A method per event takes what the event's class takes, or its constructor where it
    has one, and returns what :attr:`eventbus.Bus.emit` returns: it never waits and
    never raises because of a sink. What the caller leaves out and the session knows is
    filled in: the model, which credentials there are, and so on. An event of a failure
    has the severity ``"warn"``, or the one that its class says, unless it is given one.

    A word that is not in a closed set is told as ``"other"``, or ``"unknown"`` where
    that is the set's word for all others. A set that has none leaves it as it is, as
    every field does with a value of another type: it is counted as ``invalid_value``,
    and raises with ``Bus(strict=True)``. What is measured or looked up, texts and words
    of closed sets, must be text: anything else is a ``TypeError`` that names it.

    Sessions are values: ``with_…`` returns another one, and leaves this one as it is.
    They may be used from any thread. A closed bus refuses their events and counts them.

    Args:
        source: What gives out emitters: a bus; without one, the bus that is in use.
        conversation_id: The session's id, ``gen_ai.conversation.id`` of its events.
        model: The model asked for, ``gen_ai.request.model``.
        slug: The model's name in the provider's catalog. Unset: the model.
        auth_mode: How the agent shows who it is, one of few (``"ApiKey"``).
        originator: Which program it is, one of few.
        session_source: Where it was begun, one of few (``"cli"``, ``"exec"``).
        terminal_type: The terminal it runs in, ``terminal.type``.
        app_version: The program's version, ``app.version``.
        account_id: Whose account it is, ``user.account_id``: content, not for metrics.
        account_email: Of that account, ``user.email``: content, not for metrics.

    Raises:
        TypeError: The id is missing, there is a fact that no session has, or *source*
            gives out no emitters.
    """

    conversation_starts = Emits(ConversationStarts)
    startup_phase = Emits(StartupPhase)
    turn_context = Emits(TurnContext)
    turn_first_token = Emits(TurnFirstToken)
    turn_first_message = Emits(TurnFirstMessage)
    turn_diff_updated = Emits(TurnDiffUpdated.from_text)
    turn_compaction = Emits(TurnCompaction.of)
    item_completed = Emits(ItemCompleted)

    user_prompt = Emits(UserPrompt.from_text)
    agent_response = Emits(AgentResponse.from_text)
    reasoning = Emits(Reasoning.from_text)
    file_change = Emits(warning_of_failures(FileChange))

    api_request = Emits(warning_of_failures(ApiRequest))
    sse_event = Emits(warning_of_failures(SseEvent))
    sse_failed = Emits(SseEvent.failed)
    websocket_connect = Emits(warning_of_failures(WebsocketConnect))
    websocket_request = Emits(warning_of_failures(WebsocketRequest))
    websocket_event = Emits(warning_of_failures(WebsocketEvent))
    websocket_failed = Emits(WebsocketEvent.failed)
    websocket_timing = Emits(WebsocketTiming)
    auth_recovery = Emits(AuthRecovery.of)
    call_cancelled = Emits(CallCancelled)
    token_usage = Emits(TokenUsage)
    rate_limits = Emits(RateLimits)
    rate_limited = Emits(RateLimited.of)

    tool_started = Emits(ToolStarted.of)
    tool_result = Emits(ToolResult.of)
    tool_could_not_run = Emits(ToolResult.could_not_run)
    tool_decision = Emits(ToolDecision.of)
    approval_requested = Emits(ApprovalRequested)
    approval_decided = Emits(ApprovalDecided.of)
    mcp_tool_call_started = Emits(McpToolCallStarted.of)
    mcp_tool_call_result = Emits(McpToolCallResult.of)
    sandbox_outcome = Emits(SandboxOutcome)
    network_policy_decision = Emits(NetworkPolicyDecision.of)
    plugin_install_elicitation_sent = Emits(PluginInstallElicitationSent)
    plugin_install_suggestion = Emits(PluginInstallSuggestion)

    attachment_staged = Emits(AttachmentStaged)
    attachment_cleaned = Emits(AttachmentCleaned)
    realtime_session_started = Emits(RealtimeSessionStarted)
    realtime_session_stopped = Emits(RealtimeSessionStopped)
    realtime_audio = Emits(RealtimeAudio)
    voice_stage_started = Emits(VoiceStageStarted)
    voice_stage_stopped = Emits(VoiceStageStopped)

    def __init__(
        self, source: EmitterSource = eventbus, **facts: Unpack[SessionFacts]
    ) -> None:
        """Emit nothing yet."""
        known = _checked(source, facts)
        defaults = {"originator": ORIGINATOR, "slug": known.get("model")}
        attributes = _attributes_of({**defaults, **known})
        self._know(source, attributes, _facts_in(attributes))

    def _know(
        self,
        source: EmitterSource,
        attributes: Attributes,
        defaults: Attributes,
        emitters: dict[type[Event], Callable[[Any], bool]] | None = None,
    ) -> None:
        # Any: each takes events of its own type.
        self._source = source
        self.attributes: Attributes = attributes
        self.defaults: Attributes = defaults
        self._emitters = {} if emitters is None else emitters

    def _know_as(self, other: Session, defaults: Attributes) -> None:
        """Know what *other* does but for *defaults*, and emit as it does."""
        self._know(other._source, other.attributes, defaults, other._emitters)

    def emitter(self, event_type: type[E]) -> Callable[[E], bool]:
        """Return an ``emit`` for events of one's own, with what all events here have.

        Args:
            event_type: A subclass of :class:`Event`.

        Raises:
            RegistrationError: The bus's catalog cannot take the type.
        """
        emit = self._emitters.get(event_type)
        if emit is None:
            emit = self._source.emitter(event_type, attributes=self.attributes)
            self._emitters[event_type] = emit
        return emit

    @contextmanager
    def bind(self) -> Generator[None]:
        """Bind what is known of the session to what anybody emits inside the block.

        For code that knows no session: libraries, other events. It follows the context,
        as :func:`eventbus.bind` does.
        """
        with eventbus.bind(self.attributes):
            yield

    def with_model(self, model: str, slug: str | None = None) -> Session:
        """Return the same session with another model; its *slug* is the model too."""
        facts = {"model": text("model", model), "slug": text("slug", slug or model)}
        return self.with_attributes(_attributes_of(facts))

    def with_inference(
        self, *, service_tier: str | None = None, reasoning_effort: str | None = None
    ) -> Session:
        """Return the same session with what its next requests ask of the model.

        Both at once: what is left out is not known from here on.
        """
        wishes = texts(service_tier=service_tier, reasoning_effort=reasoning_effort)
        return self._filling_in(wishes)

    def with_auth_environment(self, **held: Unpack[AuthFacts]) -> Session:
        """Return the same session with which credentials its environment holds.

        Args:
            **held: The fields ``auth_env_…`` of its events, without that beginning; the
                name of a provider's variable is told as ``"configured"``.

        Raises:
            TypeError: There is one that no event has.
        """
        known = known_facts(AuthFacts, held)
        if known.get("provider_key_name"):
            known["provider_key_name"] = "configured"
        told = {f"auth_env_{name}": value for name, value in known.items()}
        return self._filling_in(told)

    def with_attributes(self, attributes: Attributes) -> Session:
        """Return the same session with more attributes; they win over what it has."""
        other = object.__new__(Session)
        told = named_values("attributes", attributes)
        facts = _facts_in(told)
        known = {**self.attributes, **told, **_attributes_of(facts)}
        other._know(self._source, known, {**self.defaults, **facts})
        return other

    def with_request(self, request_id: str | None = None) -> Session:
        """Return the same session within one request to the model.

        Its events that have a ``request_id`` get this one: attempts, pieces of the
        stream, and the results of the tools that the answer asks for.

        Args:
            request_id: Its name in this program; without one it gets a random one.

        Raises:
            TypeError: The name is no text.
        """
        return self._filling_in({"request_id": _named("request_id", request_id)})

    def turn(self, turn_id: str | None = None) -> Turn:
        """Return a turn, which begins where its ``with`` block does.

        Args:
            turn_id: Its id; without one it gets a random one.
        """
        from eventbus_schemas._agent_turn import Turn

        return Turn(self, _named("turn_id", turn_id))

    def thread(self, input: str = "", **facts: Unpack[ThreadFacts]) -> Thread:
        """Return a thread, which begins where its ``with`` block does.

        Args:
            input: What it is asked: content.
            **facts: Fields that its start and its end have in common.

        Raises:
            TypeError: There is a fact that no thread has.
        """
        from eventbus_schemas._agent_thread import Thread

        return Thread(self, input, facts)

    def tool_call(self, tool_name: str, **facts: Unpack[ToolCallFacts]) -> ToolCall:
        """Return the call of a tool, which begins where its ``with`` block does.

        Args:
            tool_name: The tool.
            **facts: What is told of it where it starts; its ``call_id`` say.

        Raises:
            TypeError: There is a fact that no call has.
        """
        from eventbus_schemas._agent_tool_call import ToolCall

        return ToolCall(self, tool_name, facts)

    def approval(
        self,
        tool_name: str,
        *,
        source: ApprovalSource | None = None,
        call_id: str | None = None,
    ) -> ApprovalWait:
        """Return a wait for an approval, which begins where its ``with`` block does.

        Args:
            tool_name: The tool that may run or not.
            source: Whether a rule asks or a person.
            call_id: Joins it to the call; within one, it is that call's.
        """
        from eventbus_schemas._agent_approval_wait import ApprovalWait

        return ApprovalWait(self, tool_name, source=source, call_id=call_id)

    def _filling_in(self, known: Attributes) -> Session:
        other = object.__new__(Session)  # without the methods made for this one
        other._know_as(self, {**self.defaults, **known})
        return other


def _attributes_of(facts: Mapping[str, object]) -> dict[str, Any]:
    return {ATTRIBUTES[name]: fact for name, fact in facts.items() if fact is not None}


def _facts_in(attributes: Attributes) -> dict[str, Any]:
    """Return the facts in *attributes*: an absent field would hide one of its name."""
    told = {name: attributes[name] for name in _FACTS if name in attributes}
    return {_FACTS[name]: one for name, one in texts(**told).items()}


def _checked(source: object, facts: SessionFacts) -> dict[str, Any]:
    if not callable(getattr(source, "emitter", None)):
        raise TypeError(
            "a session's source gives out emitters, as a bus does, or the module "
            f"eventbus; got {type(source).__name__}"
        )
    known = known_facts(SessionFacts, facts)
    if not known.get("conversation_id"):
        raise TypeError("a session needs its conversation_id")
    return known


def _named(name: str, given: str | None) -> str:
    """Return *given*, or something random where it says nothing."""
    return texts(**{name: given})[name] or uuid4().hex
