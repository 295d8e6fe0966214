"""What of a text is a secret: by its form, its name, or because it is known."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final

from eventbus.privacy import _tokens
from eventbus.privacy._key_names import KeyNames
from eventbus.privacy._known import KnownSecrets
from eventbus.privacy._pairs import Pairs

_ESCAPE: Final = "\x1b"
_colours: Final = re.compile(r"\x1b(?:\[[0-9;]{0,32}+[mK]|\(B)").sub


class Scanner:
    """Finds secrets in free text, in time linear in its length.

    What only colours text in a terminal is looked through; where a secret is found, it
    is left out.

    Args:
        key_names: Names under which secrets stand.
        known: Values that are secrets wherever they stand.
        by_form: Whether secrets are found by their form too, or only by being known.
    """

    def __init__(
        self, key_names: KeyNames, known: KnownSecrets, *, by_form: bool
    ) -> None:
        """Compile what is looked for."""
        self.key_names: Final = key_names
        self.known: Final = known
        self.by_form: Final = by_form
        self._knows: Final = len(known) > 0
        self._pairs: Final = Pairs(key_names) if by_form else None

    def only_known(self) -> Scanner | None:
        """Return what finds known secrets alone, ``None`` where there are none."""
        if not self._knows:
            return None
        return Scanner(self.key_names, self.known, by_form=False)

    def may_find_in(self, text: str) -> bool:
        """Return whether :meth:`cleaned` may change *text*; fast where it does not."""
        if _ESCAPE in text:
            text = _colours("", text)
        if self._pairs is not None and (
            self._pairs.may_be_in(text) or _tokens.may_be_in(text)
        ):
            return True
        return self._knows and self.known.may_be_in(text)

    def may_find_among(self, texts: Set[str]) -> bool:
        """Return whether :meth:`cleaned` may change any of *texts*, seen at once."""
        joined = "\n".join(texts)
        if _ESCAPE in joined:
            return any(map(self.may_find_in, texts))
        if self._pairs is not None and (
            self._pairs.may_be_in(joined) or _tokens.may_be_in(joined)
        ):
            return True
        return self._knows and self.known.may_be_among(texts, joined)

    def cleaned(self, text: str) -> str:
        """Return *text* with what is secret in it as ``[REDACTED]``."""
        plain = found = _colours("", text) if _ESCAPE in text else text
        if self._knows:
            found = self.known.replaced(found)
        if self._pairs is not None:
            if self._pairs.may_be_in(found):
                found = self._pairs.replaced(found)
            found = _tokens.replaced(found)
        return text if found == plain else found

    def cleaned_cut(self, text: str) -> str:
        """Return *text*, which may have been cut off in a secret, likewise."""
        text = self.cleaned(text)
        return self.known.without_tail(text) if self._knows else text

    def cleaned_bytes(self, data: bytes) -> bytes:
        """Return *data* likewise, as far as it is text."""
        text = data.decode("utf-8", "surrogateescape")
        if not self.may_find_in(text):
            return data
        cleaned = self.cleaned(text)
        return data if cleaned == text else cleaned.encode("utf-8", "surrogateescape")
