"""Whether a sink has the shape that the bus and a configuration expect of it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final, TypeGuard

import msgspec

from eventbus._settings import Batch, Buffer, Retry
from eventbus.testing.conformance._rules import Rule, SinkViolation

# Any in this module: a sink of unknown quality, and what stands in its class.

_CANARY: Final = "canary-b7f3a1"
_COROUTINES: Final = ("start", "write", "aclose", "check")
_PLAIN: Final = ("configure", "observe", "after_fork")
_DEFAULTS: Final = {
    "buffer": Buffer,
    "batch": Batch,
    "retry": Retry,
    "ordered": bool,
    "network": bool,
}


def check_shape(sink: Any) -> None:
    """Check rules 1 to 4 and 6 on *sink*, which was not started.

    Raises:
        SinkViolation: One is broken.
    """
    _check_methods(sink)
    _check_defaults(sink)
    settings = getattr(sink, "Settings", None)
    if settings is not None:
        _check_settings(sink.__class__, settings)
        _check_secrets(sink, settings)


def _check_methods(sink: Any) -> None:
    for name in ("start", "write", "aclose"):
        if not callable(getattr(sink, name, None)):
            raise SinkViolation(Rule.COROUTINES, f"there is no {name}")
    for name in (*_COROUTINES, *_PLAIN):
        method = getattr(sink, name, None)
        if method is None:
            continue
        is_async = inspect.iscoroutinefunction(method)
        if is_async != (name in _COROUTINES):
            found = "is" if is_async else "is not"
            raise SinkViolation(Rule.COROUTINES, f"{name} {found} async")


def _check_defaults(sink: Any) -> None:
    for name, kind in _DEFAULTS.items():
        value = getattr(sink, name, None)
        if value is not None and not isinstance(value, kind):
            raise SinkViolation(
                Rule.DEFAULTS, f"{name} must be a {kind.__name__}, got {value!r}"
            )


def is_settings(value: Any) -> TypeGuard[type[msgspec.Struct]]:
    """Return whether *value* is a class that settings can be read into."""
    return isinstance(value, type) and issubclass(value, msgspec.Struct)


def _check_settings(sink_class: Any, settings: Any) -> None:
    if not is_settings(settings):
        raise SinkViolation(Rule.SETTINGS, f"Settings is {settings!r}")
    config = settings.__struct_config__
    if not config.frozen:
        raise SinkViolation(Rule.SETTINGS, f"{settings.__name__} is not frozen")
    if not config.forbid_unknown_fields:
        raise SinkViolation(
            Rule.SETTINGS, f"{settings.__name__} does not refuse unknown fields"
        )
    _check_names(settings)
    try:
        inspect.signature(sink_class).bind(object())
    except TypeError as error:
        raise SinkViolation(
            Rule.SETTINGS, f"{sink_class.__name__}(settings) does not work: {error}"
        ) from error


def _check_names(settings: type[msgspec.Struct]) -> None:
    from eventbus.config._settings import RESERVED

    for field in msgspec.structs.fields(settings):
        if field.encode_name in RESERVED:
            raise SinkViolation(
                Rule.RESERVED, f"{settings.__name__}.{field.name} is the attachment's"
            )


def _check_secrets(sink: Any, settings: type[msgspec.Struct]) -> None:
    own = next((v for v in _held_by(sink) if isinstance(v, settings)), None)
    if own is None:
        return
    for name in _secret_texts(settings):
        try:
            spiked = msgspec.structs.replace(own, **{name: _CANARY})
        except ValueError:  # it goes with another one, or has a form of its own
            continue
        for shown in (spiked, sink.__class__(spiked)):
            if _CANARY in repr(shown):
                raise SinkViolation(
                    Rule.SECRETS,
                    f"the repr of {type(shown).__name__} shows the value of {name!r}",
                )


def _held_by(sink: Any) -> Iterator[Any]:
    yield from getattr(sink, "__dict__", {}).values()
    for cls in type(sink).__mro__:
        for slot in getattr(cls, "__slots__", ()):
            yield getattr(sink, slot, None)


def _secret_texts(settings: type[msgspec.Struct]) -> Iterator[str]:
    from eventbus.config._secrets import is_secret_name

    info = msgspec.inspect.type_info(settings)
    assert isinstance(info, msgspec.inspect.StructType)
    for field in info.fields:
        if is_secret_name(field.name) and _may_be_text(field.type):
            yield field.name


def _may_be_text(node: msgspec.inspect.Type) -> bool:
    kinds = node.types if isinstance(node, msgspec.inspect.UnionType) else (node,)
    return any(isinstance(kind, msgspec.inspect.StrType) for kind in kinds)
