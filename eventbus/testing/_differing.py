"""Where two transcripts differ: which lines belong together, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Final, NamedTuple

import msgspec

from eventbus.testing._json_value import Json, as_list, as_object
from eventbus.testing._scrubbing import Scrub, Scrubber

# Any in this module: decoded JSON.

_ABSENT: Final = object()
_MAX_ALIGNED: Final = 1000  # beyond, lines are paired as they stand: it is quadratic


class _Pair(NamedTuple):
    """Indices of two lines that belong together; ``None`` where one has no other."""

    expected: int | None
    actual: int | None


def differing(
    expected: Sequence[Json], actual: Sequence[Json], scrub: Scrub
) -> list[str]:
    """Return what differs between two scrubbed transcripts, one line for each field.

    A line that is only in one of them is one difference, and those after it are
    compared with what they belong to.
    """
    pairs = _aligned(expected, actual, scrub)
    matched = [pair for pair in pairs if None not in pair]
    # Numbered again, without what the other does not have.
    ones = Scrubber(scrub).scrubbed(expected[i] for i, _ in matched if i is not None)
    others = Scrubber(scrub).scrubbed(actual[j] for _, j in matched if j is not None)
    compared = iter(zip(ones, others, strict=True))
    found: list[str] = []
    for i, j in pairs:
        if i is None:
            found.append(f"$[{j}]: expected nothing, got {_text(actual[j or 0])}")
        elif j is None:
            found.append(f"$[{i}]: expected {_text(expected[i])}, got nothing")
        else:
            found += differences(*next(compared), f"$[{i}]")
    return found


def _aligned(
    expected: Sequence[Json], actual: Sequence[Json], scrub: Scrub
) -> list[_Pair]:
    """Pair the lines: the same ones first, between them those of one name."""
    pairs: list[_Pair] = []
    for is_same, i, j in _blocks(_keys(expected, scrub), _keys(actual, scrub)):
        if is_same:
            pairs += map(_Pair, i, j)
            continue
        ones = [str(expected[k].get("name")) for k in i]
        others = [str(actual[k].get("name")) for k in j]
        for _, m, n in _blocks(ones, others):
            left, right = i[m.start : m.stop], j[n.start : n.stop]
            pairs += [_Pair(*two) for two in zip_longest(left, right)]
    return pairs


def _keys(lines: Sequence[Json], scrub: Scrub) -> list[str]:
    alike = Scrubber(scrub, numbered=False).scrubbed(lines)
    return [msgspec.json.encode(line, order="deterministic").decode() for line in alike]


def _blocks(
    ones: Sequence[str], others: Sequence[str]
) -> Iterator[tuple[bool, range, range]]:
    """Yield which stretches of both are the same, and which take their place."""
    equal = (one == other for one, other in zip(ones, others, strict=False))
    start = next((i for i, is_same in enumerate(equal) if not is_same), None)
    if start is None:
        start = min(len(ones), len(others))
    yield True, range(start), range(start)
    if max(len(ones), len(others)) - start > _MAX_ALIGNED:
        yield False, range(start, len(ones)), range(start, len(others))
        return
    matcher = SequenceMatcher(None, ones[start:], others[start:], autojunk=False)
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        yield (
            tag == "equal",
            range(start + i, start + i_end),
            range(start + j, start + j_end),
        )


def differences(expected: Any, actual: Any, path: str) -> Iterator[str]:
    """Yield what differs between two decoded values, one line for each place."""
    one, other = as_object(expected), as_object(actual)
    ones, others = as_list(expected), as_list(actual)
    if one is not None and other is not None:
        yield from _of_objects(one, other, path)
    elif ones is not None and others is not None:
        pairs = zip_longest(ones, others, fillvalue=_ABSENT)
        for index, (left, right) in enumerate(pairs):
            yield from differences(left, right, f"{path}[{index}]")
    elif _is_other(expected, actual):
        yield f"{path}: expected {_text(expected)}, got {_text(actual)}"


def _of_objects(
    expected: Mapping[str, Any], actual: Mapping[str, Any], path: str
) -> Iterator[str]:
    for key in {**expected, **actual}:
        one, other = expected.get(key, _ABSENT), actual.get(key, _ABSENT)
        yield from differences(one, other, f"{path}.{key}")


def _is_other(expected: Any, actual: Any) -> bool:
    if isinstance(expected, bool) != isinstance(actual, bool):
        return True
    return bool(expected != actual)


def _text(value: Any) -> str:
    return "nothing" if value is _ABSENT else msgspec.json.encode(value).decode()
