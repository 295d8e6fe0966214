"""What telemetry says of an error, and what a refusal's headers tell."""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import aiohttp
import httpx
import pytest
import websockets
from hypothesis import given
from hypothesis import strategies as st

from eventbus import EventBusError
from eventbus_schemas import hooks
from eventbus_schemas.hooks import (
    ApiError,
    ApiStatusError,
    BuildError,
    ContextWindowExceededError,
    CyberPolicyError,
    DebugContext,
    HttpError,
    IdleTimeoutError,
    InvalidRequestError,
    NetworkError,
    QuotaExceededError,
    RateLimitError,
    RequestTimeoutError,
    RetryableError,
    RetryLimitError,
    RetryPolicy,
    ServerOverloadedError,
    StreamError,
    TransportError,
    UsageNotIncludedError,
    debug_context,
    safe_text,
)
from eventbus_schemas.hooks._safe_text import error_type_of

SECRET = "sk-0123456789"
URL = f"https://user:{SECRET}@api.example/v1?key={SECRET}"
REFUSAL = HttpError(401, url=URL, headers={"x": SECRET}, body=f"no: {SECRET}")

TABLE = [
    (REFUSAL, "http 401", "http"),
    (RetryLimitError(SECRET), "retry limit reached", "retry_limit"),
    (RequestTimeoutError(SECRET), "timeout", "timeout"),
    (NetworkError("connection reset"), "connection reset", "network"),
    (BuildError("no such header"), "no such header", "build"),
    (StreamError("stream closed before x"), "stream closed before x", "stream"),
    (
        IdleTimeoutError("idle timeout waiting for SSE"),
        "idle timeout waiting for SSE",
        "stream",
    ),
    (ApiStatusError(400, SECRET), "api error 400", "api"),
    (
        ContextWindowExceededError(SECRET),
        "context window exceeded",
        "context_window_exceeded",
    ),
    (QuotaExceededError(SECRET), "quota exceeded", "quota_exceeded"),
    (UsageNotIncludedError(SECRET), "usage not included", "usage_not_included"),
    (RetryableError(SECRET, delay_seconds=2), "retryable error", "retryable"),
    (RateLimitError(SECRET), "rate limit", "rate_limit"),
    (InvalidRequestError(SECRET), "invalid request", "invalid_request"),
    (CyberPolicyError(SECRET), "cyber policy", "cyber_policy"),
    (ServerOverloadedError(SECRET), "server overloaded", "server_overloaded"),
]


def ids(value: object) -> str:
    return type(value).__name__ if isinstance(value, Exception) else ""


@pytest.mark.proves("A9")
@pytest.mark.parametrize(("error", "text", "kind"), TABLE, ids=ids)
def test_each_error_has_its_safe_text_and_kind(
    error: Exception, text: str, kind: str
) -> None:
    assert safe_text(error) == text
    assert error_type_of(error) == kind


@pytest.mark.proves("A9")
def test_every_public_error_is_in_the_table() -> None:
    public = {
        value
        for name in hooks.__all__
        if isinstance(value := getattr(hooks, name), type)
        and issubclass(value, ApiError)
    }
    assert {type(error) for error, _, _ in TABLE} == public - {ApiError, TransportError}


@pytest.mark.proves("A9")
@pytest.mark.parametrize("cls", [NetworkError, BuildError, StreamError])
def test_an_address_in_a_message_is_left_out(cls: type[ApiError]) -> None:
    assert safe_text(cls(f"cannot reach {URL} now")) == "cannot reach [url] now"
    assert len(safe_text(cls("x" * 10_000))) == 256
    assert "\n" not in safe_text(cls("a\nb"))


class Status(Exception):
    def __init__(self, status: object) -> None:
        super().__init__(SECRET)
        self.status = status


REQUEST = httpx.Request("GET", URL)


