"""What is told of an answer that streams in, and how a piece of it is classified."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from eventbus import Attribute, Label, Sensitive, Severity, Unit
from eventbus.metrics import Histogram
from eventbus_schemas._metrics import counted_with, tokens_of
from eventbus_schemas._session import (
    CachedTokens,
    InputTokens,
    Model,
    OutputTokens,
    ReasoningTokens,
    Tokens,
)
from eventbus_schemas._texts import byte_length
from eventbus_schemas._turn_ids import OfRequest

SseOutcome = Literal["progress", "completed", "failed", "parse_failed"]

END_OF_DATA: Final = "[DONE]"

_FAILED: Final = "response.failed"
_ITEM_DONE: Final = "response.output_item.done"
_COMPLETED: Final = "response.completed"


class SseEvent(
    OfRequest,
    tag="agent.sse_event",
    metrics=counted_with(
        Histogram(field="duration_ms"),
        Histogram(field="error_message_length"),
        # The last piece alone has these: no series for each kind of piece.
        Histogram(field="time_to_first_token_ms", labels=("model",)),
        tokens_of(
            "agent.sse_event",
            *("input", "cached_input", "cache_write_input"),
            *("output", "reasoning_output", "total"),
            labels=("model",),
        ),
    ),
    gc=False,
):
    """A piece of the provider's stream came in, or the stream failed.

    Args:
        outcome: ``"completed"`` is the last piece, with token counts;
            ``"parse_failed"`` a last piece that could not be read.
        kind: The piece's name in the stream; absent when it is not known.
        duration_ms: How long it was waited for.
        error_message: The failure's own words.
        error_message_length: Their length.
        model: The model asked for.
        input_tokens: Tokens sent, the cached ones included.
        cached_input_tokens: Those of them that the provider had at hand.
        cache_write_tokens: Those of them that it keeps at hand from now on.
        output_tokens: Tokens that came back, reasoning included.
        reasoning_output_tokens: Those of them that were reasoning.
        total_tokens: Tokens sent and come back.
        time_to_first_token_ms: From the request to the first piece of text.
        service_tier: The tier the provider served it in.
        reasoning_effort: How much the model was to think.
        attempt: Of the request, from 0; absent when nobody counts.
        severity: ``"warn"`` when it failed.
    """

    outcome: Annotated[SseOutcome, Label]
    kind: Annotated[str | None, Label] = None
    duration_ms: Annotated[float | None, Unit("ms")] = None
    error_message: Annotated[str | None, Sensitive, Attribute("error.message")] = None
    error_message_length: Annotated[int | None, Unit("By")] = None
    model: Model = None
    input_tokens: InputTokens = None
    cached_input_tokens: CachedTokens = None
    cache_write_tokens: Tokens = None
    output_tokens: OutputTokens = None
    reasoning_output_tokens: ReasoningTokens = None
    total_tokens: Tokens = None
    time_to_first_token_ms: Annotated[float | None, Unit("ms")] = None
    service_tier: str | None = None
    reasoning_effort: str | None = None
    attempt: int | None = None
    severity: Severity = "info"

    @classmethod
    def failed(
        cls,
        error_message: str,
        *,
        kind: str | None = None,
        outcome: Literal["failed", "parse_failed"] = "failed",
        duration_ms: float | None = None,
        model: str | None = None,
        service_tier: str | None = None,
        reasoning_effort: str | None = None,
        turn_id: str | None = None,
        request_id: str | None = None,
        attempt: int | None = None,
        severity: Severity = "warn",
    ) -> SseEvent:
        """Make one for a failed piece, a broken stream or a wait that took too long."""
        return cls(
            outcome=outcome,
            kind=kind,
            duration_ms=duration_ms,
            error_message=error_message,
            error_message_length=byte_length(error_message),
            model=model,
            service_tier=service_tier,
            reasoning_effort=reasoning_effort,
            turn_id=turn_id,
            request_id=request_id,
            attempt=attempt,
            severity=severity,
        )


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


class _Response(msgspec.Struct):
    usage: _Usage | None = None
    service_tier: str | None = None


class _Completed(msgspec.Struct):
    response: _Response


class _Item(msgspec.Struct):
    type: str


class _ItemDone(msgspec.Struct):
    item: _Item


_completed: Final = msgspec.json.Decoder(_Completed)
_item_done: Final = msgspec.json.Decoder(_ItemDone)
_anything: Final = msgspec.json.Decoder()


def classify_sse(kind: str, data: str, *, duration_ms: float) -> SseEvent:
    """Return what the piece *kind* with *data* means.

    ``[DONE]`` and well-formed JSON are progress, ``response.completed`` is the end
    with its token counts, ``response.failed`` is a failure with the data as its words,
    and so is an item that names no type or data that is no JSON.

    Args:
        kind: The ``event:`` line.
        data: The ``data:`` lines.
        duration_ms: How long the piece was waited for.
    """
    if kind == _FAILED:
        return SseEvent.failed(data, kind=kind, duration_ms=duration_ms)
    if data != END_OF_DATA:
        try:
            if kind == _COMPLETED:
                return _completion(_completed.decode(data).response)
            (_item_done if kind == _ITEM_DONE else _anything).decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            return _unreadable(kind, error, duration_ms)
    return SseEvent(outcome="progress", kind=kind, duration_ms=duration_ms)


def _unreadable(kind: str, error: Exception, duration_ms: float) -> SseEvent:
    if kind == _COMPLETED:
        return SseEvent.failed(str(error), kind=kind, outcome="parse_failed")
    reason = f"failed to parse {_ITEM_DONE}" if kind == _ITEM_DONE else str(error)
    return SseEvent.failed(reason, kind=kind, duration_ms=duration_ms)


def _completion(response: _Response) -> SseEvent:
    usage = response.usage
    if usage is None:
        return SseEvent(
            outcome="completed", kind=_COMPLETED, service_tier=response.service_tier
        )
    sent = usage.input_tokens_details or _InputDetails()
    received = usage.output_tokens_details or _OutputDetails()
    return SseEvent(
        outcome="completed",
        kind=_COMPLETED,
        input_tokens=usage.input_tokens,
        cached_input_tokens=sent.cached_tokens,
        cache_write_tokens=sent.cache_write_tokens,
        output_tokens=usage.output_tokens,
        reasoning_output_tokens=received.reasoning_tokens,
        total_tokens=usage.total_tokens,
        service_tier=response.service_tier,
    )
