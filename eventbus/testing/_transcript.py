"""What a transcript is: records as lines of JSON that are the same in every run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from eventbus._encode_line import LineEncoder
from eventbus._record import AnyRecord
from eventbus.testing._differing import differing
from eventbus.testing._given import UPDATE_OPTION
from eventbus.testing._matching import redacted
from eventbus.testing._scrubbing import Scrub, Scrubber

# Any in this module: decoded JSON.

_MAX_DIFFERENCES: Final = 20


def assert_transcript(
    path: str | Path,
    records: Sequence[AnyRecord],
    *,
    scrub: Scrub = (),
    update: bool = False,
) -> None:
    """Compare *records* with the transcript at *path*.

    Both are redacted. Times and resources are left out. Ids become ``<id 1>``,
    ``<trace_id 1>`` and so on, by their first appearance, so that which ones are equal
    still shows. So do ``turn_id``, ``request_id`` and ``span_token`` of events named
    ``agent.…``, which a session draws at random, and their ``duration_ms`` and
    ``time_to_first_token_ms`` become ``<duration_ms>`` and so on.

    Args:
        path: Lines of JSON, one a record.
        records: In their order.
        scrub: What else differs from run to run: names of fields, at any depth, and
            compiled patterns of texts in any field. A field's texts become ``<name 1>``
            and so on, as ids do, and its numbers ``<name>``; what a pattern finds
            becomes ``<scrubbed>``.
        update: Write the transcript instead.

    Raises:
        AssertionError: They differ; the text names each field, as in
            ``$[2].event.ok: expected true, got false``, the first line being 0. Or
            there is no transcript.
        TypeError: *scrub* is no list.
        ValueError: The file has a line that is no object in JSON.
    """
    __tracebackhide__ = True  # pytest would show the records, secrets and all
    path = Path(path)
    actual = _transcript(records, scrub)
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.Encoder().encode_lines(actual))
        return
    if not path.exists():
        raise AssertionError(
            f"no transcript at {path}: write it with pytest {UPDATE_OPTION}"
        )
    found = differing(_read(path), actual, scrub)
    if found:
        raise AssertionError(_explained(path, found))


def _transcript(records: Sequence[AnyRecord], scrub: Scrub) -> list[dict[str, Any]]:
    encoder = LineEncoder()
    lines = (encoder.encode_one(redacted(record)) for record in records)
    return Scrubber(scrub).scrubbed(map(msgspec.json.decode, lines))


def compare_transcripts(
    expected: str | Path, actual: str | Path, *, scrub: Scrub = ()
) -> list[str]:
    """Compare two files of records, and return what differs, one line for each field.

    Both are lines of JSON, as the ``jsonl`` sink and :func:`assert_transcript` write
    them; both are scrubbed as there, times, resources and ids included.

    Args:
        expected: One file.
        actual: The other.
        scrub: As in :func:`assert_transcript`.

    Returns:
        As in ``$[2].event.ok: expected true, got false``, the first line being 0;
        empty when they are the same.

    Raises:
        OSError: A file cannot be read.
        TypeError: *scrub* is no list.
        ValueError: A file has a line that is no object in JSON.
    """
    one, other = (
        Scrubber(scrub).scrubbed(_read(Path(path))) for path in (expected, actual)
    )
    return differing(one, other, scrub)


def _read(path: Path) -> list[dict[str, Any]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    found: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(decode(line))
        except msgspec.DecodeError as error:
            raise ValueError(
                f"{path} is no transcript: line {number}: {error}"
            ) from error
    return found


def _explained(path: Path, found: Sequence[str]) -> str:
    lines = [f"{path} differs in {len(found)} place(s):", *found[:_MAX_DIFFERENCES]]
    if len(found) > _MAX_DIFFERENCES:
        lines.append(f"and {len(found) - _MAX_DIFFERENCES} more")
    lines.append("scrub= leaves out what differs from run to run")
    lines.append(f"pytest {UPDATE_OPTION} writes it anew")
    return "\n  ".join(lines)
