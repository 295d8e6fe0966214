"""Whether all events go the same way, so that nobody has to look at each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eventbus._event import Event
from eventbus._ingress import Ingress
from eventbus._seal import Sealer

if TYPE_CHECKING:
    from eventbus._attachment import Attachment


class Uniformity:
    """Tells the ingress and the seal who takes every event, where that is so.

    Types that nobody selects any more count too: another thread may be about to hand
    over an event by a route that is gone.
    """

    def __init__(self, ingress: Ingress, sealer: Sealer) -> None:
        """Start with no type that was ever routed."""
        self._ingress: Final = ingress
        self._sealer: Final = sealer
        self._ever_routed: Final[set[type[Event]]] = set()
        self._common: tuple[Attachment, ...] | None = None
        self._plain, self._has_floors = True, False

    def add(self, kind: type[Event]) -> None:
        """Count *kind*, which leads somewhere from now on; see :meth:`expect`."""
        self._ever_routed.add(kind)

    def expect(
        self, kind: type[Event], takers: tuple[Attachment, ...], *, has_floors: bool
    ) -> None:
        """Note what a route of *kind* to *takers*, about to be made, changes."""
        if not takers:
            return
        if not self._ever_routed:
            self._common = takers
        elif takers != self._common:
            self._common = None
        self._plain &= self._sealer.is_plain(kind)
        self._has_floors |= has_floors
        self._tell()

    def look_again(self) -> None:
        """Note how things are after many routes were made anew."""
        routes = [self._ingress.routes.get(kind) for kind in self._ever_routed]
        takers = {route.attachments if route else () for route in routes}
        self._common = takers.pop() if len(takers) == 1 else None
        self._has_floors = any(route.has_floors for route in routes if route)
        self._plain = all(map(self._sealer.is_plain, self._ever_routed))
        self._tell()

    def _tell(self) -> None:
        common = self._common
        self._sealer.unify(common if self._plain else None)
        self._ingress.common = None
        if common is not None and not self._has_floors:
            self._ingress.common = tuple(one.door for one in common)
