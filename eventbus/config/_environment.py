"""What the environment says about settings, where OpenTelemetry's specification asks.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
from msgspec import inspect

from eventbus._place import Place
from eventbus.config._expand import Expanded
from eventbus.config._problems import Problems
from eventbus.config._secrets import Secrets
from eventbus.config._settings import Origin
from eventbus.config._sink_class import SinkClass
from eventbus.config._tree import leaves, put, table_in
from eventbus.config._values import ValueReader, Wrong, fields_of

SERVICE_NAME: Final = "OTEL_SERVICE_NAME"
RESOURCE_ATTRIBUTES: Final = "OTEL_RESOURCE_ATTRIBUTES"
SDK_DISABLED: Final = "OTEL_SDK_DISABLED"


class Variables(dict[str, str]):
    """The variables of an environment; a traceback that prints locals shows none."""

    def __repr__(self) -> str:
        """Count them."""
        return f"<{len(self)} environment variables>"


class EnvironmentValue(msgspec.Struct, frozen=True):
    """A setting's value from the environment.

    Args:
        value: As it would stand in the file; text is read as a number or a switch
            where one is expected. ``msgspec.UNSET`` where the variable cannot be used.
        variable: Where it came from.
        warnings: What is wrong with the variable, a sentence each that names it.
    """

    value: Any  # Any: a setting of any type
    variable: str
    warnings: tuple[str, ...] = ()


class Environment:
    """The environment as it bears on one configuration.

    Args:
        environ: The variables.
        secrets: What must not be repeated.
        origins: Where it is noted which value came from which variable.
        warnings: Where it is noted what is ignored.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        secrets: Secrets,
        origins: dict[Place, Origin],
        warnings: list[str],
    ) -> None:
        """Keep the parts."""
        self._environ: Final = environ
        self._secrets: Final = secrets
        self._origins: Final = origins
        self._warnings: Final = warnings
        self.is_disabled: Final = self._switch(SDK_DISABLED)

    def _switch(self, variable: str) -> bool:
        text = self._environ.get(variable, "").strip().lower()
        if text not in ("", "true", "false"):
            self._warnings.append(
                f"{variable} is ignored: expected 'true' or 'false', got {text!r}"
            )
        return text == "true"

    def warn(self, line: str) -> None:
        """Note that something is ignored."""
        self._warnings.append(line)

    def is_read_by(self, found: SinkClass) -> bool:
        """Return whether a sink's settings follow OpenTelemetry's variables."""
        return _hook(found) is not None

    def completed(
        self, found: SinkClass, given: Mapping[str, Any], place: Place
    ) -> dict[str, Any]:
        """Return a sink's settings: *given*, and what the environment says beside.

        A ``Settings`` class asks for it with a class method
        ``from_environment(environ, given)`` that returns an :class:`EnvironmentValue`
        for each setting the environment names, by the setting's name or, in a table
        of the settings, by its place: ``("logs", "timeout_seconds")``. A value that
        cannot be used is ignored, with a warning, as the specification has it.
        """
        hook, values = _hook(found), dict(given)
        if hook is None or found.settings is None:
            return values
        said: Mapping[str | Place, EnvironmentValue] = hook(self._environ, given)
        for name, one in said.items():
            inner = (name,) if isinstance(name, str) else name
            node = _node(fields_of(found.settings), inner)
            if node is None or _is_given(given, inner):
                continue
            self._warnings.extend(one.warnings)
            if one.value is not msgspec.UNSET and self._is_usable(
                node, one, (*place, *inner)
            ):
                put(values, inner, _marked(one.value))
                self._note_origin(one, (*place, *inner))
        return values

    def _note_origin(self, one: EnvironmentValue, place: Place) -> None:
        *outer, name = place
        for inner, _ in leaves({str(name): one.value}, tuple(outer)):
            self._origins[inner] = Origin(f"environment {one.variable}")

    def _is_usable(self, node: Any, one: EnvironmentValue, place: Place) -> bool:
        problems = Problems()
        with suppress(Wrong):
            ValueReader(problems, self._secrets).value(node, _marked(one.value), place)
        self._warnings.extend(f"{one.variable} is ignored: {p}" for p in problems)
        return not len(problems)

    def resource(self, given: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """Return what :func:`resource_from` finds, less *given*."""
        said = resource_from(self._environ, self._warnings.append)
        for name, one in said.items():
            if name not in given:
                self._origins[(*place, name)] = Origin(f"environment {one.variable}")
        return {name: one.value for name, one in said.items() if name not in given}


def resource_from(
    environ: Mapping[str, str], warn: Callable[[str], None]
) -> dict[str, EnvironmentValue]:
    """Return the attributes that the environment gives the resource, all of them text.

    ``OTEL_SERVICE_NAME`` wins over the ``service.name`` in
    ``OTEL_RESOURCE_ATTRIBUTES``. Of the latter all is discarded when any of it is
    malformed, and *warn* is called with a sentence.
    """
    pairs: list[tuple[str, str]] = []
    try:
        pairs = _pairs(environ.get(RESOURCE_ATTRIBUTES, ""))
    except ValueError as error:
        warn(f"{RESOURCE_ATTRIBUTES} is ignored: {error}")
    said = {name: EnvironmentValue(text, RESOURCE_ATTRIBUTES) for name, text in pairs}
    service = environ.get(SERVICE_NAME)
    if service:
        said["service.name"] = EnvironmentValue(service, SERVICE_NAME)
    return said


def _pairs(text: str) -> list[tuple[str, str]]:
    if not text.strip():
        return []
    return [_pair(part, number) for number, part in enumerate(text.split(","), start=1)]


def _hook(found: SinkClass) -> Any:
    return getattr(found.settings, "from_environment", None)


def _node(fields: Sequence[inspect.Field], place: Place) -> inspect.Type | None:
    """Return what the setting at *place* may be; ``None`` when there is none."""
    name, *rest = place
    found = next((one.type for one in fields if one.encode_name == name), None)
    if not rest or found is None:
        return found
    if not isinstance(found, inspect.StructType):
        return None
    return _node(found.fields, tuple(rest))


def _is_given(given: Mapping[str, Any], place: Place) -> bool:
    *outer, name = place
    for key in outer:
        given = table_in(given, str(key))
    return name in given


def _marked(value: Any) -> Any:
    return Expanded(value) if isinstance(value, str) else value


def _pair(part: str, number: int) -> tuple[str, str]:
    from urllib.parse import unquote

    name, equals, value = part.partition("=")
    if not equals:
        raise ValueError(f"pair {number} has no '='")
    try:
        decoded = unquote(name.strip(), errors="strict")
        text = unquote(value.strip(), errors="strict")
    except UnicodeDecodeError:
        raise ValueError(f"pair {number} is not UTF-8 once decoded") from None
    if not decoded:
        raise ValueError(f"pair {number} has no name before its '='")
    return decoded, text
