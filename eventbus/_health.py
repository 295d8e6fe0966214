"""How a sink is, and who is told."""

from __future__ import annotations

from eventbus._log import QuietLog
from eventbus._stats import State


class Health:
    """The state of one attachment and its cause; ``"failed"`` is for good."""

    __slots__ = ("_log", "_name", "cause", "state")

    def __init__(self, name: str, log: QuietLog) -> None:
        """Begin degraded: nothing has started yet."""
        self._name = name
        self._log = log
        self.state: State = "degraded"
        self.cause: str | None = "not started yet"

    @property
    def failed(self) -> bool:
        """Whether the sink was given up."""
        return self.state == "failed"

    def ready(self) -> None:
        """All is well."""
        if self.state != "ready":
            self._enter("ready", None)

    def degrade(self, cause: str) -> None:
        """It is trying; *cause* says what is wrong."""
        self._enter("degraded", cause)
        self._log.warning(
            f"{self._name}: degraded", "sink %r is degraded: %s", self._name, cause
        )

    def fail(self, cause: str) -> None:
        """It can go no further; *cause* says why."""
        self._enter("failed", cause)
        self._log.warning(
            f"{self._name}: failed", "sink %r has failed: %s", self._name, cause
        )

    def _enter(self, state: State, cause: str | None) -> None:
        if self.state != "failed":
            self.state, self.cause = state, cause
