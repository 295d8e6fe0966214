"""How much a unit is in base units."""

from __future__ import annotations

from fractions import Fraction

import pytest

from eventbus.metrics._units import base_of, factor_between


@pytest.mark.proves("H1")
@pytest.mark.parametrize(
    ("unit", "base", "factor"),
    [
        ("ns", "s", Fraction(1, 10**9)),
        ("us", "s", Fraction(1, 10**6)),
        ("ms", "s", Fraction(1, 1000)),
        ("s", "s", 1),
        ("min", "s", 60),
        ("h", "s", 3600),
        ("d", "s", 86_400),
        ("By", "By", 1),
        ("kBy", "By", 1000),
        ("MBy", "By", 1_000_000),
        ("GBy", "By", 1_000_000_000),
        ("KiBy", "By", 1024),
        ("MiBy", "By", 1_048_576),
        ("GiBy", "By", 1_073_741_824),
        ("%", "1", Fraction(1, 100)),
        ("1", "1", 1),
        ("{token}", "{token}", 1),
    ],
)
def test_a_unit_is_so_many_base_units(unit: str, base: str, factor: int) -> None:
    assert base_of(unit)[:2] == (base, factor)


def test_what_measures_other_things_has_no_factor() -> None:
    assert factor_between("h", "min") == 60
    assert factor_between("h", "By") is None
    assert factor_between("{token}", "{event}") is None
