"""When two transcripts are the same: line by line, with what differs by nature gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import msgspec

from eventbus._encode_line import LineEncoder
from eventbus._record import AnyRecord
from eventbus.testing._matching import redacted

# Any in this module: decoded JSON.

UPDATE_OPTION: Final = "--eventbus-update-golden"
_MAX_DIFFERENCES: Final = 20
_LEFT_OUT: Final = ("time_unix_nano", "observed_time_unix_nano", "resource")
_NUMBERED: Final = ("id", "trace_id", "span_id", "parent_span_id")
_ABSENT: Final = object()


def transcript(
    records: Sequence[AnyRecord], *, scrub: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return *records* as decoded lines of JSON, redacted and scrubbed.

    Times and resources are left out. Ids become ``<id 1>``, ``<trace_id 1>`` and so
    on, by their first appearance, so that which ones are equal still shows.

    Args:
        records: In their order.
        scrub: Names of further fields, at any depth, whose values become
            ``<name 1>`` and so on in the same way.
    """
    encoder = LineEncoder()
    lines = (encoder.encode_one(redacted(record)) for record in records)
    return _scrubbed(map(msgspec.json.decode, lines), scrub)


def _scrubbed(
    lines: Iterable[dict[str, Any]], scrub: Sequence[str]
) -> list[dict[str, Any]]:
    names = _Names((*_NUMBERED, *scrub))
    return [
        {
            key: names.scrubbed(value, deep=scrub)
            if key in ("event", "attributes")
            else names.of(key, value)
            for key, value in line.items()
            if key not in _LEFT_OUT
        }
        for line in lines
    ]


class _Names:
    """Gives equal values of a field one name, numbered by first appearance."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._seen: dict[str, dict[bytes, str]] = {field: {} for field in fields}

    def of(self, field: str, value: Any) -> Any:
        seen = self._seen.get(field)
        if seen is None:
            return value
        key = msgspec.json.encode(value)
        return seen.setdefault(key, f"<{field} {len(seen) + 1}>")

    def scrubbed(self, value: Any, *, deep: Sequence[str]) -> Any:
        if _kind(value) is dict:
            return {
                key: self.of(key, one) if key in deep else self.scrubbed(one, deep=deep)
                for key, one in value.items()
            }
        if _kind(value) is list:
            return [self.scrubbed(one, deep=deep) for one in value]
        return value


def differences(expected: Any, actual: Any, path: str = "$") -> Iterator[str]:
    """Yield what differs between two decoded values, one line for each place."""
    if _kind(expected) is _kind(actual) is dict:
        yield from _of_objects(expected, actual, path)
    elif _kind(expected) is _kind(actual) is list:
        pairs = zip_longest(expected, actual, fillvalue=_ABSENT)
        for index, (one, other) in enumerate(pairs):
            yield from differences(one, other, f"{path}[{index}]")
    elif _is_other(expected, actual):
        yield f"{path}: expected {_text(expected)}, got {_text(actual)}"


def _kind(value: object) -> type:
    return type(value)


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


def assert_transcript(
    path: Path,
    records: Sequence[AnyRecord],
    *,
    scrub: Sequence[str] = (),
    update: bool = False,
) -> None:
    """Compare *records* with the transcript at *path*.

    Args:
        path: Lines of JSON, one a record.
        records: In their order.
        scrub: Names of further fields whose values differ from run to run.
        update: Write the transcript instead.

    Raises:
        AssertionError: They differ; the text names each field, as in
            ``$[2].event.ok: expected true, got false``. Or there is no transcript.
    """
    __tracebackhide__ = True  # pytest would show the records, secrets and all
    actual = transcript(records, scrub=scrub)
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.Encoder().encode_lines(actual))
        return
    if not path.exists():
        raise AssertionError(
            f"no transcript at {path}: write it with pytest {UPDATE_OPTION}"
        )
    found = list(differences(_read(path), actual))
    if found:
        raise AssertionError(_explained(path, found))


def compare_transcripts(
    expected: Path, actual: Path, *, scrub: Sequence[str] = ()
) -> list[str]:
    """Compare two files of records, and return what differs, one line for each field.

    Both are lines of JSON, as the ``jsonl`` sink and :func:`assert_transcript` write
    them; both are scrubbed as in :func:`transcript`, times, resources and ids included.

    Args:
        expected: One file.
        actual: The other.
        scrub: Names of further fields whose values differ from run to run.

    Returns:
        As in ``$[2].event.ok: expected true, got false``; empty when they are the same.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file has a line that is no object in JSON.
    """
    one, other = (_scrubbed(_read(path), scrub) for path in (expected, actual))
    return list(differences(one, other))


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        return msgspec.json.Decoder(dict[str, Any]).decode_lines(path.read_bytes())
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is no transcript: {error}") from error


def _explained(path: Path, found: Sequence[str]) -> str:
    lines = [f"{path} differs in {len(found)} place(s):", *found[:_MAX_DIFFERENCES]]
    if len(found) > _MAX_DIFFERENCES:
        lines.append(f"and {len(found) - _MAX_DIFFERENCES} more")
    lines.append(f"pytest {UPDATE_OPTION} writes it anew")
    return "\n  ".join(lines)
