"""The parts that an event passes on its way to the attachments, put together."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any, Final

from eventbus._attachment import Attachment
from eventbus._catalog import Catalog
from eventbus._clock import Clock
from eventbus._context import Bound
from eventbus._encode_line import LineEncoder
from eventbus._ingress import Ingress
from eventbus._ledger import BusLedger
from eventbus._log import QuietLog
from eventbus._loop import LoopBinding
from eventbus._publish import Publisher
from eventbus._record import Attributes
from eventbus._records import RecordMaker
from eventbus._route import Route
from eventbus._router import Router
from eventbus._seal import Sealer
from eventbus._settings import Limits
from eventbus.privacy._policy import Policies
from eventbus.privacy._privacy import Privacy


class Engine:
    """From ``emit`` to the buffers: ingress, seal, routes, and the loop they belong to.

    Args:
        resource: Attributes of the service.
        catalog: The event types known.
        clock: What time it is.
        limits: Bounds of the whole bus.
        strict: Whether values of the wrong type raise.
        privacy: What is taken for a secret.
    """

    def __init__(
        self,
        *,
        resource: Attributes,
        catalog: Catalog,
        clock: Clock,
        limits: Limits,
        strict: bool,
        privacy: Privacy,
    ) -> None:
        """Put the parts together; nothing runs yet."""
        self.clock: Final = clock
        self.policies: Final = Policies(privacy, self._could_not_look)
        self.log: Final = QuietLog(clock, self.policies.text)
        resource = self.policies.attributes(resource)
        self.resource: Final = resource
        self.random: Final = Random()
        self.measure: Final = LineEncoder(resource).sizes
        self.ledger: Final = BusLedger()
        self.binding: Final = LoopBinding(self.work)
        self.ingress: Final = Ingress(
            wake=self._wake,
            is_owner=self.binding.is_owner,
            now=clock.monotonic,
            ledger=self.ledger,
            admit=self._admit,
        )
        self.sealer: Final = Sealer(
            self.ingress,
            self.ledger,
            self._record_maker(resource, limits.max_attributes),
            self.policies,
            max_depth=limits.max_depth,
        )
        self.router: Final = self._make_router(catalog, limits, strict=strict)
        self.publisher: Final = Publisher(
            ingress=self.ingress,
            router=self.router,
            sealer=self.sealer,
            binding=self.binding,
            time_ns=clock.time_ns,
        )

    def _make_router(self, catalog: Catalog, limits: Limits, *, strict: bool) -> Router:
        return Router(
            catalog=catalog,
            ingress=self.ingress,
            sealer=self.sealer,
            ledger=self.ledger,
            log=self.log,
            time_ns=self.clock.time_ns,
            strict=strict,
            max_event_types=limits.max_event_types,
        )

    def _record_maker(self, resource: Attributes, max_attributes: int) -> RecordMaker:
        return RecordMaker(
            resource=resource,
            id_prefix=_id_prefix(),
            max_attributes=max_attributes,
            warn=self._warn,
        )

    def _warn(self, reason: str, count: int) -> None:
        with self.ingress.left, self.ingress.mutex, self.ingress.inside:
            self.ledger.warn(reason, count)

    def _could_not_look(self) -> None:
        self._warn("redactor_error", 1)
        self.log.warning(
            "redactor_error", "a value that could not be searched was left out"
        )

    def _admit(self, item: Any, bound: Bound | None) -> None:
        # Any: whatever a caller handed to emit.
        self.router.admit_left(item, bound)

    def _wake(self, route: Route | None) -> None:
        self.binding.wake(route.pilot if route is not None else None)

    def work(self) -> None:
        """Seal what was handed over; the loop calls it once per batch."""
        self.ingress.follow_spans()
        self.sealer.seal()

    def connect(self, attachment: Attachment) -> None:
        """Let *attachment* have what is emitted from now on; on the loop's thread."""
        self.sealer.seal()
        self.router.add(attachment)

    def disconnect(self, attachment: Attachment) -> None:
        """Let *attachment* have nothing after this; on the loop's thread."""
        self.sealer.seal()
        self.router.remove(attachment)

    def start_over(self, attachments: Callable[[], Iterable[Attachment]]) -> None:
        """Belong to no loop, hold nothing and count from zero, in the child of a fork.

        Args:
            attachments: Renews those that stay, and returns them.
        """
        self.binding.start_over()
        self.log.start_over()
        self.random.seed()
        self.ingress.start_over(partial(self._start_over, attachments))

    def _start_over(self, attachments: Callable[[], Iterable[Attachment]]) -> None:
        BusLedger.__init__(self.ledger)
        self.sealer.start_over(_id_prefix())
        self.router.start_over(attachments())

    def close(self) -> None:
        """Refuse whatever comes, and seal what came before."""
        self.router.close()
        self.sealer.seal()


def _id_prefix() -> str:
    return f"{secrets.token_hex(6)}-"
