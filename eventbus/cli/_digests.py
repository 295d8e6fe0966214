"""What the digests of the installed catalogs make of the records of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from eventbus._digest import Digest
from eventbus._record import AnyRecord
from eventbus._verdict import describe_error

T = TypeVar("T")

# Any in this module: JSON.


class Digests:
    """Shows records to every digest; one that raises is told of, and left out.

    Args:
        factories: What makes them, by name.
        say: Shows a line to the person at the terminal.
    """

    def __init__(
        self,
        factories: Mapping[str, Callable[[], Digest]],
        say: Callable[[str], object],
    ) -> None:
        """Make them."""
        self._say: Final = say
        self._digests: dict[str, Digest] = {}
        for name, make in factories.items():
            made = self._tried(name, make, None)
            if made is not None:
                self._digests[name] = made

    def take(self, records: Sequence[AnyRecord]) -> None:
        """Show *records* to all of them."""
        for name, digest in list(self._digests.items()):
            self._tried(name, partial(digest.take, records), None)

    def lines(self) -> Iterator[str]:
        """Return what all of them say."""
        for name, digest in list(self._digests.items()):
            nothing: list[str] = []
            yield from self._tried(name, partial(_lines_of, digest), nothing)

    def as_json(self) -> dict[str, Mapping[str, Any]]:
        """Return what those say that have something to say, by their names."""
        nothing: Mapping[str, Any] = {}
        said = {
            name: self._tried(name, digest.as_json, nothing)
            for name, digest in list(self._digests.items())
        }
        return {name: one for name, one in said.items() if one}

    def _tried(self, name: str, call: Callable[[], T], otherwise: T) -> T:
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - a catalog's author wrote it
            self._digests.pop(name, None)
            self._say(f"The digest {name!r} is left out: {describe_error(error)}")
            return otherwise


def _lines_of(digest: Digest) -> list[str]:
    return list(digest.lines())
