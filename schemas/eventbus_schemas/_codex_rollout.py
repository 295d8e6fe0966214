"""What each line of a stored session becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

import msgspec
from msgspec.structs import replace

from eventbus import Reading
from eventbus_schemas import _codex_rollout_lines as shape
from eventbus_schemas._codex_lines import LineFaults, read_lines
from eventbus_schemas._codex_outputs import tool_result
from eventbus_schemas._codex_session import CodexSession
from eventbus_schemas._codex_tokens import rate_limits, token_usage
from eventbus_schemas._prompts import UserPrompt
from eventbus_schemas._responses import AgentResponse, Reasoning
from eventbus_schemas._session import (
    AbortReason,
    ApprovalPolicy,
    ConversationStarts,
    SandboxPolicy,
    TurnAborted,
    TurnContext,
)
from eventbus_schemas._texts import byte_length

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LATEST_UNIX_NANO: Final = 2**63 - 1  # April 2262: what 64 bits of nanoseconds hold

_NO_LIMITS: Final = shape.Limits()
_NO_REASONING: Final = Reasoning()

_ABORT_REASONS: Final[dict[str, AbortReason]] = {
    reason: reason for reason in get_args(AbortReason)
}
_APPROVALS: Final[dict[str, ApprovalPolicy]] = {
    policy: policy for policy in get_args(ApprovalPolicy)
}
_SANDBOXES: Final[dict[str, SandboxPolicy]] = {
    policy: policy for policy in get_args(SandboxPolicy)
}

_decoder: Final = msgspec.json.Decoder(shape.AnyRolloutLine)

_TOLD_ELSEWHERE: Final[dict[type, str]] = {
    shape.Message: "response_item.message",
    shape.ReasoningItem: "response_item.reasoning",
}

# Any: each handler takes the one type of payload it stands for.
_Handler = Callable[[Any, int, int], Reading | None]


def read_codex_rollout(lines: Iterable[bytes], *, path: str) -> Iterator[Reading]:
    """Read a stored session: records with the recording's own times.

    A tool call and its output become one ``agent.tool_result``, at the output's line
    and time. A call without output becomes one with the outcome ``"no_output"``, at
    the call's time: at the end, when another session begins, or when more than 10,000
    calls or 64 MiB of arguments wait. Of what a recording tells twice, the one shown
    to people is the event; the model's history of it is skipped by its type.

    Record ids are the session's id and the line's number, so that reading the same
    recording again gives the same ids. The trace's id follows from the session's:
    what becomes of a session is one trace.

    Args:
        lines: One JSON object each.
        path: Names the input in what is skipped or broken.
    """
    faults = LineFaults(path, shape.KNOWN_KINDS)
    return read_lines(lines, _decoder, _RolloutSession(faults), faults)


class _RolloutSession(CodexSession):
    def __init__(self, faults: LineFaults) -> None:
        super().__init__(faults)
        self._moment: datetime | None = None
        self._time = 0
        self._model: str | None = None
        self._totals: shape.Tokens | None = None
        self._context = shape.Context()
        self._told_context = TurnContext()
        self._handlers: dict[type, _Handler] = {
            shape.SessionMeta: self._session_meta,
            shape.Context: self._turn_context,
            shape.ToolCall: self._tool_call,
            shape.CustomToolCall: self._tool_call,
            shape.LocalShellCall: self._local_shell_call,
            shape.ToolOutput: self._tool_output,
            shape.CustomToolOutput: self._tool_output,
            shape.UserMessage: self._user_message,
            shape.AgentMessage: self._agent_message,
            shape.AgentReasoning: self._agent_reasoning,
            shape.TurnAbort: self._turn_aborted,
            shape.TokenCount: self._token_count,
        }

    def take(self, line: shape.AnyRolloutLine, number: int) -> Reading | None:
        payload = line.payload
        handle = self._handlers.get(type(payload))
        if handle is None:
            return self._faults.skipped(_TOLD_ELSEWHERE[type(payload)], number)
        moment = line.timestamp
        if moment != self._moment:  # the lines of one step share their time
            self._moment, self._time = moment, _unix_nano(moment)
        time = self._time
        if not time:
            return self._faults.broken(
                "expected a time from 1970 to 2262, got the year "
                f"{moment.year} - at `$.timestamp`",
                number,
            )
        return handle(payload, number, time)

    def _session_meta(self, meta: shape.SessionMeta, number: int, time: int) -> Reading:
        told = {
            "app.version": meta.cli_version,
            "originator": meta.originator,
        }
        self._begin(
            meta.id,
            {name: value for name, value in told.items() if value is not None},
            id_prefix=f"{meta.id}:",
        )
        self._model = self._totals = None
        event = ConversationStarts(
            provider_name=meta.model_provider, working_directory=meta.cwd
        )
        return self._record(event, number, time)

    def _turn_context(self, context: shape.Context, number: int, time: int) -> Reading:
        if context.model is not None and context.model != self._model:
            self._model = context.model
            self._bind("gen_ai.request.model", context.model)
        if context != self._context:  # mostly it is told again as it was
            self._context, self._told_context = context, _context_event(context)
        return self._record(self._told_context, number, time)

    def _tool_call(
        self, call: shape.ToolCall | shape.CustomToolCall, number: int, time: int
    ) -> Reading | None:
        return self._open(call.call_id, call.name, call.arguments, number, time)

    def _local_shell_call(
        self, call: shape.LocalShellCall, number: int, time: int
    ) -> Reading | None:
        action = bytes(call.action).decode("utf-8", "replace")
        return self._open(call.call_id, "local_shell", action, number, time)

    def _tool_output(
        self, output: shape.ToolOutput | shape.CustomToolOutput, number: int, time: int
    ) -> Reading:
        call = self._calls.take(output.call_id)
        if call is None:
            return self._faults.broken(
                "expected the output of a call that waits for it, got one whose "
                "call is not there or has its output - at `$.payload.call_id`",
                number,
            )
        text = output.output
        event = tool_result(
            call,
            text if isinstance(text, str) else _joined(text),
            time - call.time_unix_nano,
        )
        return self._record(event, number, time)

    def _user_message(
        self, message: shape.UserMessage, number: int, time: int
    ) -> Reading:
        if message.kind != "plain":
            kind = self._faults.bounded(f"event_msg.user_message.{message.kind}")
            return self._faults.skipped(kind, number)
        event = UserPrompt.from_text(
            message.message,
            text_input_count=None,
            image_input_count=_count(message.images),
            local_image_input_count=_count(message.local_images),
        )
        return self._record(event, number, time)

    def _agent_message(
        self, message: shape.AgentMessage, number: int, time: int
    ) -> Reading:
        return self._record(AgentResponse.from_text(message.message), number, time)

    def _agent_reasoning(
        self, reasoning: shape.AgentReasoning, number: int, time: int
    ) -> Reading:
        text = reasoning.text
        event = replace(_NO_REASONING, text=text, text_length=byte_length(text))
        return self._record(event, number, time)

    def _turn_aborted(self, abort: shape.TurnAbort, number: int, time: int) -> Reading:
        reason = _ABORT_REASONS.get(abort.reason, "other")
        return self._record(TurnAborted(reason=reason), number, time)

    def _token_count(self, count: shape.TokenCount, number: int, time: int) -> Reading:
        info, limits = count.info, count.rate_limits or _NO_LIMITS
        if info is not None and info.total_token_usage != self._totals:
            self._totals = info.total_token_usage
            usage = token_usage(info, limits, model=self._model)
            return self._record(usage, number, time)
        left = rate_limits(limits)
        if left is None:
            return self._faults.skipped("event_msg.token_count.repeated", number)
        return self._record(left, number, time)


def _unix_nano(moment: datetime) -> int:
    """Return the time of *moment*; 0 where a record can have none such."""
    time = (moment - _EPOCH) // _MICROSECOND * 1_000
    return time if 0 < time <= _LATEST_UNIX_NANO else 0


def _context_event(context: shape.Context) -> TurnContext:
    return TurnContext(
        model=context.model,
        reasoning_effort=context.effort,
        reasoning_summary=context.summary,
        approval_policy=_approval(context.approval_policy),
        sandbox_policy=_sandbox(context.sandbox_policy),
        working_directory=context.cwd,
    )


def _approval(policy: str | None) -> ApprovalPolicy | None:
    return None if policy is None else _APPROVALS.get(policy, "other")


def _sandbox(policy: shape.SandboxMode | None) -> SandboxPolicy | None:
    if policy is None:
        return None
    return _SANDBOXES.get(policy.mode or policy.type or "", "other")


def _joined(parts: list[shape.Part]) -> str:
    return "\n".join(part.text for part in parts if part.text)  # an image has none


def _count(parts: list[msgspec.Raw] | None) -> int | None:
    return None if parts is None else len(parts)
