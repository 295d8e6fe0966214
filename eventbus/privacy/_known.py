"""Which secrets a program knows by their values, and how they are found in text."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Final, NoReturn

from eventbus._bounds import WrongSetting
from eventbus._event import REDACTED
from eventbus.privacy._spellings import BYTES, spellings, without, without_tail

MINBYTES: Final = 4
MINBYTES_INSIDE: Final = 8
MAX_VALUES: Final = 32
MAX_VALUEBYTES: Final = 4096
MAX_TOTALBYTES: Final = 16_384


class KnownSecrets:
    """Values that must not leave, whatever they stand in.

    Text that is one of them becomes ``[REDACTED]``; one of 8 bytes or more is found
    inside of longer text too, also where it is escaped as in JSON or a URL. They cannot
    be printed, pickled or encoded, and a copy is the same object. Where there are any,
    the texts of all events are searched for them, whatever ``Privacy.scan`` says.

    Args:
        values: Up to 32, of 4 to 4,096 bytes each in UTF-8, 16,384 together.

    Raises:
        TypeError: *values* is no list, or a value is no text.
        ValueError: A limit is passed; the text says which one, never the value.
    """

    __slots__ = ("__exact", "__inside")

    def __init__(self, values: Iterable[str | bytes] = ()) -> None:
        """Take them, and forget where they came from."""
        self.__exact: frozenset[str] = frozenset()
        self.__inside: tuple[str, ...] = ()
        found = [*map(_text, values)] if _are_several(values) else None
        problem = _problem(found, type(values).__name__)
        if problem is not None:
            del values, found  # a traceback may show what is here
            raise problem
        texts = [text for text in found or () if text is not None]
        forms = {form for text in texts for form in _forms(text)}
        self.__exact = frozenset(texts)
        self.__inside = tuple(sorted(forms))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.__exact)

    def __repr__(self) -> str:
        """Say how many there are."""
        return f"<KnownSecrets: {len(self)}>"

    def __copy__(self) -> KnownSecrets:
        """Return itself: it does not change."""
        return self

    def __deepcopy__(self, memo: object) -> KnownSecrets:
        """Return itself: it does not change."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled, which would write the secrets out.

        Raises:
            TypeError: Always.
        """
        raise TypeError("KnownSecrets cannot be pickled")

    def __getstate__(self) -> NoReturn:
        """Refuse likewise.

        Raises:
            TypeError: Always.
        """
        self.__reduce__()

    def may_be_in(self, text: str) -> bool:
        """Return whether one of them is *text*, or in it."""
        return text in self.__exact or any(one in text for one in self.__inside)

    def may_be_among(self, texts: Set[str], joined: str) -> bool:
        """Return whether one of them is one of *texts*, or in these *joined*."""
        return not self.__exact.isdisjoint(texts) or any(
            one in joined for one in self.__inside
        )

    def replaced(self, text: str) -> str:
        """Return *text* with each as ``[REDACTED]``, overlapping ones as one."""
        if text in self.__exact:
            return REDACTED
        return without(text, self.__inside)

    def without_tail(self, text: str) -> str:
        """Return *text*, which was cut off, without the beginning of one at its end."""
        return without_tail(text, self.__inside)


def _are_several(values: object) -> bool:
    return isinstance(values, Iterable) and not isinstance(values, str | bytes)


def _text(value: object) -> str | None:
    """Return *value* as text, or ``None`` where it is none."""
    if isinstance(value, bytes):
        return value.decode("utf-8", BYTES)
    return str.__str__(value) if isinstance(value, str) else None


def _forms(value: str) -> set[str]:
    """Return how *value* may stand in longer text, if it is long enough."""
    return set() if _size(value) < MINBYTES_INSIDE else spellings(value)


def _size(value: str) -> int:
    return len(value.encode("utf-8", "surrogatepass"))


def _problem(values: list[str | None] | None, kind: str) -> Exception | None:
    """Return what is wrong with *values*, of that *kind*; it shows none of them."""
    if values is None:
        return TypeError(f"known_secrets must be a list of texts, got one {kind}")
    if None in values:
        return TypeError(f"known_secrets[{values.index(None)}] must be text")
    if len(values) > MAX_VALUES:
        return _wrong(f"at most {MAX_VALUES} values, got {len(values)}")
    sizes = [_size(value) for value in values if value is not None]
    for index, size in enumerate(sizes):
        if not MINBYTES <= size <= MAX_VALUEBYTES:
            bounds = f"{MINBYTES} to {MAX_VALUEBYTES} bytes"
            return _wrong(f"a value of {bounds}, got {size}", index)
    if sum(sizes) > MAX_TOTALBYTES:
        return _wrong(f"at most {MAX_TOTALBYTES} bytes together, got {sum(sizes)}")
    return None


def _wrong(what: str, *index: int) -> WrongSetting:
    place = "".join(f"[{step}]" for step in index)
    return WrongSetting(f"known_secrets{place} must be {what}", "known_secrets", *index)


NO_KNOWN_SECRETS: Final = KnownSecrets()
