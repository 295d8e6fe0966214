"""How many attributes a record may have, and how long their values may be."""

from __future__ import annotations

from typing import Final

import msgspec

from eventbus._bounds import at_least

DEFAULT_ATTRIBUTE_COUNT: Final = 128
# https://opentelemetry.io/docs/specs/otel/common/#configurable-parameters

DEFAULT_VALUE_ITEMS: Final = 10_000  # what takes some 30 ms to write


class AttributeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What is left out of records that say too much.

    Args:
        count: Most attributes of a record; those beyond are left out and counted in
            its ``dropped_attributes_count``. ``None`` is no limit.
        value_length: Longest text of an attribute in characters, and the most bytes;
            longer values are cut, inside of arrays and tables too. ``None`` is no
            limit.
        value_items: Most values inside of an attribute that is an array or a table, in
            all that is within it, the outer ones first; those beyond are left out, and
            the record is counted as ``truncated``. ``None`` is no limit.
    """

    count: int | None = DEFAULT_ATTRIBUTE_COUNT
    value_length: int | None = None
    value_items: int | None = DEFAULT_VALUE_ITEMS

    def __post_init__(self) -> None:
        """Refuse limits below nothing."""
        at_least("count", self.count, 0)
        at_least("value_length", self.value_length, 0)
        at_least("value_items", self.value_items, 0)


NO_LIMITS: Final = AttributeLimits(count=None, value_items=None)
