"""Which layer of a configuration says what, and in which line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from eventbus._place import Place, inside
from eventbus.config._document import ARGUMENT, Document
from eventbus.config._layers import NOT_MANAGED, RANKS, Rank
from eventbus.config._tree import as_table, overlaid, present, put, value_at
from eventbus.config._values import NO_LIMIT

# Any in this module: a configuration holds values of any type.


class Stack:
    """The layers of one configuration.

    Args:
        documents: Of each what counts, from the one that wins on.
        overrides: The arguments.
    """

    def __init__(
        self, documents: Iterable[Document], overrides: Mapping[Place, Any]
    ) -> None:
        """Put the arguments between the requirements and the files."""
        tree: dict[str, Any] = {}
        for place, value in overrides.items():
            put(tree, place, value)
        arguments = Document(None, tree, {}, "argument")
        self.documents: Final[Sequence[Document]] = sorted(
            [*documents, arguments], key=lambda one: RANKS.index(one.rank)
        )
        self.required_whole: set[Place] = set()

    @property
    def name(self) -> str:
        """What the configuration is called: its own file before those around it."""
        named = [one for one in self.documents if one.name is not None]
        own = [one for one in named if one.rank == "user"]
        return next((str(one.name) for one in [*own, *named]), ARGUMENT)

    def tree(self, *ranks: Rank) -> dict[str, Any]:
        """Return what the layers of *ranks* say together."""
        said: dict[str, Any] = {}
        for document in reversed(self.documents):
            if document.rank in ranks:
                said = overlaid(said, document.tree)
        return said

    def owner(self, place: Place, *ranks: Rank) -> Document | None:
        """Return the layer whose value *place* has, one of *ranks* if there are any.

        A table that several layers say something in is the first one's, in the order
        of the files; ``None``: no layer says it.
        """
        if not ranks and any(inside(place, whole) for whole in self.required_whole):
            ranks = ("managed",)
        holders = [
            one
            for one in self.documents
            if (not ranks or one.rank in ranks) and present(one.tree, place)
        ]
        if not holders:
            return None
        is_table = as_table(value_at(holders[0].tree, place)) is not None
        own = [one for one in holders if one.rank == "user"]
        return own[-1] if is_table and own else holders[0]

    def where(self, place: Place, *ranks: Rank) -> str:
        """Return the file and the line of *place*, or of what holds it."""
        found = self._holder(place, *ranks)
        return ARGUMENT if found is None else found.where(place)

    def line(self, place: Place) -> tuple[int, int]:
        """Return a number that orders places by file and line."""
        found = self._holder(place, "managed", "user", "project")
        if found is None:
            return -1, 0
        return self.documents.index(found), found.line(place) or 0

    def _holder(self, place: Place, *ranks: Rank) -> Document | None:
        outwards = (place[:length] for length in range(len(place), 0, -1))
        owners = (self.owner(outer, *ranks) for outer in outwards)
        own = [one for one in self.documents if one.rank == "user"]
        return next(filter(None, owners), own[-1] if own else None)

    def directory(self, place: Place) -> str | None:
        """Return from where a path at *place* counts."""
        owner = self.owner(place)
        return None if owner is None else owner.directory

    def is_required(self, place: Place) -> bool:
        """Return whether an administrator says what stands at *place*, all of it."""
        if any(inside(place, whole) for whole in self.required_whole):
            return True
        if self.owner(place, "managed") and not self.owner(place, *NOT_MANAGED):
            return True
        outwards = (place[:length] for length in range(len(place), 1, -1))
        return any(self._is_leaf_of_managed(outer) for outer in outwards)

    def is_required_of_others(self, sink: Place) -> bool:
        """Return whether an administrator alone names a *sink*, and not as a whole."""
        if sink in self.required_whole:
            return False
        said = (
            value_at(one.tree, sink)
            for one in self.documents
            if one.rank in NOT_MANAGED and present(one.tree, sink)
        )
        return next(said, None) in (None, NO_LIMIT)

    def _is_leaf_of_managed(self, place: Place) -> bool:
        owner = self.owner(place, "managed")
        return owner is not None and as_table(value_at(owner.tree, place)) is None
