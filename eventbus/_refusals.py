"""How values that emit cannot take are refused, and odd ones warned about."""

from __future__ import annotations

from typing import Final

from eventbus._catalog import qualified
from eventbus._errors import InvalidEventError, RegistrationError
from eventbus._event import Event
from eventbus._ingress import Ingress
from eventbus._ledger import BusLedger
from eventbus._log import QuietLog
from eventbus._verdict import describe_error


class Refusals:
    """Counts what is refused or warned about, and says so in the program's log.

    Args:
        ingress: Under its lock everything is counted.
        ledger: Where.
        log: Where it is said, unless the calling thread is inside the lock.
        strict: Whether a value that is refused raises instead.
    """

    def __init__(
        self, ingress: Ingress, ledger: BusLedger, log: QuietLog, *, strict: bool
    ) -> None:
        """Count nothing yet."""
        self._ingress: Final = ingress
        self._ledger: Final = ledger
        self._log: Final = log
        self._strict: Final = strict

    def refuse(self, reason: str) -> None:
        """Count one event as never offered."""
        with self._ingress.left, self._ingress.mutex, self._ingress.inside:
            self._ledger.refuse(reason)

    def refuse_value(self, value: object) -> None:
        """Refuse *value*, which is no event.

        Raises:
            InvalidEventError: Strict mode.
        """
        message = f"emit takes an eventbus.Event, got {qualified(type(value))}"
        if self._strict:
            raise InvalidEventError(message)
        self.refuse("invalid_type")
        self._say("invalid_type", message)

    def refuse_type(self, error: RegistrationError) -> None:
        """Refuse an event whose type cannot be registered, for *error*.

        Raises:
            RegistrationError: Strict mode.
        """
        if self._strict:
            raise error
        self.refuse("unregistered")
        self._say("unregistered", str(error))

    def warn(self, event: Event, how: str, error: Exception) -> None:
        """Say that *event*, of a known type, goes on *how*, for *error*."""
        with self._ingress.left, self._ingress.mutex, self._ingress.inside:
            self._ledger.warn("invalid_value")
        name = self._ingress.event_types[type(event)].name
        why = describe_error(error)
        self._say("invalid_value", f"event {name!r} is handed over {how}: {why}")

    def _say(self, reason: str, message: str) -> None:
        if not self._ingress.inside.is_mine:  # logging has locks of its own
            self._log.warning(reason, "%s", message)
