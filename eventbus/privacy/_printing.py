"""How events and records look where they are printed: without secrets and content."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from eventbus._catalog import describe
from eventbus._event import Event, redacted
from eventbus._record import AnyRecord
from eventbus.privacy._content import REDACTED_CONTENT
from eventbus.privacy._policy import Policies
from eventbus.privacy._privacy import Privacy

E = TypeVar("E", bound=Event)


@cache
def _policies() -> Policies:
    return Policies(Privacy(scan="all"), _nobody_counts)


def _nobody_counts() -> None: ...


def printable_record(record: AnyRecord) -> AnyRecord:
    """Return *record* as it may be printed, its event aside, which knows itself."""
    return _policies().of(REDACTED_CONTENT).brought(record)


def printable(event: E) -> E:
    """Return *event* as it may be printed; what cannot be worked out is hidden."""
    try:
        redaction = _policies().of(REDACTED_CONTENT).of(describe(type(event)))
    except Exception:  # noqa: BLE001 - annotations that do not resolve
        return redacted(event, event.__struct_fields__)
    if redaction is None:
        return event
    found: Any = redaction.cleaned([event])[0]  # Any: of the same type
    return found  # type: ignore[no-any-return]
