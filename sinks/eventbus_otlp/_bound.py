"""How attributes that many records share are written: once for each set of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from eventbus._json_form import NoJsonForm
from eventbus._naming import AttributeNaming, names_of
from eventbus_otlp._limits import AttributeLimits
from eventbus_otlp._names import change_of, outside
from eventbus_otlp._plain_value import Convert, PlainForm
from eventbus_otlp._remembered import Remembered
from eventbus_otlp._writer import RecordWriter, ValueWriter

# Any in this module: relayed records bring values of any type.

_PATH: Final = "$.attributes"
_REMEMBERED_NAMES: Final = 256  # what writes one takes some 3,000 bytes
_REMEMBERED: Final = 1024  # texts with their names
_REMEMBERED_LENGTH: Final = 256  # of such a text


class BoundCell(NamedTuple):
    """Attributes as they are written.

    Args:
        cell: All of them.
        left_out: How many of them there was no room for.
        form: What became of their values.
        reason: Why they have no form, or ``""``.
    """

    cell: bytes
    left_out: int
    form: PlainForm
    reason: str = ""


class BoundAttributes:
    """Writes bound attributes.

    Args:
        writer: Writes single ones.
        names: What they are called outside.
        limits: See :class:`PlainForm`.
        convert_others: What is made of values other than text, truth values and
            numbers.

    Attributes:
        most_names: How many names one of them may have.
    """

    def __init__(
        self,
        writer: RecordWriter,
        names: AttributeNaming,
        limits: AttributeLimits,
        convert_others: Convert | None = None,
    ) -> None:
        self._writer = writer
        self._names = names
        self._limits = limits
        self._convert_others = convert_others
        renamed = names.renamed.values()
        self.most_names = max([1, *(len(names_of(others)) for others in renamed)])
        self._writers = Remembered[str, Sequence[ValueWriter]](_REMEMBERED_NAMES)
        self._texts = Remembered[tuple[str, str], bytes](_REMEMBERED)

    def cell(
        self,
        attributes: Mapping[str, Any],
        *,
        without: Collection[str] = (),
        room: int | None = None,
    ) -> BoundCell:
        """Return at most *room* of *attributes*, those named in *without* left out."""
        form = PlainForm(self._limits)
        wanted: Iterable[tuple[str, Any]] = attributes.items()
        count = len(attributes)
        if without:
            wanted = ((k, v) for k, v in attributes.items() if k not in without)
            count -= sum(name in attributes for name in without)
        try:
            if self._names.renamed:
                cells, count = self._renamed(wanted, room, form)
            else:
                cells = [self._one(k, v, form) for k, v in islice(wanted, room)]
        except NoJsonForm as error:
            return BoundCell(b"", 0, form, str(error))
        return BoundCell(b"".join(cells), count - len(cells), form)

    def _renamed(
        self, wanted: Iterable[tuple[str, Any]], room: int | None, form: PlainForm
    ) -> tuple[list[bytes], int]:
        """Return *wanted* by names that none before it has, and how many they are."""
        taken: set[str] = set()
        cells: list[bytes] = []
        count = 0
        for key, value in wanted:
            every = outside(self._names.renamed, key)
            names = [name for name in every if name not in taken]
            if not names or key in self._names.left_out:
                continue
            taken.update(names)
            count += 1
            if room is not None and len(taken) > room:
                continue
            is_whole = len(names) == len(every)
            cells.append(
                self._one(key, value, form)
                if is_whole
                else self._looked_at(key, value, form, names)
            )
        return cells, count

    def _one(self, key: Any, value: Any, form: PlainForm) -> bytes:
        if type(key) is not str or key in self._names.left_out:
            return self._looked_at(key, value, form)
        if type(value) is not str or len(value) > _REMEMBERED_LENGTH:
            return self._looked_at(key, value, form)
        cell = self._texts.get((key, value))
        if cell is None:
            cell = self._looked_at(key, value, form)
            if not (form.sanitized or form.truncated):
                self._texts.remember((key, value), cell)
        return cell

    def _looked_at(
        self, key: Any, value: Any, form: PlainForm, names: Iterable[str] = ()
    ) -> bytes:
        if value is None or key in self._names.left_out:
            return b""
        is_plain = type(key) is str and key.isascii()
        name = key if is_plain else _name_of(key, form)
        plain = form.of(value, f"{_PATH}[...]")
        change = change_of(self._names, name)
        convert = change.one if change else self._convert_others
        if convert is not None:
            plain = form.of(convert(plain), _PATH)
        writers = (
            map(self._writer.attribute, names) if names else self._writers_of(name)
        )
        return b"".join([writer.one(plain) for writer in writers])

    def _writers_of(self, name: str) -> Sequence[ValueWriter]:
        writers = self._writers.get(name)
        if writers is None:
            names = outside(self._names.renamed, name)
            writers = [self._writer.attribute(one) for one in names]
            self._writers.remember(name, writers)
        return writers


def _name_of(key: Any, form: PlainForm) -> str:
    unlimited = PlainForm()
    table = unlimited.of({key: None}, _PATH)
    form.sanitized |= unlimited.sanitized
    assert isinstance(table, dict)
    (name,) = table
    return name
