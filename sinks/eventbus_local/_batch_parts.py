"""Which lines of a batch go to which file, in parts of as many files as may be open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set

import msgspec

from eventbus._encode_line import EncodedLines


class Part(msgspec.Struct, frozen=True):
    """Records that follow each other in a batch.

    Args:
        start: Index of the first one in the batch.
        lines: Whole lines for each path.
        paths: The path of each record; none where there is but one path.
        without: Indexes in the batch of the records that have no line.
    """

    start: int
    lines: Mapping[str, bytes]
    paths: Sequence[str] = ()
    without: Set[int] = frozenset()

    def named(self, refused: Mapping[str, str]) -> dict[int, str]:
        """Return the records of *refused* paths by index, with what is said there."""
        if not refused:
            return {}
        return {
            index: refused[path]
            for index, path in enumerate(self.paths, self.start)
            if path in refused and index not in self.without
        }


def parts_of(
    encoded: EncodedLines, paths: Sequence[str], *, at_most: int
) -> list[Part]:
    """Return a batch in parts of *at_most* files each.

    Args:
        encoded: The batch.
        paths: The path of each of its records.
        at_most: From 1.
    """
    without = {index for index, _ in encoded.unencodable}
    lines = iter(encoded.data.splitlines(keepends=True))
    parts: list[Part] = []
    for start, end in _ranges(paths, at_most):
        own = paths[start:end]
        with_line = own
        if without:
            numbered = enumerate(own, start)
            with_line = [path for index, path in numbered if index not in without]
        parts.append(Part(start, _joined(with_line, lines), own, without))
    return parts


def _ranges(paths: Sequence[str], at_most: int) -> Iterator[tuple[int, int]]:
    start = 0
    if len(set(paths)) > at_most:
        seen: set[str] = set()
        for index, path in enumerate(paths):
            if path not in seen and len(seen) == at_most:
                yield start, index
                start = index
                seen.clear()
            seen.add(path)
    yield start, len(paths)


def _joined(paths: Sequence[str], lines: Iterator[bytes]) -> Mapping[str, bytes]:
    """Return the next of *lines*, one for each of *paths*, by path."""
    by_path = defaultdict[str, list[bytes]](list)
    for path, line in zip(paths, lines, strict=False):
        by_path[path].append(line)
    return {path: b"".join(own) for path, own in by_path.items()}
