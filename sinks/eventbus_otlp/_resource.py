"""Which attributes the resource has that requests name.

What the program says wins: the bus's resource, then ``OTEL_SERVICE_NAME`` and
``OTEL_RESOURCE_ATTRIBUTES``, then the detectors, a later one over an earlier one, then
what is always known. A program that runs OpenTelemetry's SDK as well gives both the
same: ``Bus(resource=resource.attributes)`` with the SDK's ``Resource``.

https://opentelemetry.io/docs/specs/otel/resource/sdk/
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Final, cast

from eventbus import AttributeValue, PluginError
from eventbus._bounds import WrongSetting
from eventbus._nearest import unknown
from eventbus._record import Attributes
from eventbus.config._environment import resource_from
from eventbus_otlp._version import version

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import ResourceDetector

# Any in this module: what a detector says may be anything.

_GROUP: Final = "opentelemetry_resource_detector"
_FROM_ENVIRONMENT: Final = "otel"  # the SDK's name for what is read here
_PLAIN: Final = (str, bool, int, float)


def resource_of(
    given: Mapping[str, AttributeValue],
    *,
    detectors: Sequence[str],
    environ: Mapping[str, str],
    warn: Callable[[str], None],
) -> Attributes:
    """Return the whole resource.

    With detectors it may block for seconds: call it in a worker thread.

    Args:
        given: The bus's own.
        detectors: Names of the SDK's detectors; imported and run only when named. One
            that fails or takes more than 5 s is left out, and the SDK logs it.
        environ: The variables; empty for a bus whose configuration has read them.
        warn: Called with a sentence for what is ignored.

    Raises:
        PluginError: Detectors are named and ``opentelemetry-sdk`` is not installed.
        WrongSetting: There is no detector of a name.
    """
    said = {name: one.value for name, one in resource_from(environ, warn).items()}
    found = {**_always(), **detected(detectors), **said, **given}
    name = found.get("host.name")
    if isinstance(name, str):
        found["host.name"] = name.strip()
    if not found.get("host.name", True):
        del found["host.name"]
    if not found.get("service.name"):
        found["service.name"] = _unknown_service()
    return Attributes(found)


def _always() -> dict[str, AttributeValue]:
    return {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "eventbus",
        "telemetry.sdk.version": version(),
    }


def _unknown_service() -> str:
    process = os.path.basename(sys.executable or "")
    return f"unknown_service:{process}" if process else "unknown_service"


def detected(names: Sequence[str]) -> dict[str, AttributeValue]:
    """Return what the SDK's detectors of these *names* find; see :func:`resource_of`.

    ``"otel"``, which reads the environment, is passed over: that is read here.
    """
    wanted = [name for name in names if name != _FROM_ENVIRONMENT]
    if not wanted:
        return {}
    try:
        from opentelemetry.sdk.resources import Resource, get_aggregated_resources
    except ModuleNotFoundError as error:
        raise PluginError(
            "resource_detectors need opentelemetry-sdk, which is not installed. "
            "Try: pip install 'eventbus[otlp]'"
        ) from error
    found = get_aggregated_resources(_detectors(wanted), Resource.get_empty())
    return dict(_usable(found.attributes.items()))


def installed_detectors() -> dict[str, EntryPoint]:
    """Return the detectors that are installed, by name; imports none of them."""
    return {entry.name: entry for entry in entry_points(group=_GROUP)}


def _detectors(names: Sequence[str]) -> list[ResourceDetector]:
    installed = installed_detectors()
    return [_made(installed, name, index) for index, name in enumerate(names)]


def _made(
    installed: Mapping[str, EntryPoint], name: str, index: int
) -> ResourceDetector:
    if name not in installed:
        raise WrongSetting(
            unknown("detector", name, installed), "resource_detectors", index
        )
    make: Any = installed[name].load()
    detector: ResourceDetector = make()
    return detector


def _usable(found: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, AttributeValue]]:
    """Yield what has a form here: texts, numbers, switches, and rows of them."""
    for name, value in found:
        if isinstance(value, _PLAIN):
            yield name, value
        elif isinstance(value, list | tuple):
            row = cast("Sequence[object]", value)
            yield name, tuple(one for one in row if isinstance(one, _PLAIN))
