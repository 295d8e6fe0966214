"""How a checked configuration becomes a bus with everything attached."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from eventbus._errors import AttachError, ConfigError, EventBusError
from eventbus._log import LOGGER_NAME
from eventbus._offline import is_offline, reaches_network
from eventbus._place import written
from eventbus._plugins import sink_lacks
from eventbus._record import AnyRecord
from eventbus._sampling_settings import sampler_from_config
from eventbus._sink import Sink
from eventbus._tracestate import Fields, Tracestate
from eventbus._verdict import describe_error, was_pressed
from eventbus.config._layers import Source
from eventbus.config._load import BUS, load_config
from eventbus.config._presets import Preset
from eventbus.config._secrets import scrubbed, secrets_in
from eventbus.config._settings import Config, SinkChoice, SinkConfig

if TYPE_CHECKING:
    from eventbus._bus import Bus

B = TypeVar("B", bound="Bus")

_NOTHING: Final = ("!*",)


def bus_from_config(
    make: type[B],
    source: Source,
    *,
    strict: bool = False,
    presets: Mapping[str, Preset] | None = None,
) -> B:
    """Return a bus with everything attached that a configuration names.

    See :meth:`eventbus.Bus.from_config`. A sink that cannot be used stays visible: an
    attachment of its name selects nothing, is ``"failed"`` and says why.

    Args:
        make: The class of bus.
        source: The path of a TOML file, or what is in one; or several, each of which
            may be a :class:`eventbus.config.Layer`.
        strict: Raise for anything that is wrong.
        presets: As :func:`eventbus.config.load_config` takes them.

    Raises:
        ConfigError: The configuration as a whole cannot be used, or *strict* and any
            part of it.
    """
    config = load_config(source, strict=strict, presets=presets)
    return bus_of(make, config, strict=strict)


def bus_of(make: type[B], config: Config, *, strict: bool = False) -> B:
    """Return a bus for a *config* that was checked already.

    A test may have switched network sinks off: then they are left out.
    """
    bus = make(
        resource=_plain(config.bus.resource),
        limits=config.bus.limits,
        strict=config.bus.strict,
        start_timeout_seconds=config.bus.start_timeout_seconds,
        close_timeout_seconds=config.bus.close_timeout_seconds,
        own_events_seconds=config.bus.own_events_seconds,
        tracestate=_tracestate(config.bus.tracestate, strict=strict),
        privacy=config.bus.privacy.made(),
    )
    bus.catalog.metrics.update(config.metrics)
    disabled = {
        name: left_out.reason
        for name, left_out in config.left_out.items()
        if left_out.because == "wrong"
    }
    disabled |= _attach_all(bus, config, strict=strict)
    for name, reason in disabled.items():
        _mark_disabled(bus, name, reason)
    return bus


def _attach_all(bus: Bus, config: Config, *, strict: bool) -> dict[str, str]:
    """Attach the sinks of *config*; return why not, by the names of the others."""
    disabled: dict[str, str] = {}
    for sink in config.sinks.values():
        if is_offline() and _reaches_network(sink):
            continue
        try:
            _attach(bus, sink)
        except ConfigError as error:
            if strict or sink.name in config.required:
                raise
            logging.getLogger(LOGGER_NAME).warning(
                "sink %r is disabled: %s", sink.name, error
            )
            disabled[sink.name] = str(error)
    return disabled


def _plain(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return *resource* with its secrets as the plain texts that sinks send."""
    return {k: str(v) if isinstance(v, str) else v for k, v in resource.items()}


def _tracestate(members: Mapping[str, Fields], *, strict: bool) -> Tracestate:
    try:
        return Tracestate(members)
    except ValueError as error:
        if strict:
            place = written((*BUS, "tracestate"))
            raise ConfigError(str(error), path=place) from error
    return Tracestate.of_usable(members, logging.getLogger(LOGGER_NAME).warning)


def _attach(bus: Bus, config: SinkConfig) -> None:
    place = written(("sinks", config.name))
    sink = _made(config, place)
    letters = config.dead_letters
    kept = None if letters is None else _made(letters, f"{place}.dead_letters")
    sampler = config.sampler
    try:
        bus.attach(
            sink,
            name=config.name,
            select=config.select,
            min_severity=config.min_severity,
            buffer=config.buffer,
            batch=config.batch,
            retry=config.retry,
            sampler=None if sampler is None else sampler_from_config(sampler),
            content=config.content,
            dead_letters=kept,
            coalesce=config.coalesce,
        )
    except EventBusError as error:
        raise ConfigError(str(error), path=place) from error


def _reaches_network(config: SinkConfig) -> bool:
    letters = config.dead_letters
    return reaches_network(config.sink) or (
        letters is not None and reaches_network(letters.sink)
    )


def _made(choice: SinkChoice, place: str) -> Sink:
    try:
        return choice.make()
    except ModuleNotFoundError as error:
        raise ConfigError(str(sink_lacks(choice.type, error)), path=place) from error
    except BaseException as error:  # whatever a stranger's constructor does
        if was_pressed(error):
            raise
        said = describe_error(error)
        reason = scrubbed(said, secrets_in(choice.settings))
        cause = error if said == reason else None  # its own text holds a secret
        raise ConfigError(
            f"Sink {choice.type!r} refuses its settings: {reason}", path=place
        ) from cause


def _mark_disabled(bus: Bus, name: str, reason: str) -> None:
    with suppress(AttachError):  # the bus is full, or has another one of this name
        attachment = bus.attach(_Disabled(), name=name, select=_NOTHING)
        attachment.health.enter("failed", f"disabled: {reason}")


class _Disabled:
    """Stands where a sink could not be made, so that the bus's stats name it."""

    async def start(self) -> None:
        """See :class:`eventbus.Sink`."""

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        """See :class:`eventbus.Sink`; it selects nothing."""

    async def aclose(self) -> None:
        """See :class:`eventbus.Sink`."""
