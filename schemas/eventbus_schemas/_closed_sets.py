"""Which word of a closed set a word from outside is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

Word = TypeVar("Word", bound=str)


def one_of(known: Iterable[Word], word: str, other: Word) -> Word:
    """Return *word* when it is *known*, else *other*.

    Capitals and what stands between the parts of a word make no difference:
    ``ApprovedForSession`` and ``approved-for-session`` are ``approved_for_session``.
    """
    wanted = _plain(word)
    return next((one for one in known if _plain(one) == wanted), other)


def _plain(word: str) -> str:
    return "".join(filter(str.isalnum, word)).lower()
