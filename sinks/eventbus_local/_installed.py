"""Which event types the installed packages declare."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from eventbus import Catalog


def installed_catalog() -> Catalog:
    """Return the event types of every entry point in ``eventbus.catalogs``.

    Raises:
        RegistrationError: Two installed packages have event types of one name.
    """
    merged = Catalog(name="installed")
    for entry in entry_points(group="eventbus.catalogs"):
        found: Any = entry.load()  # Any: what a package declares is checked below
        catalog = found if isinstance(found, Catalog) else found()
        for described in catalog:
            merged.register(described.cls)
    return merged
