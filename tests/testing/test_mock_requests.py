"""What can be asked about a recorded request, and what must hold of every one."""

from __future__ import annotations

import gzip
import sys
import zlib
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import msgspec
import pytest

from eventbus import PluginError
from eventbus.testing import (
    MockAnswer,
    MockServer,
    RecordedRequest,
    RequestRecorder,
    responses,
)
from eventbus.testing._decoded import decoded
from eventbus.testing._mock_invariants import call_invariants

PATH = "/v1/responses"


def request_of(body: object, **headers: str) -> RecordedRequest:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RecordedRequest("POST", PATH, named, data)


def zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.compress(data)


@pytest.mark.proves("L2")
@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", zstd),
        ("identity", bytes),
        ("gzip, zstd", lambda data: zstd(gzip.compress(data))),
    ],
)
async def test_a_compressed_body_is_read_over_the_wire(
    encoding: str, compress: Any
) -> None:
    value = {"input": [], "n": 1}
    body = compress(msgspec.json.encode(value))
    async with MockServer() as server, aiohttp.ClientSession() as client:
        recorder = server.once(PATH, MockAnswer())
        headers = {"content-encoding": encoding}
        async with client.post(server.url + PATH, data=body, headers=headers) as answer:
            assert answer.status == 200
    request = recorder.single_request()
    assert request.raw_body == body
    assert request.body_json() == value


