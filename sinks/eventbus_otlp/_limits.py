"""How many attributes a record may have, and how long their values may be."""

from __future__ import annotations

from typing import Final

import msgspec

from eventbus._bounds import at_least

DEFAULT_ATTRIBUTE_COUNT: Final = 128
# https://opentelemetry.io/docs/specs/otel/common/#configurable-parameters


class AttributeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What is left out of records that say too much.

    Args:
        count: Most attributes of a record; those beyond are left out and counted in
            its ``dropped_attributes_count``. ``None`` is no limit.
        value_length: Longest text of an attribute in characters, and the most bytes;
            longer values are cut, inside of arrays and tables too. ``None`` is no
            limit.
    """

    count: int | None = DEFAULT_ATTRIBUTE_COUNT
    value_length: int | None = None

    def __post_init__(self) -> None:
        """Refuse limits below nothing."""
        at_least("count", self.count, 0)
        at_least("value_length", self.value_length, 0)


NO_LIMITS: Final = AttributeLimits(count=None)
