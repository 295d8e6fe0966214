"""What nobody can change of a record."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from eventbus import Attributes, Event, Record
from eventbus._record import frozen


class Step(Event, tag="work.step"):
    number: int


CHANGES: list[Callable[[Any], object]] = [
    lambda attributes: attributes.__setitem__("a", 2),
    lambda attributes: attributes.__delitem__("a"),
    lambda attributes: attributes.update(a=2),
    lambda attributes: attributes.setdefault("b", 2),
    lambda attributes: attributes.pop("a"),
    lambda attributes: attributes.popitem(),
    lambda attributes: attributes.clear(),
    lambda attributes: attributes.__ior__({"a": 2}),
]


@pytest.mark.proves("fault-10")
@pytest.mark.parametrize("change", CHANGES)
def test_attributes_refuse_every_change(change: Callable[[Any], object]) -> None:
    attributes = Attributes(a=1)
    with pytest.raises(TypeError, match="attributes of a record cannot be changed"):
        change(attributes)
    assert attributes == {"a": 1}


def test_records_can_be_copied_and_pickled() -> None:
    record = Record(Step(number=1), id="x", attributes=Attributes(a=(1, 2)))
    for other in (copy.deepcopy(record), copy.copy(record)):
        assert other == record
        assert type(other.attributes) is Attributes
    again = pickle.loads(pickle.dumps(record.attributes))
    assert type(again) is Attributes
    assert again == record.attributes


def test_freezing_copies_what_could_change_and_nothing_else() -> None:
    attributes, theirs = Attributes(a=1), {"a": 1}
    assert frozen(attributes) is attributes
    assert frozen(None) is None
    held = frozen(theirs)
    theirs["a"] = 2
    assert held == {"a": 1}
