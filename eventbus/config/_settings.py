"""What a configuration holds once it is checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from eventbus._coalesce import Coalesce
from eventbus._own_events import MIN_OWN_EVENTS_SECONDS
from eventbus._place import Place
from eventbus._record import AttributeValue
from eventbus._sampling_settings import SamplerSettings
from eventbus._secret import Secret
from eventbus._settings import (
    DEFAULT_CLOSE_TIMEOUT_SECONDS,
    DEFAULT_START_TIMEOUT_SECONDS,
    Batch,
    Buffer,
    Limits,
    Retry,
)
from eventbus._severity import Severity
from eventbus._sink import Sink
from eventbus.config._layers import Rank
from eventbus.privacy._content import REDACTED_CONTENT, Content, ContentMode
from eventbus.privacy._known import KnownSecrets
from eventbus.privacy._privacy import SENSITIVE_ATTRIBUTES, Privacy, Scan

if TYPE_CHECKING:
    from eventbus.metrics._declaration import Metrics

SinkType = type[Sink]


class _Settings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
): ...


class PrivacySettings(_Settings, frozen=True, kw_only=True):
    """The table ``[bus.privacy]``; see :class:`eventbus.Privacy`.

    Args:
        scan: Which events are searched for secrets: those of types that have a
            sensitive field or a table or ask for it, all, or none.
        known_secrets: Values that are secrets, as in ``"${API_KEY}"``; an empty one is
            left out. :class:`eventbus.KnownSecrets` has their limits.
        key_names: Names of secrets beside the built-in ones.
        safe_key_names: Names that are no secrets.
        sensitive_attributes: Bound attributes that are content.
    """

    scan: Scan = "sensitive"
    known_secrets: tuple[Secret, ...] = ()
    key_names: tuple[str, ...] = ()
    safe_key_names: tuple[str, ...] = ()
    sensitive_attributes: tuple[str, ...] = SENSITIVE_ATTRIBUTES

    def __post_init__(self) -> None:
        """Refuse what the bus would refuse."""
        self.made()

    def made(self) -> Privacy:
        """Return the same for :class:`eventbus.Bus`."""
        return Privacy(
            scan=self.scan,
            known_secrets=KnownSecrets(
                secret.reveal() for secret in self.known_secrets if secret
            ),
            key_names=self.key_names,
            safe_key_names=self.safe_key_names,
            sensitive_attributes=self.sensitive_attributes,
        )


class BusSettings(_Settings, frozen=True, kw_only=True):
    """The table ``[bus]``.

    Args:
        resource: Attributes of this service, on every record; over what
            ``OTEL_SERVICE_NAME`` and ``OTEL_RESOURCE_ATTRIBUTES`` say.
        strict: Whether values that are no events, and fields of the wrong type, raise
            in the program that emits them, instead of being counted.
        start_timeout_seconds: Longest wait for sinks to start; they go on trying.
        close_timeout_seconds: What a close may take, all sinks together.
        own_events_seconds: How often the bus reports on itself as events; without
            it, never.
        limits: Bounds of the whole bus.
        tracestate: What stands in front of every tracestate that leaves: fields by
            member. What cannot stand there is left out, with a warning.
        privacy: What is taken for a secret, and replaced in all that leaves.
    """

    resource: dict[Annotated[str, Meta(min_length=1)], AttributeValue] = {}
    strict: bool = False
    start_timeout_seconds: Annotated[float, Meta(ge=0)] = DEFAULT_START_TIMEOUT_SECONDS
    close_timeout_seconds: Annotated[float, Meta(ge=0)] = DEFAULT_CLOSE_TIMEOUT_SECONDS
    own_events_seconds: Annotated[float, Meta(ge=MIN_OWN_EVENTS_SECONDS)] | None = None
    limits: Limits = Limits()
    tracestate: dict[str, dict[str, str]] = {}
    privacy: PrivacySettings = PrivacySettings()


class AttachmentSettings(_Settings, frozen=True, kw_only=True):
    """The keys that every table ``[sinks.NAME]`` may have, whatever its sink.

    Args:
        type: Which sink, by the name of its plugin; without it, the table's name.
        preset: What a vendor fixes about it, by the name of the preset; with the
            user's own ``api_key`` beside it.
        enabled: Whether it is attached. A sink that is not is not even imported.
        select: Globs on event names: ``*`` crosses dots, ``!`` excludes. Without it,
            everything.
        min_severity: The least severity taken.
        buffer: The bounds of its buffer.
        batch: When a batch leaves.
        retry: How often and how long a batch is tried again.
        sampler: What it keeps of the events; without it, all of them.
        content: ``"full"`` lets sensitive fields through; a table with ``full`` and
            ``max_bytes`` some of them, or their beginnings.
        dead_letters: A sink for what is set aside, with a ``type`` and that sink's
            settings.
        coalesce: Which events of a batch become one summary where they are alike;
            without it, none.
    """

    type: Annotated[str, Meta(min_length=1)] | None = None
    preset: Annotated[str, Meta(min_length=1)] | None = None
    enabled: bool = True
    select: Annotated[list[str], Meta(min_length=1)] | str | None = None
    min_severity: Severity | None = None
    buffer: Buffer = Buffer()
    batch: Batch = Batch()
    retry: Retry = Retry()
    sampler: SamplerSettings | None = None
    content: ContentMode | Content = "redacted"
    dead_letters: dict[str, Any] | None = None  # Any: settings of any sink
    coalesce: Coalesce | None = None


RESERVED: Final = frozenset((*AttachmentSettings.__struct_encode_fields__, "spool"))
"""Keys of an attachment that no sink's settings may use."""


class SinkChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A sink with its settings, ready to be made.

    Args:
        type: The name of its plugin.
        sink: The class that the plugin names.
        settings: What it is made from; ``None`` for a sink without settings.
    """

    type: str
    sink: SinkType
    settings: msgspec.Struct | None

    def make(self) -> Sink:
        """Return a new sink; opens nothing.

        A class whose settings follow the environment may have a class method
        ``from_config(settings)``, which makes a sink from settings that hold what the
        environment said already.
        """
        # Any: each class takes the settings it names
        make: Any = getattr(self.sink, "from_config", self.sink)
        sink: Sink = make() if self.settings is None else make(self.settings)
        return sink


class SinkConfig(SinkChoice, frozen=True, kw_only=True):
    """One table ``[sinks.NAME]`` with its defaults filled in.

    Args:
        name: The attachment's name.
        select: Which events it takes; ``None`` is all.
        min_severity: The least severity it takes.
        buffer: Its bounds: the sink's own defaults under what the file says.
        batch: Its batches, likewise.
        retry: Its patience, likewise.
        sampler: What it keeps of the events.
        content: Which content reaches it.
        dead_letters: A sink for what is set aside.
        coalesce: What becomes one in its batches.
    """

    name: str
    select: tuple[str, ...] | None = None
    min_severity: Severity | None = None
    buffer: Buffer = Buffer()
    batch: Batch = Batch()
    retry: Retry = Retry()
    sampler: SamplerSettings | None = None
    content: Content = REDACTED_CONTENT
    dead_letters: SinkChoice | None = None
    coalesce: Coalesce | None = None

    def __repr__(self) -> str:
        """Show the name and the type."""
        return f"<SinkConfig {self.name!r} of type {self.type!r}>"


class LeftOut(msgspec.Struct, frozen=True):
    """A table ``[sinks.NAME]`` that is not attached.

    Args:
        reason: Why, in one line.
        because: ``"asked"``: by the configuration or the environment; ``"wrong"``: it
            cannot be used.
        place: What of the configuration asks for it, where something does.
    """

    reason: str
    because: Literal["asked", "wrong"]
    place: Place | None = None


class Origin(msgspec.Struct, frozen=True):
    """Where a value came from.

    Args:
        where: ``"eventbus.toml:7"``, ``"environment OTEL_SERVICE_NAME"``,
            ``"preset 'statsig'"`` or ``"argument"``.
        variables: Environment variables that are expanded in it; then it is a secret.
        rank: Whose layer of the configuration said it.
    """

    where: str
    variables: tuple[str, ...] = ()
    rank: Rank = "user"

    def __str__(self) -> str:
        """Say the variables first, and whose it is where that is not the user."""
        whose = _WHOSE.get(self.rank, "")
        if not self.variables:
            return f"{self.where}{whose}"
        return f"{', '.join(self.variables)} in {self.where}{whose}"


_WHOSE: Final = {"managed": ", required", "project": ", not trusted"}


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration that was checked; :func:`eventbus.load_config` makes it.

    Args:
        bus: The bus's own settings.
        sinks: What is to be attached, by name.
        left_out: What is not attached, by name.
        metrics: Metrics of event types by name, where they are others than the class
            says.
        warnings: What was ignored, a line each.
        origins: Where each value that is no default came from, by its place.
        required: The sinks that an administrator requires: a mistake in one of them is
            an error, strict or not.
    """

    bus: BusSettings
    sinks: Mapping[str, SinkConfig]
    left_out: Mapping[str, LeftOut]
    metrics: Mapping[str, Metrics]
    warnings: tuple[str, ...]
    origins: Mapping[Place, Origin]
    required: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        """Show the names of the sinks."""
        return f"<Config of {len(self.sinks)} sinks: {', '.join(self.sinks)}>"
