"""Which event types are the library's own: readers decode them like any others."""

from __future__ import annotations

from typing import Final

from eventbus._catalog import Catalog
from eventbus._coalesce import Summary
from eventbus._own_events import AttachmentReported, AttachmentStateChanged

own_catalog: Final = Catalog(
    [AttachmentReported, AttachmentStateChanged, Summary], name="eventbus"
)
