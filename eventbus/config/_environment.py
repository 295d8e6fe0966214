"""What the environment says about settings, where OpenTelemetry's specification asks.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from eventbus._place import Place
from eventbus.config._expand import Expanded
from eventbus.config._problems import Problems
from eventbus.config._secrets import Secrets
from eventbus.config._settings import Origin
from eventbus.config._sink_class import SinkClass
from eventbus.config._values import ValueReader, Wrong, fields_of

SERVICE_NAME: Final = "OTEL_SERVICE_NAME"
RESOURCE_ATTRIBUTES: Final = "OTEL_RESOURCE_ATTRIBUTES"
SDK_DISABLED: Final = "OTEL_SDK_DISABLED"


class EnvironmentValue(msgspec.Struct, frozen=True):
    """A setting's value from the environment.

    Args:
        value: As it would stand in the file; text is read as a number or a switch
            where one is expected.
        variable: Where it came from.
    """

    value: Any  # Any: a setting of any type
    variable: str


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

    def is_read_by(self, found: SinkClass) -> bool:
        """Return whether a sink's settings follow OpenTelemetry's variables."""
        return _hook(found) is not None

    def of(
        self, found: SinkClass, given: Mapping[str, Any], place: Place
    ) -> dict[str, Any]:
        """Return what the environment says about a sink's settings that *given* leaves.

        A ``Settings`` class asks for it with a class method
        ``from_environment(environ)`` that returns an :class:`EnvironmentValue` for
        each setting the environment names. A value that cannot be used is ignored,
        with a warning, as the specification has it.
        """
        hook = _hook(found)
        if hook is None or found.settings is None:
            return {}
        nodes = {field.encode_name: field.type for field in fields_of(found.settings)}
        usable: dict[str, Any] = {}
        said: Mapping[str, EnvironmentValue] = hook(self._environ)
        for name, one in said.items():
            inner = (*place, name)
            if name in given or name not in nodes:
                continue
            if self._is_usable(nodes[name], one, inner):
                usable[name] = _marked(one.value)
                self._origins[inner] = Origin(f"environment {one.variable}")
        return usable

    def _is_usable(self, node: Any, one: EnvironmentValue, place: Place) -> bool:
        problems = Problems()
        with suppress(Wrong):
            ValueReader(problems, self._secrets).value(node, _marked(one.value), place)
        self._warnings.extend(f"{one.variable} is ignored: {p}" for p in problems)
        return not len(problems)

    def resource(self, given: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """Return the resource attributes that the environment names, less *given*.

        ``OTEL_SERVICE_NAME`` wins over the ``service.name`` in
        ``OTEL_RESOURCE_ATTRIBUTES``. Of the latter all is discarded when any of it is
        malformed, with a warning.
        """
        said = {name: (v, RESOURCE_ATTRIBUTES) for name, v in self._pairs()}
        service = self._environ.get(SERVICE_NAME)
        if service:
            said["service.name"] = (service, SERVICE_NAME)
        for name, (_, variable) in said.items():
            if name not in given:
                self._origins[(*place, name)] = Origin(f"environment {variable}")
        return {name: value for name, (value, _) in said.items() if name not in given}

    def _pairs(self) -> list[tuple[str, str]]:
        text = self._environ.get(RESOURCE_ATTRIBUTES, "")
        if not text.strip():
            return []
        try:
            return [_pair(part, n) for n, part in enumerate(text.split(","), start=1)]
        except ValueError as error:
            self._warnings.append(f"{RESOURCE_ATTRIBUTES} is ignored: {error}")
            return []


def _hook(found: SinkClass) -> Any:
    return getattr(found.settings, "from_environment", None)


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