@pytest.mark.proves("A9")
@pytest.mark.parametrize(
    ("error", "text", "kind"),
    [
        (
            httpx.HTTPStatusError(
                SECRET, request=REQUEST, response=httpx.Response(503, text=SECRET)
            ),
            "http 503",
            "http",
        ),
        (httpx.ReadTimeout(SECRET), "timeout", "timeout"),
        (httpx.ConnectError(SECRET), "ConnectError", "network"),
        (httpx.RemoteProtocolError(SECRET), "RemoteProtocolError", "network"),
        (httpx.UnsupportedProtocol(SECRET), "UnsupportedProtocol", "build"),
        (httpx.InvalidURL(SECRET), "InvalidURL", "build"),
        (httpx.LocalProtocolError(SECRET), "LocalProtocolError", "build"),
        (aiohttp.ServerTimeoutError(SECRET), "timeout", "timeout"),
        (aiohttp.InvalidURL(SECRET), "InvalidURL", "build"),
        (aiohttp.ClientPayloadError(SECRET), "ClientPayloadError", "network"),
        (aiohttp.ServerDisconnectedError(SECRET), "ServerDisconnectedError", "network"),
        (websockets.InvalidURI(SECRET, SECRET), "InvalidURI", "build"),
        (websockets.InvalidMessage(SECRET), "InvalidMessage", "network"),
        (websockets.ConnectionClosedOK(None, None), "ConnectionClosedOK", "network"),
        (asyncio.IncompleteReadError(b"", 5), "IncompleteReadError", "network"),
        (TimeoutError(SECRET), "timeout", "timeout"),
        (ConnectionRefusedError(SECRET), "ConnectionRefusedError", "network"),
        (Status(418), "http 418", "http"),
        (Status(0), "Status", "other"),
        (Status("500"), "Status", "other"),
        (ValueError(SECRET), "ValueError", "other"),
        (ApiError(SECRET), "ApiError", "other"),
    ],
    ids=ids,
)
def test_an_error_of_a_client_is_told_by_its_meaning_and_never_by_its_text(
    error: Exception, text: str, kind: str
) -> None:
    assert safe_text(error) == text
    assert error_type_of(error) == kind


@pytest.mark.proves("A6", "A9")
@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("ReadTimeout", "timeout", "timeout"),
        ("ConnectTimeout", "timeout", "timeout"),
        ("ConnectionError", "ConnectionError", "network"),
        ("exceptions.SSLError", "SSLError", "network"),
        ("exceptions.ChunkedEncodingError", "ChunkedEncodingError", "network"),
        ("exceptions.MissingSchema", "MissingSchema", "build"),
        ("exceptions.InvalidSchema", "InvalidSchema", "build"),
        ("exceptions.InvalidURL", "InvalidURL", "build"),
        ("exceptions.InvalidHeader", "InvalidHeader", "build"),
        ("TooManyRedirects", "TooManyRedirects", "other"),
        ("exceptions.ContentDecodingError", "ContentDecodingError", "other"),
    ],
)
def test_an_error_of_requests_is_more_than_one_of_the_operating_system(
    name: str, text: str, kind: str
) -> None:
    requests = pytest.importorskip("requests")
    error = attrgetter(name)(requests)(SECRET)
    assert (safe_text(error), error_type_of(error)) == (text, kind)
    again = RetryPolicy().retries(error, attempt=0)
    assert again is (kind in {"network", "timeout"})


@pytest.mark.proves("A6", "A9")
@pytest.mark.parametrize(
    "cls",
    [
        FileNotFoundError,
        FileExistsError,
        IsADirectoryError,
        NotADirectoryError,
        PermissionError,
        ChildProcessError,
        ProcessLookupError,
    ],
)
def test_what_fails_with_a_file_or_a_process_is_no_network_error(
    cls: type[Exception],
) -> None:
    assert error_type_of(cls(SECRET)) == "other"
    assert safe_text(cls(SECRET)) == cls.__name__
    assert not RetryPolicy().retries(cls(SECRET), attempt=0)


def test_a_long_message_is_read_no_further_than_it_may_be_told() -> None:
    assert safe_text(StreamError(f"https://{'a' * 5_000} tail")) == "[url]"
    assert safe_text(StreamError(f"https://{'a' * 3_000} tail")) == "[url] tail"


def test_an_error_whose_attributes_raise_is_told_all_the_same() -> None:
    class Odd(Exception):
        @property
        def status(self) -> int:
            raise RuntimeError

        response = status_code = status

    assert safe_text(Odd()) == "Odd"


@pytest.mark.proves("A9")
def test_neither_text_nor_repr_of_a_refusal_shows_body_or_address() -> None:
    assert SECRET not in f"{REFUSAL} {REFUSAL!r}"
    assert REFUSAL.body is not None
    assert REFUSAL.url == URL


