from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus._encode_line import EncodedLines
from eventbus_local._batch_parts import parts_of


@pytest.mark.proves("fault-98")
@given(
    records=st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), min_size=1),
    at_most=st.integers(1, 6),
)
def test_each_line_is_in_one_part_at_its_file_and_in_order(
    records: list[tuple[str, bool]], at_most: int
) -> None:
    paths = [path for path, _ in records]
    lines = {i: b"%d\n" % i for i, (_, has_line) in enumerate(records) if has_line}
    unencodable = [(i, "") for i in range(len(records)) if i not in lines]
    encoded = EncodedLines(b"".join(lines.values()), unencodable)

    parts = parts_of(encoded, paths, at_most=at_most)

    ends = [part.start for part in parts[1:]] + [len(records)]
    for part, end in zip(parts, ends, strict=True):
        own = {i: paths[i] for i in range(part.start, end) if i in lines}
        assert list(part.paths) == paths[part.start : end]
        refused = dict.fromkeys("ab", "why")
        assert part.named(refused) == {i: "why" for i, p in own.items() if p in "ab"}
        assert part.lines == {
            path: b"".join(lines[i] for i, p in own.items() if p == path)
            for path in own.values()
        }
        assert len(set(paths[part.start : end])) <= at_most
    assert len(parts) == 1 or len(set(paths)) > at_most
