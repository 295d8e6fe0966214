"""How a sink is, and who is told."""

from __future__ import annotations

from collections.abc import Callable

from eventbus._log import QuietLog
from eventbus._sink import Sink, optional_method
from eventbus._stats import State
from eventbus._verdict import brief


def trouble_of(sink: Sink) -> str | None:
    """Return what *sink* says is missing at its far side, beside records."""
    try:
        trouble = optional_method(sink, "trouble")
        return brief(trouble) if isinstance(trouble, str) else None
    except Exception:  # noqa: BLE001 - a sink is anybody's code
        return None


class Health:
    """The state of one attachment and its cause; ``"failed"`` is for good.

    Args:
        name: The attachment's name, for the log.
        log: Where to say what went wrong.
        time_ns: The wall clock.
        entered: Called after each entry of a state, a repeated one included.
    """

    __slots__ = (
        "_entered",
        "_log",
        "_name",
        "_time_ns",
        "by_own_events",
        "cause",
        "failed",
        "since",
        "state",
    )

    def __init__(
        self,
        name: str,
        log: QuietLog,
        time_ns: Callable[[], int],
        entered: Callable[[], object],
    ) -> None:
        """Begin degraded: nothing has started yet."""
        self._name = name
        self._log = log
        self._time_ns = time_ns
        self._entered = entered
        self.by_own_events = False
        """Whether what happens now is the doing of the bus's own events alone."""
        self.state: State = "degraded"
        self.cause: str | None = "not started yet"
        self.failed = False
        """Whether the sink was given up."""
        self.since = time_ns()
        """When it entered this state, in nanoseconds since 1970."""

    def ready(self) -> None:
        """All is well."""
        if self.state != "ready":
            self.enter("ready", None)

    def degrade(self, cause: str) -> None:
        """It is trying; *cause* says what is wrong."""
        self.enter("degraded", cause)
        self._log.warning(
            f"{self._name}: degraded", "sink %r is degraded: %s", self._name, cause
        )

    def fail(self, cause: str) -> None:
        """It can go no further; *cause* says why."""
        self.enter("failed", cause)
        self._log.warning(
            f"{self._name}: failed", "sink %r has failed: %s", self._name, cause
        )

    def enter(self, state: State, cause: str | None) -> None:
        """Be in *state* for *cause*, and log nothing."""
        if self.failed:
            return
        if state != self.state:
            self.since = self._time_ns()
        self.state, self.failed = state, state == "failed"
        self.cause = None if cause is None else self._log.clean(cause)
        self._entered()
