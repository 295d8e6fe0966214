"""A far side in memory, and a sink for it that keeps every rule."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import pytest

from eventbus import Outcome, Refused, Unavailable
from eventbus.testing import FarSide, SinkViolation, check_sink


class Down(Exception):
    pass


class No(Exception):
    pass


class Shelf(FarSide):
    failures = frozenset({"unavailable", "refused", "partial", "hang"})

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.next: str | None = None

    async def received(self) -> Sequence[str]:
        return self.ids

    async def fail_next(self, failure: str) -> None:
        self.next = failure

    async def put(self, ids: list[str]) -> list[str]:
        """Take *ids*; return those that are refused."""
        failure, self.next = self.next, None
        await asyncio.sleep(0)
        if failure == "unavailable":
            raise Down
        if failure == "refused":
            raise No
        if failure == "hang":
            await asyncio.Event().wait()
        refused = ids[:1] if failure == "partial" else []
        self.ids += [id_ for id_ in ids if id_ not in refused]
        return refused

    async def ping(self) -> None:
        await self.put([])


class PlainShelf(Shelf):
    """One that cannot be made to fail."""

    failures = frozenset()


class ShelfSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Settings of a sink.

    Args:
        label: Anything.
    """

    label: str = ""


class ShelfSink:
    Settings: ClassVar[Any] = ShelfSettings

    def __init__(self, settings: ShelfSettings, shelf: Shelf) -> None:
        self.settings = settings
        self.shelf = shelf

    async def start(self) -> None:
        await asyncio.sleep(0)

    async def write(self, batch: Sequence[Any]) -> Outcome | None:
        ids = [record.id for record in batch]
        try:
            refused = await self.shelf.put(ids)
        except Down:
            raise Unavailable("the shelf is away") from None
        except No:
            raise Refused("the shelf says no") from None
        return Outcome(rejected=[(ids.index(id_), "no") for id_ in refused])

    async def check(self) -> None:
        await self.shelf.ping()

    async def aclose(self) -> None:
        await asyncio.sleep(0)


class GoodSink(ShelfSink):
    """Made without a shelf of its own: each kind of test gives it one."""

    shelf_of_all: ClassVar[Shelf]

    def __init__(self, settings: ShelfSettings | None = None) -> None:
        super().__init__(settings or ShelfSettings(), self.shelf_of_all)


def sinks(base: type[GoodSink], shelf: Shelf) -> type[GoodSink]:
    return type(base.__name__, (base,), {"shelf_of_all": shelf})


async def violation(
    base: type[Any], far_side: Shelf | None = None, **options: Any
) -> SinkViolation:
    factory = base
    if issubclass(base, GoodSink):
        factory = sinks(base, far_side or PlainShelf())
    with pytest.raises(SinkViolation) as caught:
        await check_sink(factory, far_side=far_side, **options)
    return caught.value
