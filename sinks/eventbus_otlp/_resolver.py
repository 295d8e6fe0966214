"""How the names of hosts are looked up: one lookup at a time for each."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

from eventbus._side_thread import SideThread

_Key = tuple[str, int, socket.AddressFamily]
# Any: what getaddrinfo answers, in the shape of its documentation
_Address = tuple[int, int, int, str, Any]
_Addresses = Sequence[_Address]


class Resolver(AbstractResolver):
    """Asks the system, in daemon threads of its own, one for each name at most.

    A name server that does not answer holds its thread, and nothing else: a lookup
    goes on when nobody waits any more, and whoever asks next waits for it too.
    """

    def __init__(self) -> None:
        """Look nothing up yet."""
        self._lookups: Final[dict[_Key, asyncio.Task[_Addresses]]] = {}

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        """Return the addresses of *host*, of all families where *family* is 0.

        Raises:
            OSError: There is none, or nobody can say.
        """
        key = (host, port, family)
        lookup = self._lookups.get(key)
        if lookup is None:
            lookup = asyncio.create_task(self._look_up(key), name=f"look up {host}")
            self._lookups[key] = lookup
        return [_result(host, address) for address in await asyncio.shield(lookup)]

    async def _look_up(self, key: _Key) -> _Addresses:
        thread = SideThread(_ask_system, f"eventbus look up {key[0]}")
        try:
            found: _Addresses = await thread.call(*key)
            return found
        finally:
            thread.end()
            del self._lookups[key]

    async def close(self) -> None:
        """Wait for no lookup any longer."""
        lookups = list(self._lookups.values())
        for lookup in lookups:
            lookup.cancel()
        await asyncio.gather(*lookups, return_exceptions=True)


def _ask_system(host: str, port: int, family: int) -> _Addresses:
    return socket.getaddrinfo(
        host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )


def _result(host: str, address: _Address) -> ResolveResult:
    family, _, proto, _, place = address
    name = place[0]
    if family == socket.AF_INET6 and len(place) == 4 and place[3]:
        name = f"{name}%{place[3]}"  # a link-local address and its interface
    return ResolveResult(
        hostname=host,
        host=name,
        port=place[1],
        family=family,
        proto=proto,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
