"""Which settings are in force, and where each of them came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from eventbus._place import Place, written
from eventbus._records import REDACTED
from eventbus._settings import Batch, Buffer, Retry
from eventbus.config._reference import toml
from eventbus.config._secrets import is_secret
from eventbus.config._settings import Config, SinkChoice, SinkConfig
from eventbus.config._tree import as_table
from eventbus.config._values import NO_LIMIT
from eventbus.privacy._content import content_mode

# Any in this module: settings hold values of any type.

DEFAULT: Final = "default"
SINK_DEFAULT: Final = "default of the sink"

_OWN_DEFAULTS: Final = {"buffer": Buffer(), "batch": Batch(), "retry": Retry()}


class InForce(msgspec.Struct, frozen=True):
    """One setting as it will be used.

    Args:
        place: Where it stands, or would stand.
        value: As it would stand in a file; a secret is ``[REDACTED]``.
        origin: The file and line, the environment variable, ``"argument"`` or
            ``"default"``.
    """

    place: str
    value: str
    origin: str


def in_force(config: Config) -> Iterator[InForce]:
    """Yield every setting of *config*, those that are unset by default left out."""
    for place, value, default in _settings(config):
        origin = config.origins.get(place)
        is_set = value not in (None, msgspec.UNSET)
        if is_set or origin is not None:
            is_hidden = value != () and (
                is_secret(place) or (origin is not None and origin.variables)
            )
            shown = NO_LIMIT if value is None else value
            shown = toml(REDACTED if is_hidden else shown)
            yield InForce(written(place), shown, str(origin or default))


def _settings(config: Config) -> Iterator[tuple[Place, Any, str]]:
    yield from _fields(config.bus, ("bus",), DEFAULT)
    for name, sink in config.sinks.items():
        yield from _sink(sink, ("sinks", name))
    for name, metrics in config.metrics.items():
        yield from _fields(metrics, ("metrics", name), DEFAULT)


def _sink(sink: SinkConfig, place: Place) -> Iterator[tuple[Place, Any, str]]:
    yield from _choice(sink, place)
    for name in ("select", "min_severity"):
        yield (*place, name), getattr(sink, name), DEFAULT
    mode = content_mode(sink.content)
    if mode is not None:
        yield (*place, "content"), mode, DEFAULT
    else:
        yield from _fields(sink.content, (*place, "content"), DEFAULT)
    for name, plain in _OWN_DEFAULTS.items():
        mine: msgspec.Struct = getattr(sink, name)
        yield from _bounds(mine, plain, (*place, name))
    for name in ("sampler", "coalesce"):
        settings: msgspec.Struct | None = getattr(sink, name)
        if settings is not None:
            yield from _fields(settings, (*place, name), DEFAULT)
    if sink.dead_letters is not None:
        yield from _choice(sink.dead_letters, (*place, "dead_letters"))


def _choice(choice: SinkChoice, place: Place) -> Iterator[tuple[Place, Any, str]]:
    yield (*place, "type"), choice.type, DEFAULT
    if choice.settings is not None:
        yield from _fields(choice.settings, place, DEFAULT)


def _bounds(
    mine: msgspec.Struct, plain: msgspec.Struct, place: Place
) -> Iterator[tuple[Place, Any, str]]:
    for field in msgspec.structs.fields(mine):
        value: Any = getattr(mine, field.name)
        is_plain = value == getattr(plain, field.name)
        inner = (*place, field.encode_name)
        yield inner, value, DEFAULT if is_plain else SINK_DEFAULT


def _fields(
    struct: msgspec.Struct, place: Place, default: str
) -> Iterator[tuple[Place, Any, str]]:
    for field in msgspec.structs.fields(struct):
        yield from _leaves(
            getattr(struct, field.name), (*place, field.encode_name), default
        )


def _leaves(value: Any, place: Place, default: str) -> Iterator[tuple[Place, Any, str]]:
    table = as_table(value)
    if isinstance(value, msgspec.Struct):
        yield from _fields(value, place, default)
    elif table:
        for key, inner in table.items():
            yield from _leaves(inner, (*place, key), default)
    else:
        yield place, value, default
