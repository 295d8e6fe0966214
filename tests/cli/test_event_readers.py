"""That readers and writers of two versions agree with what is found between them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus import Catalog, Record
from eventbus._decode_line import LineDecoder
from eventbus._encode_line import LineEncoder
from tests.cli._event_types import between, made

# Any in this module: events are made with any fields.


values: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(st.characters(codec="utf-8"), max_size=8),
}


kinds = st.sampled_from([int, float, str])


optional = st.sampled_from([False, True])


shape = st.dictionaries(
    st.sampled_from("abcd"), st.tuples(kinds, optional), min_size=1, max_size=4
)


def version_of(fields: dict[str, tuple[Any, bool]]) -> Any:
    return made(
        **{
            name: (kind | None, None) if may_be_absent else kind
            for name, (kind, may_be_absent) in fields.items()
        }
    )


def drawn(data: st.DataObject, cls: Any, fields: dict[str, tuple[Any, bool]]) -> Any:
    return cls(
        **{
            name: data.draw(st.none() | values[kind] if may_be_absent else values[kind])
            for name, (kind, may_be_absent) in fields.items()
        }
    )


def reads(cls: Any, written: Any, codec: Any) -> Any:
    """Return what a reader of *cls* makes of what was written; ``None``: it refuses."""
    absent = {k: v for k, v in msgspec.structs.asdict(written).items() if v is not None}
    try:
        return codec.decode(codec.encode(absent), type=cls)
    except msgspec.ValidationError:
        return None


@pytest.mark.proves("fault-139")
@pytest.mark.parametrize("codec", [msgspec.json, msgspec.msgpack])
@settings(max_examples=60, deadline=None)
@given(old=shape, new=shape, data=st.data())
def test_what_breaks_nothing_is_read_by_the_new_reader_as_it_was_written(
    old: Any, new: Any, data: st.DataObject, codec: Any
) -> None:
    before, after = version_of(old), version_of(new)
    if any(one.is_breaking for one in between(before, after)):
        return
    written = drawn(data, before, old)
    read = reads(after, written, codec)
    assert read is not None
    for name in old:
        assert getattr(read, name) == getattr(written, name)


@pytest.mark.proves("fault-139")
@pytest.mark.parametrize("codec", [msgspec.json, msgspec.msgpack])
@settings(max_examples=60, deadline=None)
@given(old=shape, new=shape, data=st.data())
def test_what_is_not_even_wider_is_read_by_the_old_reader_too(
    old: Any, new: Any, data: st.DataObject, codec: Any
) -> None:
    before, after = version_of(old), version_of(new)
    found = between(before, after)
    wider = {"type_widened", "field_became_optional"}
    if any(one.is_breaking or one.rule in wider for one in found):
        return
    written = drawn(data, after, new)
    read = reads(before, written, codec)
    assert read is not None
    for name in old:
        assert getattr(read, name) == getattr(written, name)


@pytest.mark.proves("fault-139")
def test_the_reader_of_lines_takes_a_new_field_only_once_it_knows_it() -> None:
    old, new = made(a=int), made(a=int, b=(str | None, None))
    of_old, of_new = LineDecoder(Catalog([old])), LineDecoder(Catalog([new]))

    def line(event: Any) -> bytes:
        return LineEncoder().encode_one(Record(event, id="1"))

    assert of_new.decode(line(old(a=1))).event == new(a=1)
    assert of_old.decode(line(new(a=1))).event == old(a=1)
    with pytest.raises(ValueError, match="Unknown field 'b'"):
        of_old.decode(line(new(a=1, b="x")))
