"""What the shop tells; which bus takes it, the application decides."""

from typing import Annotated

import eventbus
from eventbus import Event, Label, Sensitive, Unit


class Request(Event, tag="web.request"):
    """A request that was answered, or broken off by an error."""

    method: Annotated[str, Label]
    route: str
    status: Annotated[int, Label]
    duration_ms: Annotated[float, Unit("ms")]


class OrderPlaced(Event, tag="shop.order_placed"):
    """Somebody ordered something."""

    article: Annotated[str, Label]
    count: int
    note: Annotated[str, Sensitive] = ""


emit_request = eventbus.emitter(Request)
emit_order_placed = eventbus.emitter(OrderPlaced)
