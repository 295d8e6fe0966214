"""Which settings are in force, and where each of them came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from eventbus._settings import Batch, Buffer, Retry
from eventbus.config._place import Place, inside, written
from eventbus.config._reference import UNSET, toml
from eventbus.config._secrets import MaskedTable, SecretText
from eventbus.config._settings import Config, SinkChoice, SinkConfig

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
    """Yield every setting of *config*, those that are unset left out."""
    for place, value, default in _settings(config):
        origin = _origin(config, place)
        if value is not None or origin is not None:
            yield InForce(written(place), _shown(value), origin or default)


def _origin(config: Config, place: Place) -> str | None:
    origin = config.origins.get(place)
    if origin is not None:
        return origin
    inner = (o for p, o in config.origins.items() if inside(p, place))
    return next(inner, None)


def _shown(value: Any) -> str:
    if isinstance(value, SecretText | MaskedTable):
        return repr(value)
    return UNSET if value is None else toml(value)


def _settings(config: Config) -> Iterator[tuple[Place, Any, str]]:
    yield from _fields(config.bus, ("bus",), DEFAULT)
    for name, sink in config.sinks.items():
        yield from _sink(sink, ("sinks", name))


def _sink(sink: SinkConfig, place: Place) -> Iterator[tuple[Place, Any, str]]:
    yield from _choice(sink, place)
    for name in ("select", "min_severity", "content"):
        yield (*place, name), getattr(sink, name), DEFAULT
    for name, plain in _OWN_DEFAULTS.items():
        mine: msgspec.Struct = getattr(sink, name)
        yield from _bounds(mine, plain, (*place, name))
    if sink.sampler is not None:
        yield from _fields(sink.sampler, (*place, "sampler"), DEFAULT)
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
        value: Any = getattr(struct, field.name)
        inner = (*place, field.encode_name)
        if isinstance(value, msgspec.Struct):
            yield from _fields(value, inner, default)
        else:
            yield inner, value, default
