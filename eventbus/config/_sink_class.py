"""What a sink class brings to a configuration: its settings and its defaults."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from eventbus._errors import PluginError
from eventbus._plugins import load_sink
from eventbus._settings import Batch, Buffer, Retry
from eventbus._verdict import describe_error
from eventbus.config._settings import RESERVED, SinkType
from eventbus.config._values import fields_of

# Any in this module: the attributes of a stranger's class.

SettingsType = type[msgspec.Struct]

S = TypeVar("S", Buffer, Batch, Retry)


class SinkClass(msgspec.Struct, frozen=True):
    """A sink that was loaded.

    Args:
        type: The name of its plugin.
        sink: The class.
        settings: What it is made from; ``None`` for a sink without settings.
    """

    type: str
    sink: SinkType
    settings: SettingsType | None

    def default(self, attribute: str, fallback: S) -> S:
        """Return the sink's own *attribute* (``buffer``, …), else *fallback*."""
        own: Any = getattr(self.sink, attribute, None)
        return own if isinstance(own, type(fallback)) else fallback

    def default_retry(self, settings: msgspec.Struct | None) -> Retry:
        """Return the sink's own ``retry``, as *settings* make it.

        Settings that say how long an attempt may take have a method
        ``own_retry(retry)`` that returns the sink's own with that in it.
        """
        retry = self.default("retry", Retry())
        change: Any = getattr(settings, "own_retry", None)
        changed: Any = retry if change is None else change(retry)
        return changed if isinstance(changed, Retry) else retry


def sink_class(type_name: str) -> SinkClass:
    """Import the sink *type_name* and look at its settings.

    Raises:
        PluginError: It does not load, or its settings cannot be used.
    """
    sink = load_sink(type_name)
    settings: Any = getattr(sink, "Settings", None)
    if settings is not None:
        _check_settings(type_name, settings)
    return SinkClass(type_name, sink, settings)


def _check_settings(type_name: str, settings: Any) -> None:
    if not (isinstance(settings, type) and issubclass(settings, msgspec.Struct)):
        raise PluginError(
            f"Sink {type_name!r}: Settings must be a msgspec.Struct, got {settings!r}"
        )
    try:
        names = {field.encode_name for field in fields_of(settings)}
    except Exception as error:
        raise PluginError(
            f"Sink {type_name!r}: its Settings cannot be read: {describe_error(error)}"
        ) from error
    taken = sorted(names & RESERVED)
    if taken:
        raise PluginError(
            f"Sink {type_name!r} has a setting {taken[0]!r}, which is a key of every "
            "attachment; its author must rename it"
        )
