"""What a path with placeholders says: where its files are, and what names them.

``sessions/{service.name}/{conversation_id}.jsonl`` names the files below ``sessions``;
``{{`` and ``}}`` stand for braces. Pure: nothing here looks at a disk.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

from eventbus_local._file_name import FileName

EVENT_NAME: Final = "event.name"

_piece: Final = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|[{}]|[^{}]+")
_is_name: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*").fullmatch
_LONE: Final = {
    "{": "must close the '{'",
    "}": "must open a placeholder before the '}'",
}
_DOUBLED: Final = {"{{": "{", "}}": "}"}
_separators: Final = re.compile("[" + re.escape(f"/{os.sep}") + "]")

Part = tuple[list[str], list[str]]  # texts and, between them, placeholders


class PathTemplate:
    """A path, and the placeholders in it.

    Attributes:
        directory: The directories before the first placeholder; of a path without
            any, the path itself.
        placeholders: What they name, from left to right; empty for a fixed path.

    Args:
        text: As it stands in the settings.

    Raises:
        ValueError: It is no template; the text says why and at which character.
    """

    def __init__(self, text: str) -> None:
        """Take *text* apart."""
        self._text = text
        parts = _split(self._pieces())
        first = next((i for i, (_, names) in enumerate(parts) if names), len(parts))
        self.directory: Final = _directory([texts[0] for texts, _ in parts[:first]])
        self._files: Final = [self._file_name(texts) for texts, _ in parts[first:]]
        self._counts: Final = [len(names) for _, names in parts[first:]]
        self.placeholders: Final = tuple(
            name for _, names in parts[first:] for name in names
        )

    @property
    def depth(self) -> int:
        """How many directories there are between ``directory`` and a file."""
        return len(self._files) - 1

    def path(self, values: Sequence[str]) -> str:
        """Return the path below ``directory`` that *values* lead to.

        Args:
            values: One for each placeholder; an empty one is ``_``.
        """
        names: list[str] = []
        start = 0
        for file_name, count in zip(self._files, self._counts, strict=True):
            names.append(file_name.of(values[start : start + count]))
            start += count
        return os.path.join(*names)

    def could_be(self, path: str) -> bool:
        """Return whether values could lead to this *path* below ``directory``."""
        names = path.split(os.sep)
        return len(names) == len(self._files) and all(
            file_name.could_be(name)
            for file_name, name in zip(self._files, names, strict=True)
        )

    def _pieces(self) -> Iterator[tuple[str, bool]]:
        """Yield texts and names of placeholders, each with whether it is a name."""
        for match in _piece.finditer(self._text):
            piece, name = match[0], match["name"]
            place = f"at character {match.start() + 1}"
            if name is not None:
                self._check_name(name, place)
                yield name, True
            elif piece in _LONE:
                self._refuse(f"{_LONE[piece]} {place}, or double it")
            else:
                yield _DOUBLED.get(piece, piece), False

    def _check_name(self, name: str, place: str) -> None:
        if not name:
            self._refuse(f"must name a value between the braces {place}")
        if not _is_name(name):
            self._refuse(
                f"must have a plain name between the braces {place} (letters, digits, "
                "'_', '-' and '.'), no conversion and no format"
            )

    def _file_name(self, texts: list[str]) -> FileName:
        if len(texts) == 1 and texts[0] in ("", os.curdir, os.pardir):
            self._refuse("must have a name in each part behind the first placeholder")
        try:
            return FileName(texts)
        except ValueError as error:
            self._refuse(str(error))

    def _refuse(self, what: str) -> NoReturn:
        raise ValueError(f"path {what}, got {self._text!r}")


def _split(pieces: Iterator[tuple[str, bool]]) -> list[Part]:
    """Return the parts between separators."""
    parts: list[Part] = [([""], [])]
    for piece, is_placeholder in pieces:
        if is_placeholder:
            texts, names = parts[-1]
            texts.append("")
            names.append(piece)
            continue
        head, *rest = _separators.split(piece)
        parts[-1][0][-1] += head
        parts.extend(([text], []) for text in rest)
    return parts


def _directory(names: list[str]) -> str:
    return os.sep if names == [""] else os.sep.join(names)
