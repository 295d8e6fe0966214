"""Which errors exist, and who would catch each of them.

::

    EventBusError
    ├── BusClosedError            the bus was closed by its owner
    ├── PublishTimeoutError       room did not appear in time (also a TimeoutError)
    ├── InvalidEventError         strict mode: no event, or a field of another type
    ├── RegistrationError         a type no catalog can take (also a ValueError)
    ├── MetricError               a metric that cannot be declared (also a ValueError)
    │   └── LabelError            … because of one of its labels
    ├── AttachError               an attachment that cannot be made (also a ValueError)
    ├── OwnerError                the one slot of the module-level emitter is taken
    ├── ConfigError               a setting that cannot be used (also a ValueError)
    ├── PluginError               a plugin that is missing or does not load
    ├── DecodeError               text that is not a record (also a ValueError)
    └── SinkError                 what a sink raises to say what to do with its batch
        ├── Unavailable           not now: retry
        ├── Refused               never: the far side said no
        └── TooLarge              too much at once: split
"""

from __future__ import annotations


class EventBusError(Exception):
    """Base of every error this package raises on purpose."""


class BusClosedError(EventBusError):
    """The bus was closed, before the call or while it waited."""


class PublishTimeoutError(EventBusError, TimeoutError):
    """Room did not appear in time at every selecting attachment.

    Attributes:
        delivered: How many attachments took the event.
        timed_out: Names of the attachments that did not; counted there as
            ``dropped["block_timeout"]``.
    """

    def __init__(self, delivered: int, timed_out: tuple[str, ...]) -> None:
        """Say who took the event and who did not."""
        self.delivered = delivered
        self.timed_out = timed_out
        super().__init__(
            f"no room in time at {', '.join(map(repr, timed_out))}; "
            f"the event reached {delivered} other attachment(s)"
        )


class InvalidEventError(EventBusError, TypeError):
    """Strict mode: the value is no event, or one of its fields has another type."""


class RegistrationError(EventBusError, ValueError):
    """A catalog cannot take this event type; the text names the type."""


class MetricError(EventBusError, ValueError):
    """A metric cannot be declared so; the text names what is wrong.

    Attributes:
        place: Which part of the declaration: keys and indices.
    """

    def __init__(self, message: str, *place: str | int) -> None:
        """Keep the place beside the message."""
        self.place = place
        super().__init__(message)


class LabelError(MetricError):
    """A label cannot be called so."""


class AttachError(EventBusError, ValueError):
    """An attachment cannot be made as asked; the text names it."""


class OwnerError(EventBusError, RuntimeError):
    """Another bus already stands behind :func:`eventbus.emitter`."""


class ConfigError(EventBusError, ValueError):
    """A setting that cannot be used.

    Attributes:
        path: Where in the configuration, as in ``$.sinks.audit.buffer``.
    """

    def __init__(self, message: str, *, path: str = "$") -> None:
        """Append the place to the message."""
        self.path = path
        super().__init__(f"{message} - at `{path}`")


class PluginError(EventBusError, LookupError):
    """A plugin is missing or does not load; the text says how to get it."""


class DecodeError(EventBusError, ValueError):
    """A text that is not a record: what was expected, what was found, and where."""


class SinkError(EventBusError):
    """Base of what a sink raises to say what to do with the batch in hand."""


class Unavailable(SinkError):
    """The far side cannot take it now: try again.

    Args:
        reason: For people; it reaches the attachment's cause.
        retry_after_seconds: The far side's own wish. The wait is the longer of it
            and the backoff, at most ``Retry.max_server_delay_seconds``.
        outcome_unknown: The far side may have taken the batch all the same: the
            connection was cut after the request had left, say. Then the batch counts
            in ``possible_duplicates``.
    """

    retry_after_seconds: float | None = None
    outcome_unknown: bool = False

    def __init__(
        self,
        reason: str = "",
        *,
        retry_after_seconds: float | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        """Keep the wish beside the reason."""
        self.retry_after_seconds = retry_after_seconds
        self.outcome_unknown = outcome_unknown
        super().__init__(reason or "the far side is not available")


class Refused(SinkError):
    """The far side will never take this batch: do not try again.

    Args:
        reason: Why, for people and for a dead letter.
        permanent: The sink itself can go no further (authentication, say): the
            attachment becomes ``"failed"`` and what it holds is dropped as
            ``permanent``. Without it only this batch is counted, as rejected.
    """

    permanent: bool = False

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        """Keep whether it is for good."""
        self.permanent = permanent
        super().__init__(reason)


class TooLarge(SinkError):
    """The batch is larger than the far side takes: it is split."""

    def __init__(self, reason: str = "the batch is too large") -> None:
        """Keep the far side's words."""
        super().__init__(reason)
