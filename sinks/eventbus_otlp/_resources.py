"""Which records come from the same service, and how a service is written."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eventbus._json_form import NoJsonForm
from eventbus._naming import Names
from eventbus._record import Attributes
from eventbus_otlp._names import OWN_NAMES, outside
from eventbus_otlp._plain_value import Plain, PlainForm
from eventbus_otlp._remembered import Remembered

# Any in this module: relayed records bring values of any type.

_PATH = "$.resource"
_REMEMBERED = 64  # services that this one relays for


class Resources:
    """Writes resources, each one once.

    A value without a form is left out, and counted in the resource's
    ``dropped_attributes_count``.

    Args:
        write: Writes plain values, and of how many more the resource is short.
        own: Of records that came from this bus, and of those that have none.
        bus_resource: What records that came from this bus carry in its place.
        renamed: Other names of attributes, by their own.
    """

    def __init__(
        self,
        write: Callable[[Mapping[str, Plain], int], bytes],
        own: Mapping[str, Any],
        bus_resource: Mapping[str, Any] | None,
        renamed: Mapping[str, Names] = OWN_NAMES.resource,
    ) -> None:
        self._write = write
        self._renamed = renamed
        self._own = self._written(own)
        self._bus_resource = bus_resource
        self._known = Remembered[int, tuple[Mapping[str, Any], bytes]](_REMEMBERED)

    def sorted(
        self, rows: Sequence[bytes], resources: Sequence[Mapping[str, Any] | None]
    ) -> dict[bytes, Sequence[bytes]]:
        """Return *rows* by what is written of the resource of each, in their order."""
        distinct = dict(zip(map(id, resources), resources, strict=True))
        written = {key: self._of(resource) for key, resource in distinct.items()}
        if len(written) == 1:
            return {next(iter(written.values())): rows}
        found: dict[bytes, list[bytes]] = {}
        for row, resource in zip(rows, resources, strict=True):
            found.setdefault(written[id(resource)], []).append(row)
        return {**found}

    def _of(self, resource: Mapping[str, Any] | None) -> bytes:
        if resource is None or resource is self._bus_resource:
            return self._own
        known = self._known.get(id(resource))
        if known is not None:
            return known[1]
        try:
            if resource == self._bus_resource:
                return self._own
            written = self._written(resource)
        except Exception:  # noqa: BLE001 - what is no table says nothing
            return b""
        if type(resource) is Attributes:  # nobody can change it
            self._known.remember(id(resource), (resource, written))
        return written

    def _written(self, resource: Mapping[str, Any]) -> bytes:
        present = {key: value for key, value in resource.items() if value is not None}
        plain: dict[str, Plain] = {}
        for key, value in present.items():
            with contextlib.suppress(NoJsonForm):
                table = PlainForm().of({key: value}, _PATH)
                assert isinstance(table, dict)
                plain |= table
        called: dict[str, Plain] = {}
        for key in sorted(plain):
            for name in outside(self._renamed, key):
                called.setdefault(name, plain[key])
        in_order = {name: called[name] for name in sorted(called)}
        return self._write(in_order, len(present) - len(plain))
