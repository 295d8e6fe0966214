"""A call of a tool: told when it starts, and told once how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypedDict, Unpack

from eventbus_schemas._agent_session import Session
from eventbus_schemas._cancelled import CallCancelled
from eventbus_schemas._closed_sets import in_words, open_sets
from eventbus_schemas._facts import check_fields, fitting, known_facts, text
from eventbus_schemas._stretch import Stretch, before_its_end, facts_of, words_of
from eventbus_schemas._tools import ToolFacts, ToolResult, ToolStarted

_OF_BOTH: Final = ("arguments", "attempt", "thread_id")


class ToolCallFacts(TypedDict, total=False):
    """What is told of a call where it starts: fields of :class:`ToolStarted`."""

    call_id: str | None
    arguments: str | None
    module: str | None
    is_retry: bool | None
    attempt: int | None
    metadata: str | None
    capabilities: list[str] | None
    sandbox_warnings: list[str] | None
    thread_id: str | None


class ToolCall(Stretch):
    """A session within the call of a tool; made by :meth:`Session.tool_call`.

    A context manager, entered once: ``agent.tool_started`` where it begins, and where
    it ends exactly one ``agent.tool_result``, with the time between. An exception makes
    it a failure with the exception's kind and message, whose output is both, and goes
    on. One that is cancelled, interrupted or left has ``agent.call_cancelled`` instead,
    and no result. Otherwise it ended as was said last, else it is completed without an
    output.

    Every event made inside that has a ``call_id`` gets the call's.
    """

    _tells = (ToolStarted, ToolResult, CallCancelled)

    def __init__(
        self,
        session: Session,
        tool_name: str,
        facts: ToolCallFacts,
        *,
        now: Callable[[], float] | None = None,
    ) -> None:
        """Begin nothing yet."""
        self._started = known_facts(ToolCallFacts, facts)
        self.tool_name = text("tool_name", tool_name)
        self.call_id: str | None = self._started.get("call_id")
        super().__init__(session, {"call_id": self.call_id}, now=now)
        told = self._started
        self._result: dict[str, Any] = {n: told[n] for n in _OF_BOTH if n in told}
        self._ending: dict[str, Any] = {"success": True}

    @before_its_end
    def completed(self, output: str = "", *, success: bool = True) -> None:
        """Let the call come to its own end, with *output*: content.

        Args:
            output: What it answered.
            success: Whether it ran and did not report a failure.
        """
        self._ending = {
            "success": fitting(bool, "success", success),
            "output": text("output", output),
        }

    @before_its_end
    def failed(self, output: str = "") -> None:
        """Let the call be a failure when it ends: it ran, and said no with *output*."""
        self._ending = {"success": False, "output": text("output", output)}

    @before_its_end
    def could_not_run(self, error: str) -> None:
        """Let the call be one that was refused before the tool did anything."""
        self._ending = {
            "success": False,
            "outcome": "could_not_run",
            "output": text("error", error),
            "tool_origin": "builtin",
        }

    @before_its_end
    def learned(self, **facts: Unpack[ToolFacts]) -> None:
        """Let the result have *facts* too, its ``exit_code`` say, however it ends.

        Raises:
            TypeError: There is a fact that no result has, or one of another type.
        """
        known = known_facts(ToolFacts, facts)
        known |= in_words(open_sets(ToolResult), known)
        check_fields(ToolResult.of(self.tool_name, success=True, **known))
        self._result |= known

    def _tell_start(self) -> None:
        self.tool_started(self.tool_name, span_token=self.token, **self._started)

    def _tell_end(self, error: BaseException | None, duration_ms: float) -> None:
        if error is not None and not isinstance(error, Exception):
            self.call_cancelled(
                operation="tool_call",
                duration_ms=duration_ms,
                tool_name=self.tool_name,
                span_token=self.token,
            )
            return
        ending: dict[str, Any] = self._ending
        if error is not None:
            ending = {"success": False, "output": words_of(error), **facts_of(error)}
        told: dict[str, Any] = {**ending, **self._result}
        told["span_token"] = self.token
        told.setdefault("duration_ms", duration_ms)
        self.tool_result(self.tool_name, **told)
