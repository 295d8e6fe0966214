"""What type checkers accept as hooks, and what they know of what comes back."""

from __future__ import annotations

from typing import assert_type

import httpx

from eventbus import Bus
from eventbus_schemas import Session
from eventbus_schemas.hooks import (
    EventHooks,
    HookedAsyncClient,
    RetryPolicy,
    SsePoll,
    httpx_sender,
    observed,
    observed_request,
    read_sse,
    run_with_request_telemetry,
)


class Mine:
    def on_request(
        self, n: int, code: int | None, fault: Exception | None, seconds: float
    ) -> None: ...

    def on_sse_poll(self, poll: SsePoll, seconds: float) -> None: ...


async def names_of_parameters_are_the_observers_own(client: httpx.AsyncClient) -> None:
    response = await observed_request(client.get("/"), Mine())
    assert_type(response, httpx.Response)
    async for event in read_sse(response.aiter_bytes(), Mine()):
        assert_type(event.data, str)
    HookedAsyncClient(telemetry=Mine())
    HookedAsyncClient(telemetry=lambda request: Mine())


async def hooks_go_where_events_go(
    bus: Bus, session: Session, client: httpx.AsyncClient
) -> None:
    for hooks in (EventHooks(bus), EventHooks(bus.emit), EventHooks(session)):
        assert_type(hooks.for_request().with_facts(model="m"), EventHooks)
        response = await run_with_request_telemetry(
            RetryPolicy(),
            hooks,
            lambda: client.build_request("GET", "/"),
            httpx_sender(client),
        )
        assert_type(response, httpx.Response)
        assert_type(await hooks.tool_call(run(), "shell"), int)
        assert_type(await observed(run(), print), int)


async def run() -> int:
    return 5
