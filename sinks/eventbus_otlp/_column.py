"""How one field of many events is written: all at once, or one by one where need be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from msgspec import UNSET, inspect

from eventbus._catalog import alternatives
from eventbus._json_form import NoJsonForm
from eventbus_otlp._findings import Findings
from eventbus_otlp._limits import NO_LIMITS, AttributeLimits
from eventbus_otlp._names import Change
from eventbus_otlp._plain_value import Convert, Plain, PlainForm
from eventbus_otlp._remembered import Remembered
from eventbus_otlp._writer import ValueWriter

# Any in this module: the fields of events hold values of any type.

_ABSENT: Final = frozenset({type(None), type(UNSET)})
_NUMBERS: Final = frozenset({int, float})
_MAX_REMEMBERED: Final = 1024  # values of a field that takes few of them
_MAX_REMEMBERED_BYTES: Final = 512  # of one of them

_Write = Callable[[Any], list[bytes]]


class Column:
    """One field of many events, written as one attribute or as the body.

    Values of one and the same type are written at once, a few values that come again
    and again are remembered; where that does not work, each one is looked at.

    Args:
        writer: Writes the values.
        path: Where the values are, for reasons.
        node: The declared type: whole numbers where it says float become floats.
        few: Whether the values are few.
        limits: See :class:`PlainForm`.
        change: What is made of each value before it is written.
        convert_others: The same, but of values other than text, truth values and
            numbers, and where there is no *change*.
    """

    def __init__(
        self,
        writer: ValueWriter,
        path: str,
        *,
        node: inspect.Type | None = None,
        few: bool = False,
        limits: AttributeLimits = NO_LIMITS,
        change: Change | None = None,
        convert_others: Convert | None = None,
    ) -> None:
        self._writer = writer
        self._path = path
        self._limits = limits
        self._convert = change.one if change else convert_others
        declared = () if node is None else alternatives(node)
        self._as_float = any(
            isinstance(one, inspect.FloatType) for one in declared
        ) and not any(isinstance(one, inspect.IntType) for one in declared)
        self._at_once = self._writers(few, declared, change)

    def _writers(
        self, few: bool, declared: Sequence[inspect.Type], change: Change | None
    ) -> dict[type, _Write]:
        few = few or any(isinstance(one, inspect.LiteralType) for one in declared)
        writer = self._writer
        plain: dict[type, _Write] = {
            str: self._texts,
            bool: writer.bools,
            int: writer.ints,
            float: writer.floats,
        }
        writers = plain if change is None else _changed(change, plain)
        remembered: list[type] = [str] if few else []
        if change is not None:
            remembered.append(bool)
        remembered += [o.cls for o in declared if isinstance(o, inspect.EnumType)]
        return writers | {kind: _Few(self._unchanged).cells for kind in remembered}

    def cells(
        self, values: Sequence[Any], places: Sequence[int], findings: Findings
    ) -> list[bytes]:
        """Return what stands for each of *values*; nothing for what is absent.

        Args:
            values: One of each record.
            places: Where those records are in the batch.
            findings: Is told what became of them.
        """
        try:
            return self._cells(values)
        except Exception:  # noqa: BLE001 - any class of a value may raise as it likes
            return [
                self._cell(value, place, findings)
                for value, place in zip(values, places, strict=True)
            ]

    def _cells(self, values: Sequence[Any]) -> list[bytes]:
        kinds = set(map(type, values))
        if not kinds.isdisjoint(_ABSENT):
            return self._where_present(values)
        if self._as_float and kinds <= _NUMBERS:
            kinds, values = {float}, list(map(float, values))
        (kind,) = kinds
        return self._at_once[kind](values)

    def _where_present(self, values: Sequence[Any]) -> list[bytes]:
        present = [v for v in values if v is not None and v is not UNSET]
        if not present:
            return [b""] * len(values)
        cells = iter(self._cells(present))
        return [b"" if v is None or v is UNSET else next(cells) for v in values]

    def _cell(self, value: Any, place: int, findings: Findings) -> bytes:
        if value is None or value is UNSET:
            return b""
        form = PlainForm(self._limits)
        try:
            plain = self._plain(value, form)
        except NoJsonForm as error:
            findings.unencodable.setdefault(place, str(error))
            return b""
        findings.note(form, place)
        return self._writer.one(plain)

    def _plain(self, value: Any, form: PlainForm) -> Plain:
        if self._as_float and type(value) is int:
            with suppress(OverflowError):
                value = float(value)
        plain = form.of(value, self._path)
        if self._convert is None:
            return plain
        return form.of(self._convert(plain), self._path)

    def _texts(self, values: Sequence[str]) -> list[bytes]:
        limit = self._limits.value_length
        if limit is not None and max(map(len, values)) > limit:
            raise NoJsonForm(f"text of more than {limit} characters")
        return self._writer.texts(values)

    def _unchanged(self, value: Any) -> bytes:
        form = PlainForm(self._limits)
        plain = self._plain(value, form)
        if form.sanitized or form.truncated:
            raise NoJsonForm("to be looked at one by one, each time")
        return self._writer.one(plain)


def _changed(change: Change, plain: Mapping[type, _Write]) -> dict[type, _Write]:
    return {
        kind: partial(_write_changed, make, plain[made])
        for kind, (made, make) in change.at_once.items()
    }


def _write_changed(
    make: Callable[[Any], Any], write: _Write, values: Any
) -> list[bytes]:
    return write(make(values))


class _Few(Remembered[Any, bytes]):
    """Remembers what stands for the values of a field that takes few of them."""

    def __init__(self, write: Callable[[Any], bytes]) -> None:
        super().__init__(_MAX_REMEMBERED)
        self._write = write

    def __missing__(self, value: Any) -> bytes:
        cell = self._write(value)
        if len(cell) <= _MAX_REMEMBERED_BYTES:
            self.remember(value, cell)
        return cell

    def cells(self, values: Sequence[Any]) -> list[bytes]:
        return list(map(self.__getitem__, values))
