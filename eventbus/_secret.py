"""What a setting holds that is a secret, so that it cannot be printed."""

from __future__ import annotations

from typing import Final, NoReturn, cast, final

from eventbus._event import REDACTED

NOT_PICKLED: Final = "A secret of a configuration cannot be pickled"


@final
class Secret:
    """A text that only :meth:`reveal` returns: the type of a setting that is a secret.

    It is ``[REDACTED]`` wherever it is printed or formatted, and it cannot be pickled
    or encoded. It is true unless it is empty, equal to the same text, and a copy is
    the same object.

    Args:
        text: The secret; another one is taken over.

    Raises:
        TypeError: It is no text.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str | Secret) -> None:
        """Keep it, as plain text whatever its class."""
        held = text.reveal() if isinstance(text, Secret) else text
        if not isinstance(cast("object", held), str):
            raise TypeError(f"A secret must be text, got {type(held).__name__}")
        self.__text: Final = str.__str__(held)

    def reveal(self) -> str:
        """Return the text itself, for who must send it."""
        return self.__text

    def __repr__(self) -> str:
        """Say nothing of it."""
        return f"Secret({REDACTED!r})"

    def __str__(self) -> str:
        """Say nothing of it."""
        return REDACTED

    def __format__(self, spec: str) -> str:
        """Say nothing of it, in any form."""
        return format(REDACTED, spec)

    def __bool__(self) -> bool:
        """Return whether it is not empty."""
        return bool(self.__text)

    def __eq__(self, other: object) -> bool:
        """Return whether *other* is the same secret, or the same text."""
        if isinstance(other, Secret):
            return self.__text == other.reveal()
        return self.__text == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        """Return the hash of the text, which it is equal to."""
        return hash(self.__text)

    def __copy__(self) -> Secret:
        """Return itself: it does not change."""
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        """Return itself: it does not change."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled, which would write the secret out.

        Raises:
            TypeError: Always.
        """
        raise TypeError(NOT_PICKLED)

    def __getstate__(self) -> NoReturn:
        """Refuse likewise.

        Raises:
            TypeError: Always.
        """
        self.__reduce__()


def plain_text(value: str | Secret) -> str:
    """Return the text of *value*, whatever class of text it is, or a secret."""
    return Secret(value).reveal()