@pytest.mark.parametrize("error", [error for error, _, _ in TABLE], ids=ids)
def test_an_error_survives_a_trip_to_another_process(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_errors_are_those_that_callers_expect() -> None:
    assert issubclass(ApiError, EventBusError)
    assert issubclass(RequestTimeoutError, TimeoutError)
    assert issubclass(IdleTimeoutError, TimeoutError)
    assert issubclass(NetworkError, ConnectionError)
    assert issubclass(BuildError, ValueError)


def code(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


CODE = code({"error": {"code": "token_expired"}})


@pytest.mark.proves("A10")
@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (
            {
                "x-request-id": "r1",
                "x-oai-request-id": "r2",
                "cf-ray": "ray",
                "x-openai-authorization-error": "missing",
                "x-error-json": CODE,
            },
            DebugContext("r1", "ray", "missing", "token_expired"),
        ),
        ({"X-OAI-Request-Id": "r2"}, DebugContext("r2")),
        ({"CF-Ray": "ray"}, DebugContext(cf_ray="ray")),
        ({}, DebugContext()),
        ({"x-error-json": "%%% no base64"}, DebugContext()),
        ({"x-error-json": f"!{CODE}"}, DebugContext()),
        ({"x-error-json": "e30"}, DebugContext()),  # its padding is missing
        ({"x-error-json": base64.b64encode(b"{no json").decode()}, DebugContext()),
        ({"x-error-json": code({"error": "text"})}, DebugContext()),
        (
            {"x-error-json": base64.b64encode(b'{"x":' + b"[" * 9_999).decode()},
            DebugContext(),
        ),
        ({"x-error-json": code({"error": {"code": 5}})}, DebugContext()),
        ({"x-error-json": code({"error": {}})}, DebugContext()),
        ({"x-error-json": "é"}, DebugContext()),
        ({"x-error-json": ""}, DebugContext()),
        ({"x-request-id": "", "x-oai-request-id": "r2"}, DebugContext("r2")),
        ({"x-request-id": " ", "cf-ray": ""}, DebugContext()),
        ({"x-error-json": code({"error": {"code": ""}})}, DebugContext()),
        (
            {"cf-ray": "y" * 300, "x-error-json": code({"error": {"code": "a\nb"}})},
            DebugContext(cf_ray="y" * 256, auth_error_code="a b"),
        ),
    ],
)
def test_headers_of_a_refusal_tell_what_they_can(
    headers: Mapping[str, str], told: DebugContext
) -> None:
    assert debug_context(HttpError(401, headers=headers)) == told
    response = httpx.Response(401, headers=httpx.Headers(headers, encoding="utf-8"))
    refused = httpx.HTTPStatusError("", request=REQUEST, response=response)
    assert debug_context(refused) == told


@pytest.mark.proves("A10")
def test_headers_are_those_of_the_error_or_of_its_response() -> None:
    class OfResponse(Exception):
        status_code = 401
        response = httpx.Response(401, headers={"X-Request-Id": "r1"})

    class Both(OfResponse):
        headers = {"x-request-id": "r2"}  # noqa: RUF012 - as a client has it

    assert debug_context(OfResponse()).request_id == "r1"
    assert debug_context(Both()).request_id == "r2"


@pytest.mark.proves("A10")
def test_headers_that_are_no_text_tell_nothing() -> None:
    headers: Any = {b"x-request-id": b"r1", "x-oai-request-id": 5, "cf-ray": "ray"}
    assert debug_context(HttpError(401, headers=headers)) == DebugContext(cf_ray="ray")
    headers = [("x-request-id", "r1")]
    assert debug_context(HttpError(401, headers=headers)) == DebugContext()


@pytest.mark.proves("A10")
@pytest.mark.parametrize(
    "error", [None, HttpError(500), NetworkError("x"), ValueError("x")], ids=repr
)
def test_nothing_is_told_without_the_headers_of_a_refusal(
    error: Exception | None,
) -> None:
    assert debug_context(error) == DebugContext()


@pytest.mark.proves("A10")
@given(st.text() | st.binary().map(lambda b: base64.b64encode(b).decode()))
def test_no_header_whatever_raises(text: str) -> None:
    context = debug_context(HttpError(401, headers={"x-error-json": text}))
    assert context.auth_error_code is None or isinstance(context.auth_error_code, str)
