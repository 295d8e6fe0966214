"""Server-sent events by the rules of the HTML standard, however the bytes are cut."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus_schemas.hooks import ServerSentEvent, SseParser


def parsed(*chunks: bytes, **bounds: int) -> list[ServerSentEvent]:
    parser = SseParser(**bounds)
    return [event for chunk in chunks for event in parser.feed(chunk)]


def message(data: str, **other: object) -> ServerSentEvent:
    return ServerSentEvent(event="message", data=data, **other)  # type: ignore[arg-type]


@pytest.mark.proves("A3")
@pytest.mark.parametrize(
    ("stream", "events"),
    [
        # The examples of the standard, 9.2.6.
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [message("YHOO\n+2\n10")]),
        (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
            b"data:  third event\n",
            [message("first event", id="1"), message("second event", id="")],
        ),
        (b"data\n\ndata\ndata\n\ndata:", [message(""), message("\n")]),
        (b"data:test\n\ndata: test\n\n", [message("test"), message("test")]),
        # Its rules, 9.2.5 and 9.2.6, one by one.
        (b"event: add\ndata: 1\n\n", [ServerSentEvent(event="add", data="1")]),
        (b"event: add\n\ndata: 1\n\n", [message("1")]),
        (b"event: a\nevent: b\ndata: 1\n\n", [ServerSentEvent(event="b", data="1")]),
        (b"data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n", [message(n) for n in "123"]),
        (b"\xef\xbb\xbfdata: 1\n\n\xef\xbb\xbfdata: 2\n\n", [message("1")]),
        (b"data: a: b\n\n", [message("a: b")]),
        (b"Data: 1\nother: 2\n:data: 3\ndata: 4\n\n", [message("4")]),
        (b"id: 7\ndata: 1\n\ndata: 2\n\n", [message(n, id="7") for n in "12"]),
        (b"id: 7\nid: 8\x009\ndata: 1\n\n", [message("1", id="7")]),
        (
            b"retry: 250\ndata: 1\n\ndata: 2\n\n",
            [message("1", retry_ms=250), message("2")],
        ),
        (b"retry: 250\n\ndata: 1\n\n", [message("1", retry_ms=250)]),
        (b"retry: 2.5\ndata: 1\n\n", [message("1")]),
        (b"retry: " + b"9" * 5_000 + b"\ndata: 1\n\n", [message("1")]),
        (b"retry:  25\ndata: 1\n\n", [message("1")]),
        ("retry: ²\ndata: ü\n\n".encode(), [message("ü")]),
        (b"data: \xff\xc3\n\n", [message("\ufffd\ufffd")]),
        (b"data: no end\n", []),
        (b"data: no end", []),
        (b"\n\n\n", []),
        (b"", []),
    ],
)
def test_a_stream_means_what_the_standard_says(
    stream: bytes, events: list[ServerSentEvent]
) -> None:
    assert parsed(stream) == events
    single = [stream[n : n + 1] for n in range(len(stream))]
    assert parsed(*single) == events


LINES = st.sampled_from(
    [b"data: x", b"data", b"event: e", b"id: 1", b"retry: 5", b": c", b"", b"", b"\xff"]
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
STREAMS = st.lists(st.tuples(LINES, ENDS)).map(
    lambda lines: b"".join(part for line in lines for part in line)
)


@pytest.mark.proves("A3")
@given(STREAMS | st.binary(), st.lists(st.integers(0, 60)))
def test_where_the_bytes_are_cut_makes_no_difference(
    stream: bytes, cuts: list[int]
) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert parsed(*chunks) == parsed(stream)


@pytest.mark.proves("A3")
def test_a_chunk_of_nothing_changes_nothing() -> None:
    assert parsed(b"data: 1\r", b"", b"\ndata: 2\n\n") == [message("1\n2")]


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: 1\n\ndata: 12345678901\n\n"],
        [b"data: 1\n\ndata", b": 123456", b"78901"],
    ],
)
def test_a_line_that_is_too_long_ends_the_stream_and_keeps_what_came_before(
    chunks: list[bytes],
) -> None:
    parser = SseParser(max_line_bytes=16)
    assert [e for chunk in chunks for e in parser.feed(chunk)] == [message("1")]
    assert str(parser.failure) == "a line of the SSE stream is longer than 16 bytes"
    assert parser.feed(b"\n\ndata: 2\n\n") == []


def test_a_line_just_short_enough_is_read() -> None:
    assert parsed(b"data: 1234567890\n\n", max_line_bytes=16) == [message("1234567890")]


def test_an_event_of_many_lines_is_bounded_too() -> None:
    parser = SseParser(max_event_bytes=8)
    assert parser.feed(b"data: 1234\ndata: 678\n\n") == [message("1234\n678")]
    assert parser.feed(b"data: 1234\ndata: 6789\n\n") == []
    assert str(parser.failure) == "an event of the SSE stream is longer than 8 bytes"


def test_a_flood_of_empty_lines_of_data_is_bounded() -> None:
    parser = SseParser(max_event_bytes=1_000)
    for _ in range(2_000):
        parser.feed(b"data\n")
    assert parser.failure is not None


def test_a_long_line_in_small_pieces_is_read_in_linear_time() -> None:
    parser = SseParser()
    parser.feed(b"data: ")
    for _ in range(200_000):
        parser.feed(b"12345678")
    (event,) = parser.feed(b"\n\n")
    assert len(event.data) == 1_600_000


@pytest.mark.parametrize("bound", ["max_line_bytes", "max_event_bytes"])
def test_a_bound_that_bounds_nothing_is_refused(bound: str) -> None:
    with pytest.raises(ValueError, match=f"{bound} must be >= 1, got 0"):
        SseParser(**{bound: 0})


@pytest.mark.parametrize(
    "piece", ["{:03}", "data:{:02}\n"], ids=["a line in pieces", "many short lines"]
)
def test_what_has_come_in_takes_little_more_memory_than_its_bytes(piece: str) -> None:
    pieces = [piece.format(n % 100).encode() for n in range(50_000)]
    parser = SseParser()
    parser.feed(b"data: ")
    tracemalloc.start()
    for each in pieces:
        parser.feed(each)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 2 * sum(map(len, pieces))


@pytest.mark.proves("A3")
def test_chunks_of_any_type_of_bytes_are_read_and_text_is_refused() -> None:
    parser = SseParser()
    parser.feed(bytearray(b"data: 1\n"))
    with pytest.raises(TypeError, match="SSE stream must be bytes, got str"):
        parser.feed("data: 2\n")  # type: ignore[arg-type]
    assert parser.feed(memoryview(b"data: 3\n\n")) == [message("1\n3")]
    assert parser.failure is None
