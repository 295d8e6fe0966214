"""Which values of a configuration are secrets, and how they look in print."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NoReturn, Self, SupportsIndex

import msgspec

from eventbus._place import Place
from eventbus._records import REDACTED
from eventbus._secret import NOT_PICKLED, Secret, plain_text
from eventbus.config._tree import as_array, as_table
from eventbus.privacy._spellings import spellings, without, without_tail

# Any in this module: settings hold values of any type.

_MIN_SCRUBBED_LENGTH: Final = 3
_ELLIPSIS: Final = "…"
_SECRET_WORDS: Final = frozenset(
    (
        "authorization",
        "cookie",
        "credential",
        "credentials",
        "headers",
        "passphrase",
        "passwd",
        "password",
        "secret",
        "secrets",
        "token",
    )
)
_words: Final = re.compile(r"[a-z0-9]+|[A-Z]+(?![a-z])|[A-Z][a-z0-9]*").findall


class SecretText(str):
    """Text that prints as ``[REDACTED]`` wherever a ``repr`` is printed.

    It stands in settings of the type ``str`` whose name or origin makes them secrets:
    a password, but also a host or a path from a variable, of which a sink makes
    addresses and paths. So it is equal to the text it holds and works wherever text
    does; ``str()`` of it is the text itself. It cannot be pickled. A setting that is
    a :class:`Secret` by its type cannot be printed at all.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Hold *text* itself, where it is another class's that prints otherwise."""
        return super().__new__(cls, plain_text(text))

    @property
    def shown(self) -> str:
        """What may be printed of it; more than nothing where only a part is secret."""
        return REDACTED

    def reveal(self) -> str:
        """Return the text itself, for who must send it."""
        return plain_text(self)

    def __repr__(self) -> str:
        """Say nothing but what may be shown."""
        return repr(self.shown)

    def __str__(self) -> str:
        """Return the text, for whoever asks for it on purpose."""
        return str.__str__(self)

    def __getitem__(self, key: SupportsIndex | slice) -> SecretText:
        """Return a part of it, which prints likewise: some show the beginning only."""
        return SecretText(str.__getitem__(self, key))

    def __copy__(self) -> SecretText:
        """Return itself: text does not change."""
        return self

    def __deepcopy__(self, memo: object) -> SecretText:
        """Return itself: text does not change."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled, which would write the secret out.

        Raises:
            TypeError: Always.
        """
        raise TypeError(NOT_PICKLED)


class MaskedTable(dict[str, Any]):
    """A table of which some values print as ``[REDACTED]``; it is not pickled then."""

    def __init__(self, values: dict[str, Any], masked: Iterable[str]) -> None:
        """Hold *values*; *masked* are the keys of secret ones."""
        super().__init__(values)
        self._masked = frozenset(masked)

    def __repr__(self) -> str:
        """Show the keys, and the values that are no secrets."""
        return repr(dict(self.__rich_repr__()))

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show the same to Rich."""
        return [(k, REDACTED if k in self._masked else v) for k, v in self.items()]

    def __copy__(self) -> MaskedTable:
        """Return a copy that masks the same values."""
        return MaskedTable(dict(self), self._masked)

    def __deepcopy__(self, memo: object) -> MaskedTable:
        """Return a copy that masks the same values; they do not change."""
        return MaskedTable(dict(self), self._masked)

    def __reduce__(self) -> tuple[type[MaskedTable], tuple[object, ...]]:
        """Refuse to be pickled with a secret.

        Raises:
            TypeError: A value is masked.
        """
        if self._masked:
            raise TypeError(NOT_PICKLED)
        return MaskedTable, (dict(self), ())


def is_secret_name(name: str) -> bool:
    """Return whether a setting called *name* looks like a secret.

    ``sasl_plain_password``, ``api_key`` and all ``headers`` do; ``key`` alone does
    not: it names what records are grouped by.
    """
    words = [word.lower() for word in _words(name)]
    if not _SECRET_WORDS.isdisjoint(words):
        return True
    return len(words) > 1 and words[-1] in ("key", "apikey")


def is_secret(place: Place) -> bool:
    """Return whether what stands at *place* looks like a secret by its name.

    What a sink or an event is called says nothing of what stands in its table.
    """
    is_inside = len(place) > 2 and place[0] in ("sinks", "metrics")
    named = place[2:] if is_inside else place
    return any(isinstance(step, str) and is_secret_name(step) for step in named)


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """Return *text* without the *secrets* that it repeats, those of 3 letters or more.

    Shorter ones would take innocent letters with them. They are found where they are
    escaped, and where they are cut off with an ellipsis.
    """
    texts = [text for text in secrets if len(text) >= _MIN_SCRUBBED_LENGTH]
    forms = {form for text in texts for form in spellings(text)}
    parts = without(text, forms).split(_ELLIPSIS)
    return _ELLIPSIS.join([*(without_tail(p, forms) for p in parts[:-1]), parts[-1]])


def secrets_in(value: Any) -> Iterator[str]:
    """Yield the text of every :class:`Secret` and :class:`SecretText` in *value*."""
    if isinstance(value, Secret | SecretText):
        yield plain_text(value)
    elif isinstance(value, msgspec.Struct):
        for one in msgspec.structs.astuple(value):
            yield from secrets_in(one)
    else:
        for one in (as_table(value) or {}).values() or as_array(value) or ():
            yield from secrets_in(one)


class Secrets:
    """The secrets of one configuration: where they are, and what they are."""

    def __init__(self) -> None:
        """Begin with none."""
        self._places: set[Place] = set()
        self._texts: set[str] = set()

    def add(self, place: Place, value: object) -> None:
        """Remember that *value*, at *place*, is one."""
        self._places.add(place)
        if isinstance(value, Secret | str):
            self._texts.add(plain_text(value))
        elif value is not None and not isinstance(value, bool):
            self._texts.add(str(value))

    def covers(self, place: Place) -> bool:
        """Return whether what stands at *place* must not be shown."""
        return is_secret(place) or any(
            place[:length] in self._places for length in range(1, len(place) + 1)
        )

    def scrubbed(self, text: str) -> str:
        """Return *text* without any secret that it repeats."""
        return scrubbed(text, self._texts)

    def hide(self, value: Any, place: Place) -> Any:
        """Return *value* with the texts in it that are secrets as :class:`SecretText`.

        Structs are changed in place: they were made for this configuration.
        """
        if isinstance(value, str):
            return SecretText(value) if self.covers(place) else value
        if isinstance(value, msgspec.Struct):
            self._hide_fields(value, place)
            return value
        table, items = as_table(value), as_array(value)
        if table is not None:
            return {k: self.hide(v, (*place, k)) for k, v in table.items()}
        if items is not None:
            hidden = (self.hide(v, (*place, i)) for i, v in enumerate(items))
            return tuple(hidden) if isinstance(value, tuple) else list(hidden)
        return value

    def _hide_fields(self, struct: msgspec.Struct, place: Place) -> None:
        for field in msgspec.structs.fields(struct):
            value: Any = getattr(struct, field.name)
            hidden = self.hide(value, (*place, field.encode_name))
            if hidden is not value:
                msgspec.structs.force_setattr(struct, field.name, hidden)
