"""Which word of a closed set a word from outside is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, TypeVar

from msgspec import inspect

from eventbus import Event
from eventbus._catalog import alternatives, describe
from eventbus_schemas._facts import text

Word = TypeVar("Word", bound=str)

_REST: Final = ("other", "unknown")
_WRITTEN_OTHERWISE: Final[Mapping[str, str]] = {
    "approvedexecpolicyamendment": "approvedwithamendment",
    "recoverysucceeded": "succeeded",
    "recoveryfailedpermanent": "failedpermanent",
    "recoveryfailedtransient": "failedtransient",
    "recoverynotrun": "notrun",
}
"""Words of codex that are ours by another name, both without what stands between."""


def one_of(known: Iterable[Word], word: str, other: Word) -> Word:
    """Return *word* when it is *known*, else *other*.

    Capitals and what stands between the parts of a word make no difference:
    ``ApprovedForSession`` and ``approved-for-session`` are ``approved_for_session``.
    What codex calls otherwise is taken too, ``recovery_succeeded`` for ``succeeded``.
    """
    plain = _plain(word)
    wanted = _WRITTEN_OTHERWISE.get(plain, plain)
    return next((one for one in known if _plain(one) == wanted), other)


@cache
def open_sets(event_type: type[Event]) -> Mapping[str, tuple[str, ...]]:
    """Return the closed sets of *event_type* that have a word for all others.

    By the field: its words, the one for all others, ``"other"`` or ``"unknown"``, last.
    """
    sets = dict[str, tuple[str, ...]]()
    for field in describe(event_type).fields:
        for node in alternatives(field.node):
            if isinstance(node, inspect.LiteralType):
                words = [str(one) for one in node.values]
                rest = [one for one in _REST if one in words][:1]
                if rest:
                    sets[field.name] = (*words, *rest)
    return sets


def in_words(
    sets: Mapping[str, tuple[str, ...]], told: Mapping[str, Any]
) -> dict[str, str]:
    """Return those of *told* that are to be said with another word of their set.

    Raises:
        TypeError: One is no text.
    """
    # Any: fields of events, of which those in *sets* are looked at.
    words = dict[str, str]()
    for name, known in sets.items():
        word = told.get(name)
        if word is not None and word != (
            said := one_of(known, text(name, word), known[-1])
        ):
            words[name] = said
    return words


def _plain(word: str) -> str:
    return "".join(filter(str.isalnum, word)).lower()
