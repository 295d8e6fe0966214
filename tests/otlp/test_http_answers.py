"""What the answers of a far side over HTTP mean for the batch."""

from __future__ import annotations

import errno
import json
import logging
from typing import Any

import aiohttp
import pytest

from eventbus import Refused, TooLarge, Unavailable
from eventbus.testing import OtlpCollector, replies
from eventbus.testing._otlp_request import JSON_TYPE, PROTOBUF_TYPE
from eventbus_otlp._http_answer import no_answer
from tests.otlp._sinks import open_sink, pings

PAGE = b"<html><body>Please log in to use this network.</body></html>"


async def meaning(answer: replies.Reply, **settings: Any) -> Exception:
    """Return what is raised for *answer* to a batch of five."""
    async with (
        OtlpCollector(answer, answer) as server,
        open_sink(server.url, **settings) as sink,
    ):
        with pytest.raises((Unavailable, Refused, TooLarge)) as caught:
            await sink.write(pings(*range(5)))
    assert len(server.requests) == 1
    return caught.value


async def outcome(answer: replies.Reply, **settings: Any) -> Any:
    """Return what ``write`` does for *answer* to a batch of five."""
    async with (
        OtlpCollector(answer) as server,
        open_sink(server.url, **settings) as sink,
    ):
        return await sink.write(pings(*range(5)))


@pytest.mark.proves("G9", "fault-62")
@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_what_may_work_later_is_tried_again(status: int) -> None:
    error = await meaning(replies.http(status, PAGE, content_type="text/html"))
    assert isinstance(error, Unavailable)
    assert error.retry_after_seconds is None


@pytest.mark.proves("fault-62")
@pytest.mark.parametrize(
    "status",
    [300, 304, 402, 403, 404, 405, 408, 415, 422, 425, 500, 501, 505],
)
async def test_what_will_never_work_is_refused(status: int) -> None:
    error = await meaning(replies.http(status))
    assert isinstance(error, Refused)
    assert not error.permanent
    assert str(status) in str(error)


@pytest.mark.proves("fault-62")
@pytest.mark.parametrize("status", [408, 425, 500])
async def test_a_far_side_may_have_more_statuses_to_try_again(status: int) -> None:
    error = await meaning(replies.http(status), retry_statuses=(408, 425, 500))
    assert isinstance(error, Unavailable)


@pytest.mark.proves("fault-62")
@pytest.mark.parametrize("status", [200, 202, 204])
async def test_every_success_is_one(status: int) -> None:
    assert await outcome(replies.http(status, content_type=None)) is None


@pytest.mark.proves("fault-62")
async def test_what_comes_before_the_answer_is_none() -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"

    async def answer(exchange: replies.Exchange) -> None:
        exchange.connection.write(early)
        await replies.ok(exchange)

    assert await outcome(answer) is None


@pytest.mark.parametrize("status", [401, 407])
async def test_wrong_credentials_are_the_end(status: int) -> None:
    error = await meaning(replies.http(status))
    assert isinstance(error, Refused)
    assert error.permanent


@pytest.mark.proves("fault-64")
async def test_what_is_too_large_is_to_be_split() -> None:
    assert isinstance(await meaning(replies.http(413)), TooLarge)


@pytest.mark.proves("G9")
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("Retry-After", "7")], 7.0),
        ([("Retry-After", "abc")], None),
        ([("Retry-After", "7"), ("Retry-After", "8")], None),
        (
            [
                ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                ("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT"),
            ],
            60.0,
        ),
    ],
)
async def test_the_wish_of_the_far_side_is_passed_on(
    headers: list[tuple[str, str]], seconds: float | None
) -> None:
    error = await meaning(replies.http(503, b"", *headers))
    assert isinstance(error, Unavailable)
    assert error.retry_after_seconds == seconds


@pytest.mark.proves("G10", "fault-63")
@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
async def test_as_many_records_are_rejected_as_the_far_side_refused(
    protocol: Any,
) -> None:
    words = "too old\n\x1b[31m" + "x" * 1000
    answer = replies.took(3, words)
    if protocol == "http/json":
        partial = {"rejectedLogRecords": "3", "errorMessage": words}
        body = json.dumps({"partialSuccess": partial}).encode()
        answer = replies.http(200, body, content_type=f"{JSON_TYPE}; charset=utf-8")
    told = await outcome(answer, protocol=protocol)
    assert [place for place, _ in told.rejected] == [2, 3, 4]
    (reason,) = {reason for _, reason in told.rejected}
    assert reason.startswith(
        "the far side refused 3 of 5, not saying which: too old [31mxxx"
    )
    assert len(reason) < 256 + 60
    assert reason.isprintable()
    assert told.warned == {}


@pytest.mark.proves("G10", "fault-63")
async def test_words_without_a_refusal_are_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = replies.took(0, "use\na newer version")
    async with OtlpCollector(otherwise=answer) as server, open_sink(server.url) as sink:
        with caplog.at_level(logging.WARNING, logger="eventbus"):
            assert await sink.write(pings(1)) is None
            assert await sink.write(pings(2)) is None
    (line,) = [one.message for one in caplog.records if one.name == "eventbus"]
    assert line.endswith("took all logs of a request and says: use a newer version")