@pytest.mark.parametrize(
    ("encoding", "body", "words"),
    [
        ("br", b"x", "content-encoding must be one of gzip, deflate, zstd, got 'br'"),
        ("gzip", b"plain", "not compressed as it says"),
        ("zstd", b"plain", "not compressed as it says"),
        ("gzip", gzip.compress(b"a" * 1000)[:-9], "the compressed body breaks off"),
        ("zstd", zstd(b"abc" * 1000)[:-4], "the compressed body breaks off"),
    ],
    ids=["unknown", "no gzip", "no zstd", "half a gzip", "half a zstd"],
)
def test_a_body_that_is_not_what_it_says_is_refused(
    encoding: str, body: bytes, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        decoded(body, encoding)


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", zlib.compress), ("zstd", zstd)]
)
def test_a_body_that_grows_without_end_is_refused(
    encoding: str, compress: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventbus.testing._decoded.MAX_BODY_BYTES", 1000)
    assert decoded(compress(b"a" * 1000), encoding) == b"a" * 1000
    with pytest.raises(ValueError, match="a body must have at most 1000 bytes"):
        decoded(compress(b"a" * 1001), encoding)


async def test_a_body_over_the_bound_is_not_read_and_fails_the_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("eventbus.testing._answering.MAX_BODY_BYTES", 1000)
    with pytest.raises(AssertionError, match="a body of more than 1000 bytes came"):
        await send(b"a" * 1001, status=413)


def test_zstd_without_a_reader_of_it_is_one_clear_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    body = zstd(b"{}")
    monkeypatch.setitem(sys.modules, home, None)
    with pytest.raises(PluginError) as caught:
        _ = request_of(body, content_encoding="zstd").body
    assert str(caught.value) == (
        f"a zstd body needs {home}, which is not installed. "
        "Try: pip install 'eventbus[testing]'"
    )


def test_messages_are_found_by_role() -> None:
    def message(role: str, *parts: dict[str, str]) -> dict[str, Any]:
        return {"type": "message", "role": role, "content": list(parts)}

    def text(value: str) -> dict[str, str]:
        return {"type": "input_text", "text": value}

    image = {"type": "input_image", "image_url": "data:x"}
    said = request_of(
        {
            "input": [
                message("user", text("a"), text("b")),
                message("developer", text("rules")),
                message("user", image, text("c")),
            ]
        }
    )
    assert said.message_input_texts("user") == ["a", "b", "c"]
    assert said.message_input_text_groups("user") == [["a", "b"], ["c"]]
    assert said.message_input_image_urls("user") == ["data:x"]
    assert said.message_input_texts("system") == []
    assert len(said.inputs_of_type("message")) == len(said.input()) == 3


def test_tools_and_instructions_are_found() -> None:
    said = request_of({"tools": [{"name": "a"}, {"name": "b"}], "instructions": "be"})
    assert said.tool_by_name("b") == {"name": "b"}
    assert said.tool_by_name("c") is None
    assert said.instructions_text() == "be"
    assert said.body_contains_text("be")
    with pytest.raises(AssertionError, match="no input list in <RecordedRequest POST"):
        said.input()
    with pytest.raises(AssertionError, match="no instructions in"):
        request_of({}).instructions_text()


def test_text_is_found_as_json_writes_it() -> None:
    assert request_of({"a": 'x\n"y"'}).body_contains_text('x\n"y"')
    assert not request_of({"a": "x"}).body_contains_text("y")


@pytest.mark.parametrize(
    ("output", "content", "success"),
    [
        ("42", "42", None),
        ({"content": "42", "success": False}, "42", False),
        ([{"type": "input_text", "text": "4"}, {"text": "2"}, {}], "4\n2", None),
        ([], None, None),
        (None, None, None),
    ],
)
def test_the_text_and_success_of_an_output_are_found(
    output: object, content: str | None, success: bool | None
) -> None:
    said = request_of(
        {
            "input": [
                {"type": "function_call_output", "call_id": "a", "output": output},
                {"type": "custom_tool_call_output", "call_id": "b", "output": output},
                {"type": "tool_search_output", "call_id": "c", "output": output},
            ]
        }
    )
    told = (content, success)
    assert said.function_call_output_content_and_success("a") == told
    assert said.custom_tool_call_output_content_and_success("b") == told
    assert said.function_call_output_text("a") == content
    assert said.tool_search_output("c")["output"] == output


def call(kind: str, call_id: str | None = "c1", **more: object) -> dict[str, object]:
    return {"type": kind, **({} if call_id is None else {"call_id": call_id}), **more}


WRONG = [
    ([call("function_call")], "function_call 'c1' has no function_call_output"),
    ([call("local_shell_call")], "local_shell_call 'c1' has no function_call_output"),
    (
        [call("custom_tool_call")],
        "custom_tool_call 'c1' has no custom_tool_call_output",
    ),
    ([call("tool_search_call")], "tool_search_call 'c1' has no tool_search_output"),
    ([call("function_call_output")], "function_call_output 'c1' has no call"),
    ([call("custom_tool_call_output")], "custom_tool_call_output 'c1' has no call"),
    ([call("tool_search_output")], "tool_search_output 'c1' has no call"),
    ([call("function_call_output", None)], "a function_call_output has no call_id"),
    ([call("custom_tool_call_output", "")], "a custom_tool_call_output has no call_id"),
    ([call("tool_search_output", None)], "a tool_search_output has no call_id"),
    (
        [call("function_call"), call("custom_tool_call_output")],
        "function_call 'c1' has no function_call_output",
    ),
]
WRONG += [
    ([call("function_call", None)], "a function_call has no call_id"),
    ([call("local_shell_call", "")], "a local_shell_call has no call_id"),
    ([{"type": "function_call", "call_id": {}}], "a function_call has no call_id"),
    ([{"type": "function_call_output", "call_id": 7}], "a function_call_output has no"),
    (
        [call("function_call", execution="server")],
        "function_call 'c1' has no function_call_output",
    ),
    (
        [call("function_call_output", execution="server")],
        "function_call_output 'c1' has no call",
    ),
]
WRONG += [
    (
        [call("function_call"), call("function_call_output"), call("function_call")],
        "function_call 'c1' has no function_call_output",
    ),
    (
        [call("function_call_output"), call("function_call")],
        "function_call_output 'c1' comes before its call",
    ),
    (
        [
            call("function_call"),
            call("function_call_output"),
            call("function_call_output"),
        ],
        "function_call_output 'c1' comes again, for one call",
    ),
]
RIGHT = [
    [],
    [call("function_call"), call("function_call_output")],
    [call("local_shell_call"), call("function_call_output")],
    [call("custom_tool_call"), call("custom_tool_call_output")],
    [call("tool_search_call"), call("tool_search_output")],
    [call("tool_search_call", "s", execution="server")],
    [call("tool_search_output", None, execution="server")],
    [responses.user_message_item("hi")],
    [1, "text", None, [], {}],
]


@pytest.mark.proves("L3")
@pytest.mark.parametrize(("items", "words"), WRONG)
async def test_every_captured_request_has_its_calls_and_outputs_together(
    items: list[object], words: str
) -> None:
    with pytest.raises(AssertionError, match=f"POST {PATH}: {words}"):
        await send({"input": items})


@pytest.mark.proves("L3")
@pytest.mark.parametrize("items", RIGHT)
async def test_calls_with_their_outputs_and_searches_of_the_server_are_fine(
    items: list[object],
) -> None:
    assert await send({"input": items}) == 1


@pytest.mark.proves("L3")
@pytest.mark.parametrize("body", [{}, {"input": "hello"}, [1]])
async def test_a_request_to_a_model_has_an_input_list(body: object) -> None:
    with pytest.raises(AssertionError, match="there is no input list in the body"):
        await send(body)


@pytest.mark.proves("L3")
async def test_a_request_that_nothing_is_mounted_for_is_checked_too() -> None:
    with pytest.raises(AssertionError, match="no input list"):
        await send({}, mounted="/elsewhere", status=404)


async def test_other_requests_are_let_alone() -> None:
    assert await send({}, path="/v1/memories") == 1
    assert await send(b"no json") == 1


async def test_invariants_of_ones_own_are_checked_instead() -> None:
    with pytest.raises(AssertionError, match="a request named x"):
        await send({}, MockServer(invariants=lambda _: iter(["a request named x"])))
    assert await send({}, MockServer(invariants=None)) == 1


async def send(
    body: object,
    server: MockServer | None = None,
    *,
    path: str = PATH,
    mounted: str = "*",
    status: int = 200,
) -> int:
    """Send *body* to a server, and return how many requests it answered."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    async with server or MockServer() as server, aiohttp.ClientSession() as client:
        recorder = server.any_number(mounted, MockAnswer())
        async with client.post(server.url + path, data=data) as answer:
            assert answer.status == status
    return len(recorder.requests)


@pytest.mark.proves("L3")
def test_only_what_is_posted_to_a_model_is_checked() -> None:
    body = msgspec.json.encode({"input": [call("function_call")]})
    for method, path, count in (
        ("POST", PATH, 1),
        ("GET", PATH, 0),
        ("POST", f"{PATH}/compact", 0),
    ):
        request = RecordedRequest(method, path, {}, body)
        assert len(list(call_invariants(request))) == count


@pytest.mark.proves("L3")
async def test_a_body_that_cannot_be_read_is_told_and_answered_nevertheless() -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(MockServer())
        client = await stack.enter_async_context(aiohttp.ClientSession())
        server.any_number("/v1/*", MockAnswer())
        headers = {"content-encoding": "br"}
        for path in (PATH, "/elsewhere"):
            await client.post(server.url + path, data=b"plain", headers=headers)
        with pytest.raises(AssertionError) as caught:
            await stack.aclose()
    broken, unmatched = str(caught.value).splitlines()[1:]
    reason = "content-encoding must be one of gzip, deflate, zstd, got 'br'"
    assert broken == f'  POST {PATH}: ValueError("{reason}")'
    assert unmatched.endswith(f"(POST /v1/*: other path): <5 bytes: {reason}>")


@pytest.mark.proves("L2")
@pytest.mark.parametrize(
    "body",
    [b"no json", [1], {"input": "hello"}, {"input": [1, {"type": []}], "tools": 3}, {}],
    ids=str,
)
def test_a_body_of_any_shape_can_be_asked(body: object) -> None:
    request = request_of(body)
    assert request.inputs_of_type("message") == []
    assert request.message_input_texts("user") == []
    assert request.message_input_image_urls("user") == []
    assert not request.has_function_call("c1")
    assert request.function_call_output_text("c1") is None
    recorder = RequestRecorder("POST /")
    recorder.record(request)
    assert not recorder.saw_function_call("c1")
    assert recorder.function_call_output_text("c1") is None
    if body != b"no json":
        assert request.tool_by_name("a") is None
        with pytest.raises(AssertionError, match="no instructions in"):
            request.instructions_text()


def test_messages_are_found_in_their_short_forms_and_with_broken_parts() -> None:
    said = request_of(
        {
            "input": [
                {"role": "user", "content": "a"},
                {"type": "message", "role": "user", "content": "b"},
                {"type": "other", "role": "user", "content": "c"},
                {
                    "role": "user",
                    "content": [
                        5,
                        {"type": "input_text"},
                        {"type": "input_image"},
                        {"type": "input_text", "text": "d"},
                    ],
                },
                {"role": "user", "content": None},
            ]
        }
    )
    assert said.message_input_text_groups("user") == [["a"], ["b"], ["d"], []]
    assert said.message_input_image_urls("user") == []


@pytest.mark.proves("L2")
def test_of_several_requests_the_last_is_the_last_and_the_first_answer_counts() -> None:
    output = {"type": "function_call_output", "call_id": "c1"}
    requests = [
        request_of({"input": items})
        for items in ([], [{**output, "output": "1"}], [{**output, "output": "2"}])
    ]
    recorder = RequestRecorder("POST /")
    for request in requests:
        recorder.record(request)
    assert recorder.last_request() is requests[2]
    assert recorder.function_call_output_text("c1") == "1"
