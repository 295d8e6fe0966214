"""How a mock server takes a request, and sends what it is answered."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING

from eventbus.testing._decoded import MAX_BODY_BYTES
from eventbus.testing._loopback_server import LoopbackServer
from eventbus.testing._mock_answer import MockAnswer
from eventbus.testing._mock_invariants import Invariants, broken
from eventbus.testing._mock_request import RecordedRequest

if TYPE_CHECKING:
    from aiohttp import web


class AnsweringServer(LoopbackServer, ABC):
    """Records whole requests, and answers whole or chunk by chunk."""

    _invariants: Invariants | None = None

    async def _take(self, request: web.BaseRequest) -> RecordedRequest | None:
        """Return *request* with its body, or ``None`` where that is too long."""
        body = await _bounded(request)
        if body is None:
            self._problems.append(f"a body of more than {MAX_BODY_BYTES} bytes came")
            return None
        headers = {name.lower(): value for name, value in request.headers.items()}
        return RecordedRequest(request.method, request.raw_path, headers, body)

    def _check(self, request: RecordedRequest) -> None:
        where = f"{request.method} {request.path}"
        wrong = broken(self._invariants, request)
        self._problems += [f"{where}: {one}" for one in wrong]

    async def _send(
        self, request: web.BaseRequest, answer: MockAnswer
    ) -> web.StreamResponse:
        from aiohttp import web

        await self._hold_back(answer.delay_seconds, answer.gate)
        if answer.chunks is None:
            return web.Response(
                status=answer.status, body=answer.data, headers=answer.all_headers
            )
        response = web.StreamResponse(status=answer.status, headers=answer.all_headers)
        if answer.data or not answer.breaks_off:
            await response.prepare(request)
        for chunk in answer.chunks:
            await self._hold_back(0, chunk.gate)
            if chunk.data:
                await response.write(chunk.data)
        if answer.breaks_off:
            raise ConnectionResetError("as the test says")
        return response


async def _bounded(request: web.BaseRequest) -> bytes | None:
    """Return the body, or ``None`` for one that is too long; the rest is not read."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
