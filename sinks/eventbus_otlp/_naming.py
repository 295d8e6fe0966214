"""Which form of names the records have that a sink sends."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

from eventbus import Catalog, Naming, PluginError
from eventbus._nearest import listed, suggestion
from eventbus._plugins import installed_catalog
from eventbus_otlp._names import OWN_NAMES

OPT_IN: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"


def naming_of(
    wanted: str | None, environ: Mapping[str, str], catalog: Catalog
) -> Naming:
    """Return the naming that is chosen, or that of the event types themselves.

    Args:
        wanted: Its name as the settings have it; ``None`` leaves it to *environ*.
        environ: The variables.
        catalog: Of the bus. Its namings win over those of the installed catalogs,
            which are looked at only where it has none of the name.

    Raises:
        PluginError: No catalog offers the naming *wanted*.
    """
    if wanted in catalog.namings:
        return catalog.namings[wanted]
    said = environ.get(OPT_IN, "").strip()
    if wanted is None and not said:
        return OWN_NAMES
    namings = {**installed_catalog().namings, **catalog.namings}
    if wanted is None:
        name = opted_in(said, namings)
        return OWN_NAMES if name is None else namings[name]
    if wanted not in namings:
        raise PluginError(
            f"No catalog offers a naming {wanted!r} "
            f"(offered: {listed(namings) or 'none'}){suggestion(wanted, namings)}"
        )
    return namings[wanted]


def opted_in(text: str, namings: Container[str]) -> str | None:
    """Return the first name in *text*, separated by commas, that is of a naming.

    The variable is for others too: what they know is ignored without a word.
    https://opentelemetry.io/docs/specs/semconv/non-normative/http-migration/
    """
    names = (name.strip() for name in text.split(","))
    return next((name for name in names if name in namings), None)
