"""What many values are together: their sum, extremes and buckets."""

from __future__ import annotations

import math
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET

# Any in this module: an event's field may hold a value of any type, whatever its class
# says of it.

MAX: Final = sys.float_info.max


class Folded(msgspec.Struct, frozen=True):
    """Some values together.

    Args:
        count: How many they are.
        total: Their sum.
        low: The least of them; infinity when there are none.
        high: The greatest; minus infinity, likewise.
        buckets: How many are in each bucket that is not empty.
        invalid: How many more were no numbers in the range, and are not counted.
    """

    count: int = 0
    total: float = 0
    low: float = math.inf
    high: float = -math.inf
    buckets: Mapping[int, int] = {}
    invalid: int = 0


def fold(values: Sequence[Any], bounds: Sequence[float]) -> Folded:
    """Return *values* of one field together, for buckets with these *bounds*.

    What is absent is left out; what is invalid is left out and counted.
    """
    folded = _of_numbers(values, bounds)
    if folded is not None:
        return folded
    present = _present(values)
    if len(present) < len(values):
        folded = _of_numbers(present, bounds) if present else Folded()
        if folded is not None:
            return folded
    valid = [value for value in present if is_number(value)]
    return _folded(sorted(valid), _sum(valid), bounds, len(present) - len(valid))


def last_of(values: Sequence[Any]) -> Folded:
    """Return the last of *values* that is a number, as the sum of one."""
    present = _present(values)
    valid = [value for value in present if is_number(value, -MAX)]
    invalid = len(present) - len(valid)
    return Folded(1, valid[-1], invalid=invalid) if valid else Folded(invalid=invalid)


def fold_repeated(
    values: Iterable[Any], times: Iterable[int], bounds: Sequence[float]
) -> Folded:
    """Return *values* together, each as often as *times* says; see :func:`fold`."""
    count = invalid = 0
    total: float = 0
    low, high = math.inf, -math.inf
    buckets: dict[int, int] = {}
    for value, often in zip(values, times, strict=True):
        if value is None or value is UNSET:
            continue
        if not is_number(value):
            invalid += 1
        elif often:
            count += often
            total += value * often
            low, high = min(low, value), max(high, value)
            bucket = bisect_left(bounds, value)
            buckets[bucket] = buckets.get(bucket, 0) + often
    return Folded(count, min(total, MAX), low, high, buckets, invalid)


def is_number(value: Any, least: float = 0) -> bool:
    """Return whether *value* is a finite number that is not below *least*."""
    return isinstance(value, int | float) and bool(least <= value <= MAX)


def _present(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if value is not None and value is not UNSET]


def _of_numbers(values: Sequence[Any], bounds: Sequence[float]) -> Folded | None:
    """Return *values* together; ``None``: not all of them are valid."""
    try:
        total, ascending = _total(values), sorted(values)
    except Exception:  # noqa: BLE001 - values of types that no field should have
        return None
    # A sum that is not finite differs from itself.
    if total - total == 0 and ascending[0] >= 0 and ascending[-1] <= MAX:
        return _folded(ascending, total, bounds, 0)
    return None


def _total(values: Iterable[Any]) -> float:
    total: Any = sum(values)
    if not isinstance(total, int | float):
        raise TypeError
    return total


def _sum(values: Iterable[Any]) -> float:
    try:
        total: float = sum(values)
    except OverflowError:  # of integers beside floats
        return MAX
    return min(total, MAX)


def _folded(
    ascending: Sequence[Any], total: float, bounds: Sequence[float], invalid: int
) -> Folded:
    count = len(ascending)
    if not count:
        return Folded(invalid=invalid)
    low, high = ascending[0], ascending[-1]
    buckets: dict[int, int] = {}
    before = 0
    for bucket in range(bisect_left(bounds, low), len(bounds)):
        upto = bisect_right(ascending, bounds[bucket])
        if upto > before:
            buckets[bucket] = upto - before
            before = upto
            if upto == count:
                break
    if before < count:
        buckets[len(bounds)] = count - before
    return Folded(count, total, low, high, buckets, invalid)
