"""What hooks are given by mistake is refused with its name, before anything is sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from http import HTTPStatus
from typing import Any

import pytest

from eventbus_schemas import ApiRequest, Session
from eventbus_schemas.hooks import (
    ApiStatusError,
    EventHooks,
    HttpError,
    RetryPolicy,
    SseParser,
    connect_websocket,
    read_sse,
    run_with_request_telemetry,
)
from eventbus_schemas.hooks._facts import KnownFacts
from tests.schemas.hooks._seen import Seen

# Any in this module: arguments of other types than they should be.


async def chunks() -> AsyncGenerator[bytes]:
    yield b"data: x\n\n"


@pytest.mark.parametrize(
    ("make", "refused"),
    [
        (lambda: EventHooks(print, model=5), "model must be text, got 5"),
        (
            lambda: EventHooks(print, auth_header_attached="Bearer x"),
            "auth_header_attached must be True or False, got str",
        ),
        (lambda: EventHooks(print).with_facts(endpoint=b"/"), "endpoint must be text"),
        (lambda: EventHooks(print).for_request(5), "request_id must be text, got 5"),
        (
            lambda: EventHooks(print, modle="m"),
            "Unknown fact 'modle'. Did you mean 'model'?",
        ),
        (lambda: HttpError("503"), "status must be a whole number, got '503'"),
        (lambda: ApiStatusError(None), "status must be a whole number, got None"),
        (
            lambda: SseParser(max_line_bytes="1"),
            "max_line_bytes must be a whole number, got '1'",
        ),
        (
            lambda: SseParser(max_event_bytes=1.5),
            "max_event_bytes must be a whole number, got 1.5",
        ),
        (
            lambda: connect_websocket("ws://x", idle_timeout_seconds="1"),
            "idle_timeout_seconds must be a number, got '1'",
        ),
        (
            lambda: connect_websocket("ws://x", idle_timeout_seconds=True),
            "idle_timeout_seconds must be a number, got True",
        ),
        (lambda: connect_websocket(5), "uri must be text, got 5"),
    ],
)
async def test_a_value_of_another_type_is_refused_by_its_name(
    make: Callable[[], object], refused: str
) -> None:
    with pytest.raises(TypeError) as raised:
        make()
    assert str(raised.value).startswith(refused)


async def test_a_stream_refuses_an_idle_time_that_is_no_number() -> None:
    wrong: Any = "1"
    with pytest.raises(TypeError, match=r"^idle_timeout_seconds must be a number"):
        await anext(read_sse(chunks(), idle_timeout_seconds=wrong))


@pytest.mark.parametrize(
    ("source", "until", "refused"),
    [
        (chunks, 5, r"until must be a list of texts, got 5"),
        (chunks, {"a"}, r"until must be a list of texts, got set"),
        (chunks, ["a", 5], r"until must be text, got 5"),
        (list, None, r"chunks must be asynchronous, .* got list"),
    ],
)
async def test_a_stream_refuses_what_is_no_stream_and_what_is_no_name(
    source: Callable[[], Any], until: Any, refused: str
) -> None:
    with pytest.raises(TypeError, match=f"^{refused}$"):
        await anext(read_sse(source(), until=until))


def test_facts_are_sorted_once_for_a_type_and_without_what_is_not_known() -> None:
    facts = KnownFacts({"endpoint": "/x", "model": None, "service_tier": "flex"})
    assert facts.of(ApiRequest) == {"endpoint": "/x"}
    assert facts.of(ApiRequest) is facts.of(ApiRequest)


def test_what_a_session_knows_is_taken_as_it_is_and_a_status_is_a_number() -> None:
    def emitter(event_type: Any, *, attributes: Any = None) -> Any:
        return print

    source: Any = type("Source", (), {"emitter": staticmethod(emitter)})
    session = Session(source, conversation_id="c", model="m").with_request("r-1")
    assert EventHooks(session).request_id == "r-1"
    error = HttpError(HTTPStatus.BAD_GATEWAY)
    assert (str(error), type(error.status)) == ("http 502", int)


async def make_later() -> str:
    raise AssertionError("nobody awaits it")


def send_now(request: object) -> Any:
    return request


async def send(request: object) -> object:
    return request


async def run(make_request: Any, send: Any, policy: Any = None) -> Any:
    policy = RetryPolicy() if policy is None else policy
    return await run_with_request_telemetry(policy, Seen(), make_request, send)


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (
            (make_later, send),
            r"make_request must be a plain function, not a coroutine",
        ),
        (
            (lambda: make_later(), send),
            r"make_request must be a plain function, not a coroutine",
        ),
        (
            (lambda: 5, send_now),
            r"send must be a coroutine function, it returned int",
        ),
        ((5, send), r"make_request must be a function, got int"),
        ((lambda: 5, None), r"send must be a function, got NoneType"),
        ((lambda: 5, send, 4), r"policy must be a RetryPolicy, got int"),
    ],
)
async def test_functions_of_the_wrong_sort_are_refused(
    arguments: tuple[Any, ...], refused: str
) -> None:
    with pytest.raises(TypeError, match=f"^{refused}$"):
        await run(*arguments)


async def test_a_request_of_a_client_s_own_that_can_be_awaited_is_one() -> None:
    class Request:
        def __await__(self) -> Any:
            return send(7).__await__()

    async def await_it(request: Request) -> object:
        return await request

    assert await run(Request, await_it) == 7
    assert await run(lambda: 5, send) == 5
