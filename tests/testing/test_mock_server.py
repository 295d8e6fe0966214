"""What a mock server answers, what it records, and that wrong use of it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import msgspec
import pytest

from eventbus.testing import (
    Gate,
    ManualClock,
    MockAnswer,
    MockServer,
    RecordedRequest,
    responses,
    settled,
)

PATH = "/v1/responses"
HELLO: dict[str, Any] = {"input": [responses.user_message_item("hello")]}
OK = MockAnswer(body="ok")


@pytest.fixture
async def client() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def post(
    client: aiohttp.ClientSession,
    server: MockServer,
    body: object = HELLO,
    path: str = PATH,
    **headers: str,
) -> tuple[int, str]:
    data = msgspec.json.encode(body)
    async with client.post(server.url + path, data=data, headers=headers) as answer:
        return answer.status, await answer.text()


@pytest.mark.proves("L2")
async def test_a_stream_is_answered_once_and_recorded(
    client: aiohttp.ClientSession,
) -> None:
    body = responses.sse([responses.ev_completed("r1")])
    async with MockServer() as server:
        recorder = responses.mount_sse_once(server, body)
        url = f"{server.url}{PATH}?model=gpt&empty="
        async with client.post(url, json=HELLO, headers={"X-Turn": "7"}) as answer:
            assert answer.status == 200
            assert answer.headers["content-type"] == "text/event-stream"
            assert await answer.text() == body
    request = recorder.single_request()
    assert recorder.last_request() is request
    assert (request.method, request.path) == ("POST", PATH)
    assert request.query_param("model") == "gpt"
    assert request.query_param("empty") == ""
    assert request.query_param("none") is None
    assert request.header("x-turn") == request.header("X-TURN") == "7"
    assert request.header("x-none") is None
    assert request.body_json() == HELLO
    assert request.message_input_texts("user") == ["hello"]


@pytest.mark.proves("L2")
async def test_a_request_too_many_is_not_answered_and_fails_the_test(
    client: aiohttp.ClientSession,
) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(MockServer())
        server.once(PATH, OK)
        assert await post(client, server) == (200, "ok")
        assert (await post(client, server))[0] == 404
        with pytest.raises(AssertionError) as caught:
            await stack.aclose()
    assert str(caught.value) == (
        "MockServer: 1 problem(s)\n"
        f"  POST {PATH}: no mount took it (POST {PATH}: already answered 1 of 1): "
        f"{msgspec.json.encode(HELLO).decode()}"
    )


@pytest.mark.proves("L2")
async def test_a_request_too_few_fails_the_test_with_route_expected_and_seen(
    client: aiohttp.ClientSession,
) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(MockServer())
        server.once(PATH, OK)
        server.sequence("/a", OK, OK, OK)
        server.mount("/b", OK, method="GET", at_least=2, at_most=5)
        await post(client, server, path="/a")
        with pytest.raises(AssertionError) as caught:
            await stack.aclose()
    assert str(caught.value) == (
        "MockServer: 3 problem(s)\n"
        f"  POST {PATH}: expected 1 request(s), got 0\n"
        "  POST /a: expected 3 request(s), got 1\n"
        "  GET /b: expected at least 2 request(s), got 0\n"
        "  what came, 1 request(s):\n"
        f"    POST /a: taken by POST /a (POST {PATH}: other path)"
    )


@pytest.mark.proves("L2")
async def test_a_request_that_nothing_is_mounted_for_fails_the_test(
    client: aiohttp.ClientSession,
) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(MockServer())
        assert (await post(client, server, path="/v2"))[0] == 404
        with pytest.raises(
            AssertionError, match=r"no mount took it \(nothing is mounted"
        ):
            await stack.aclose()


@pytest.mark.proves("L2")
async def test_a_matcher_chooses_among_mounts_of_one_path(
    client: aiohttp.ClientSession,
) -> None:
    def says(text: str) -> Any:
        return lambda request: text in request.message_input_texts("user")

    async with MockServer() as server:
        bye = server.once(PATH, MockAnswer(body="bye"), match=says("bye"))
        hello = server.once(PATH, MockAnswer(body="hello"), match=says("hello"))
        assert await post(client, server) == (200, "hello")
        other = {"input": [responses.user_message_item("bye")]}
        assert await post(client, server, other) == (200, "bye")
    assert bye.single_request().body_json() == other
    assert hello.single_request().body_json() == HELLO


@pytest.mark.proves("L2")
async def test_a_matcher_that_says_no_leaves_the_request_to_nobody(
    client: aiohttp.ClientSession,
) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(MockServer())
        stream = responses.sse_completed("r")
        responses.mount_sse_once_match(server, lambda _: False, stream)
        await post(client, server)
        with pytest.raises(AssertionError, match="its matcher said no"):
            await stack.aclose()


@pytest.mark.proves("L2")
async def test_once_with_a_matcher_need_not_be_called() -> None:
    async with MockServer() as server:
        recorder = responses.mount_sse_once_match(server, lambda _: True, "")
    assert recorder.requests == []


async def test_a_matcher_that_raises_fails_the_test(
    client: aiohttp.ClientSession,
) -> None:
    def broken(_: RecordedRequest) -> bool:
        raise KeyError("nothing")

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(MockServer())
        server.any_number("*/responses", OK, match=broken)
        assert (await post(client, server))[0] == 500
        told = r"POST /v1/responses: the matcher of POST \*/responses raised KeyError"
        with pytest.raises(AssertionError, match=told):
            await stack.aclose()


async def test_a_request_whose_matcher_raised_is_among_what_came(
    client: aiohttp.ClientSession,
) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(MockServer())
        server.once(PATH, OK, match=lambda request: request.body_json()["none"])
        await post(client, server)
        with pytest.raises(AssertionError) as caught:
            await stack.aclose()
    assert str(caught.value).splitlines()[-2:] == [
        "  what came, 1 request(s):",
        f"    POST {PATH}: the matcher of POST {PATH} raised",
    ]


@pytest.mark.proves("L2")
async def test_any_number_of_requests_includes_none(
    client: aiohttp.ClientSession,
) -> None:
    async with MockServer() as server:
        idle = responses.mount_sse(server, responses.sse_completed("r1"))
    assert idle.requests == []
    async with MockServer() as server:
        recorder = responses.mount_sse(server, "")
        for _ in range(3):
            assert (await post(client, server))[0] == 200
    assert len(recorder.requests) == len(server.requests) == 3


@pytest.mark.proves("L2")
async def test_a_sequence_answers_each_call_with_its_own(
    client: aiohttp.ClientSession,
) -> None:
    async with MockServer() as server:
        responses.mount_sse_sequence(server, ["a", "b"])
        assert [(await post(client, server))[1] for _ in range(2)] == ["a", "b"]


@pytest.mark.proves("L2")
async def test_a_sequence_has_nothing_for_a_call_too_many(
    client: aiohttp.ClientSession,
) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(MockServer())
        responses.mount_sse_sequence(server, ["a", "b"])
        statuses = [(await post(client, server))[0] for _ in range(3)]
        assert statuses == [200, 200, 404]
        with pytest.raises(AssertionError, match="already answered 2 of 2"):
            await stack.aclose()


def test_a_mount_without_an_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="a mount needs an answer, got none for POST"):
        MockServer().sequence(PATH)


@pytest.mark.proves("L2")
async def test_a_recorder_refuses_what_was_not_there(
    client: aiohttp.ClientSession,
) -> None:
    async with MockServer() as server:
        recorder = server.any_number(PATH, OK)
        with pytest.raises(AssertionError, match=f"expected 1 request to POST {PATH}"):
            recorder.single_request()
        with pytest.raises(AssertionError, match=r"a request to .*, got none"):
            recorder.last_request()
        await post(client, server)
        await post(client, server)
        with pytest.raises(AssertionError, match=r"expected 1 request to .*, got 2"):
            recorder.single_request()


async def test_an_error_of_the_block_gets_what_is_wrong_as_a_note() -> None:
    async def block() -> None:
        async with MockServer() as server:
            server.once(PATH, OK)
            raise KeyError("mine")

    with pytest.raises(KeyError) as caught:
        await block()
    assert "expected 1 request(s), got 0" in caught.value.__notes__[0]


@pytest.mark.proves("L2")
async def test_the_calls_and_outputs_of_a_conversation_are_found(
    client: aiohttp.ClientSession,
) -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c1", "output": "42"}
    second = {"input": [*HELLO["input"], call, output]}
    async with MockServer() as server:
        mocks = responses.mount_function_call_agent_response(server, "c1", "{}", "f")
        assert '"call_id":"c1"' in (await post(client, server))[1]
        assert "done" in (await post(client, server, second))[1]
    assert not mocks.function_call.saw_function_call("c1")
    assert mocks.function_call.function_call_output_text("c1") is None
    assert mocks.completion.saw_function_call("c1")
    assert mocks.completion.function_call_output_text("c1") == "42"
    request = mocks.completion.single_request()
    assert request.inputs_of_type("function_call") == [call]
    assert request.function_call_output("c1") == output
    with pytest.raises(AssertionError, match="no function_call_output for call 'c2'"):
        request.function_call_output("c2")


async def test_a_delay_is_of_the_servers_clock(client: aiohttp.ClientSession) -> None:
    clock = ManualClock()
    async with MockServer(clock=clock) as server:
        recorder = server.once(PATH, MockAnswer(body="late", delay_seconds=0.5))
        answer = asyncio.ensure_future(post(client, server))
        await recorder.wait_for_requests()
        await settled()
        clock.advance(0.4)
        await settled()
        assert not answer.done()
        clock.advance(0.1)
        assert await answer == (200, "late")


async def test_a_gate_holds_an_answer_back(client: aiohttp.ClientSession) -> None:
    gate = Gate()
    async with MockServer() as server:
        server.once(PATH, MockAnswer(body="late", gate=gate))
        answer = asyncio.ensure_future(post(client, server))
        await gate.reached()
        await settled()
        assert not answer.done()
        gate.open()
        assert await answer == (200, "late")


async def test_the_end_of_the_block_cuts_off_what_is_held_back(
    client: aiohttp.ClientSession,
) -> None:
    gate = Gate()
    async with MockServer() as server:
        server.once(PATH, MockAnswer(gate=gate))
        answer = asyncio.ensure_future(post(client, server))
        await gate.reached()
    with pytest.raises(aiohttp.ClientError):
        await answer


async def test_models_are_listed_with_an_etag_before_the_empty_list(
    client: aiohttp.ClientSession,
) -> None:
    async with responses.start_mock_server() as server:
        responses.mount_models_once(server, [{"slug": "m"}], etag='"1"')
        async with client.get(f"{server.url}/v1/models") as answer:
            assert answer.headers["etag"] == '"1"'
            assert await answer.json() == {"models": [{"slug": "m"}]}
        async with client.get(f"{server.url}/v1/models") as answer:
            assert await answer.json() == {"models": []}


async def test_answers_of_ones_own_are_mounted(client: aiohttp.ClientSession) -> None:
    busy = MockAnswer(status=429, headers={"retry-after": "1"})
    async with MockServer() as server:
        responses.mount_response_once_match(server, lambda r: r.header("x-a"), OK)
        responses.mount_response_once(server, busy)
        responses.mount_response_sequence(server, [busy, OK])
        statuses = [(await post(client, server))[0] for _ in range(3)]
    assert statuses == [429, 429, 200]


def test_a_negative_delay_is_refused() -> None:
    with pytest.raises(ValueError, match="delay_seconds must be >= 0, got -1"):
        MockAnswer(delay_seconds=-1)


def test_a_server_has_no_url_outside_its_block() -> None:
    with pytest.raises(RuntimeError, match="MockServer has a url only in its `async"):
        _ = MockServer().url


async def test_what_nobody_took_is_shown_up_to_a_bound(
    client: aiohttp.ClientSession,
) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            MockServer(max_shown_chars=5, invariants=None)
        )
        for length in (10, 4, 3):
            await post(client, server, "a" * length)
        with pytest.raises(AssertionError) as caught:
            await stack.aclose()
    ends = [line.rpartition("): ")[2] for line in str(caught.value).splitlines()[1:]]
    assert ends == ['"aaaa… (7 more)', '"aaaa… (1 more)', '"aaa"']


async def test_many_problems_are_counted_and_the_first_are_told(
    client: aiohttp.ClientSession,
) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(MockServer())
        for _ in range(22):
            await post(client, server)
        with pytest.raises(AssertionError) as caught:
            await stack.aclose()
    lines = str(caught.value).splitlines()
    assert lines[0] == "MockServer: 22 problem(s)"
    assert lines[-1] == "  and 2 more"
    assert len(lines) == 22
