"""What is told of sessions in speech: what is heard, what is said and how."""

from __future__ import annotations

from typing import Annotated, Literal

from eventbus import Label, Unit
from eventbus_schemas._agent_event import AgentEvent
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._session import Model

AudioDirection = Literal["send", "receive"]
VoiceStage = Literal["pipeline", "transcription", "synthesis", "other"]


class OfRealtimeSession(AgentEvent, gc=False):
    """Something that happened in a realtime session; a base of events.

    Args:
        realtime_session_id: Which session.
        span_token: 16 hexadecimal digits, the same on a start and on its end.
        model: The model asked for.
    """

    realtime_session_id: str | None = None
    span_token: str | None = None
    model: Model = None


class RealtimeSessionStarted(
    OfRealtimeSession,
    tag="agent.realtime_session_started",
    metrics=SESSION_METRICS,
    gc=False,
):
    """A realtime session began."""


class RealtimeSessionStopped(
    OfRealtimeSession,
    tag="agent.realtime_session_stopped",
    metrics=SESSION_METRICS,
    gc=False,
):
    """A realtime session ended.

    Args:
        duration_ms: From its start.
    """

    duration_ms: Annotated[float | None, Unit("ms")] = None


class RealtimeAudio(
    OfRealtimeSession, tag="agent.realtime_audio", metrics=SESSION_METRICS, gc=False
):
    """A piece of sound went out or came in.

    Args:
        direction: Which of the two.
        size_bytes: How large it is.
        duration_ms: How long it sounds.
    """

    direction: Annotated[AudioDirection, Label]
    size_bytes: Annotated[int | None, Unit("By")] = None
    duration_ms: Annotated[float | None, Unit("ms")] = None


class VoiceStageStarted(
    OfRealtimeSession,
    tag="agent.voice_stage_started",
    metrics=SESSION_METRICS,
    gc=False,
):
    """A stage of what is done with speech began.

    Args:
        stage: Which one; what is not in the set is ``"other"``.
    """

    stage: Annotated[VoiceStage, Label]


class VoiceStageStopped(
    OfRealtimeSession,
    tag="agent.voice_stage_stopped",
    metrics=SESSION_METRICS,
    gc=False,
):
    """A stage of what is done with speech ended.

    Args:
        stage: Which one; what is not in the set is ``"other"``.
        duration_ms: From its start.
    """

    stage: Annotated[VoiceStage, Label]
    duration_ms: Annotated[float | None, Unit("ms")] = None