@pytest.mark.proves("fault-63")
@pytest.mark.parametrize(("said", "named"), [(6, 5), (2**62, 5), (-1, 0)])
async def test_a_count_that_cannot_be_is_put_right_and_counted(
    said: int, named: int
) -> None:
    told = await outcome(replies.took(said))
    assert len(told.rejected) == named
    assert told.warned == {"contract_violation": 1}


@pytest.mark.proves("fault-63")
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\x0a\xff", PROTOBUF_TYPE),
        (b"\xff" * 20, PROTOBUF_TYPE),
        (b"\x00" * 100_000, PROTOBUF_TYPE),
        (b"{", JSON_TYPE),
        (b'{"partialSuccess": {"rejectedLogRecords": "many"}}', JSON_TYPE),
        (b'{"partialSuccess": 3}', JSON_TYPE),
    ],
)
async def test_an_answer_that_cannot_be_read_is_still_a_success(
    body: bytes, content_type: str
) -> None:
    told = await outcome(replies.http(200, body, content_type=content_type))
    assert (list(told.rejected), list(told.unencodable)) == ([], [])
    assert told.warned == {"contract_violation": 1}


@pytest.mark.proves("fault-68")
@pytest.mark.parametrize("body", [PAGE, b""])
async def test_a_page_for_people_is_delivered_and_warned_of(body: bytes) -> None:
    told = await outcome(replies.http(200, body, content_type="text/html"))
    assert not told.rejected
    assert told.warned == {"unexpected_content_type": 1}


@pytest.mark.proves("fault-68")
async def test_a_long_text_is_no_answer_either() -> None:
    answer = replies.http(200, b"x" * 2000, content_type="text/plain")
    async with (
        OtlpCollector(answer) as server,
        open_sink(server.url, max_response_bytes=1000) as sink,
    ):
        outcome: Any = await sink.write(pings(1))
    assert outcome.warned == {"unexpected_content_type": 1}


@pytest.mark.proves("fault-63")
async def test_words_of_a_refusal_are_left_to_the_bus(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Which tells them with the records that were rejected."""
    async with (
        OtlpCollector(replies.took(1, "too old")) as server,
        open_sink(server.url) as sink,
    ):
        outcome: Any = await sink.write(pings(1))
    assert "too old" in outcome.rejected[0][1]
    assert "too old" not in caplog.text


async def test_a_type_of_content_is_known_in_any_letters_and_shown_in_short() -> None:
    body = b"\x0a\x02\x08\x01"
    async with (
        OtlpCollector(
            replies.http(200, body, content_type="Application/X-Protobuf ; a=b"),
            replies.http(200, b"x", content_type="text/" + "x" * 500),
        ) as server,
        open_sink(server.url, strict_content_type=True) as sink,
    ):
        outcome: Any = await sink.write(pings(1))
        assert [place for place, _ in outcome.rejected] == [0]
        with pytest.raises(Unavailable, match=r"text/x+', which") as caught:
            await sink.write(pings(1))
    assert len(str(caught.value)) < 300


@pytest.mark.proves("fault-68")
async def test_a_page_for_people_is_no_delivery_where_types_are_strict() -> None:
    answer = replies.http(200, PAGE, content_type="text/html")
    error = await meaning(answer, strict_content_type=True)
    assert isinstance(error, Unavailable)
    assert "'text/html', which is no answer of OTLP" in str(error)


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"\x08\x03\x12\x0fno such\ntenant\n", PROTOBUF_TYPE, "no such tenant"),
        (b'{"code": 3, "message": "no such tenant"}', JSON_TYPE, "no such tenant"),
        (b"no such tenant\n", "text/plain; charset=utf-8", "no such tenant"),
        (PAGE, "text/html", ""),
        (b"\xff", PROTOBUF_TYPE, ""),
        (b"[]", JSON_TYPE, ""),
    ],
)
async def test_the_words_of_a_refusal_are_told(
    body: bytes, content_type: str, words: str
) -> None:
    error = await meaning(replies.http(404, body, content_type=content_type))
    reason = "the far side answered with HTTP status 404"
    assert str(error) == (f"{reason}: {words}" if words else reason)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            aiohttp.InvalidURL("http://me:s3cret@[::1"),
            "no request to far.test:4318: a URL of it is not valid",
        ),
        (
            aiohttp.ClientOSError(
                errno.EPIPE, "Can not write request body for http://far.test/?k=s3cret"
            ),
            "no answer from far.test:4318: it was cut off, ClientOSError: Broken pipe",
        ),
        (
            aiohttp.ClientPayloadError("http://far.test/?k=s3cret"),
            "no answer from far.test:4318: it was cut off, ClientPayloadError",
        ),
    ],
)
def test_no_text_of_the_client_about_a_url_gets_out(
    error: Exception, says: str
) -> None:
    assert str(no_answer(error, "far.test:4318")) == says
