from __future__ import annotations

import asyncio
import string
import time
from collections.abc import Iterator, Mapping
from email.message import Message
from typing import Any

import pytest

import eventbus
from eventbus import trace_context
from eventbus._context import UNBOUND, current_bound
from eventbus.trace_context import Headers, TraceContext

TRACE_ID = "12345678901234567890123456789012"
SPAN_ID = "1234567890123456"
PARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
KEY_CHARACTERS = string.ascii_lowercase + string.digits + "_-*/"
VALUE_CHARACTERS = "".join(
    chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",="
)


class RepeatedHeaders(Mapping[str, str]):
    """Headers as web frameworks give them: a name may stand more than once."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self._pairs = pairs

    def __getitem__(self, name: str) -> str:
        return dict(self._pairs)[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def items(self):  # type: ignore[no-untyped-def] # noqa: ANN201
        return list(self._pairs)


def state_of(tracestate: str) -> str | None:
    context = trace_context.parse(PARENT, tracestate)
    assert context is not None
    return context.tracestate


@pytest.mark.proves("J1")
def test_a_traceparent_is_read_into_its_parts_and_is_remote() -> None:
    assert trace_context.parse(PARENT, "congo=t61") == TraceContext(
        TRACE_ID, SPAN_ID, trace_flags=1, tracestate="congo=t61", remote=True
    )


@pytest.mark.proves("J1")
def test_a_context_is_written_as_version_00() -> None:
    context = TraceContext(TRACE_ID, SPAN_ID, trace_flags=0)
    assert trace_context.format(context) == f"00-{TRACE_ID}-{SPAN_ID}-00"


@pytest.mark.proves("J1")
@pytest.mark.parametrize(
    ("header", "flags", "written"),
    [
        (f"00-{TRACE_ID}-{SPAN_ID}-ff", 0xFF, "03"),
        (f"00-{TRACE_ID}-{SPAN_ID}-fc", 0xFC, "00"),
        (f"00-{TRACE_ID}-{SPAN_ID}-02", 0x02, "02"),
        (f"cc-{TRACE_ID}-{SPAN_ID}-09-what", 0x09, "01"),
    ],
)
def test_flags_without_a_meaning_are_read_and_not_written(
    header: str, flags: int, written: str
) -> None:
    context = trace_context.parse(header)
    assert context is not None
    assert context.trace_flags == flags
    assert trace_context.format(context) == f"00-{TRACE_ID}-{SPAN_ID}-{written}"


@pytest.mark.proves("J1")
@pytest.mark.parametrize(
    "headers",
    [
        [(b"Traceparent", PARENT.encode()), (b"tracestate", b"a=1")],
        {b"traceparent": PARENT.encode(), b"TraceState": b"a=1"},
        [("TRACEPARENT", PARENT), ("tracestate", "a=1"), ("host", "x")],
        iter([("traceparent", PARENT), ("tracestate", "a=1")]),
        [(b"\xff", b"\xff"), ("traceparent", PARENT), (b"tracestate", b"a=1")],
    ],
)
def test_headers_are_read_as_a_server_has_them(headers: Headers) -> None:
    assert trace_context.extract(headers) == trace_context.parse(PARENT, "a=1")


def test_headers_that_are_no_mapping_are_asked_for_their_items() -> None:
    message = Message()
    message["Traceparent"] = PARENT
    given: Any = message
    assert trace_context.extract(given) == trace_context.parse(PARENT)


def test_pairs_with_two_parents_say_nothing_and_states_are_one_list() -> None:
    parent = (b"traceparent", PARENT.encode())
    assert trace_context.extract([parent, (b"Traceparent", PARENT.encode())]) is None
    states = [(b"tracestate", b"a=1"), (b"tracestate", b"b=2")]
    context = trace_context.extract([parent, *states])
    assert context is not None
    assert context.tracestate == "a=1,b=2"


@pytest.mark.proves("J1", "fault-135")
@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "-",
        f"00-{TRACE_ID}-{SPAN_ID}",
        f"00-{TRACE_ID}-{SPAN_ID}-01.",
        f"00-{TRACE_ID}-{SPAN_ID}-01-what-the-future-will-be-like",
        f"cc-{TRACE_ID}-{SPAN_ID}-01.what-the-future-will-be-like",
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f".0-{TRACE_ID}-{SPAN_ID}-01",
        f"0.-{TRACE_ID}-{SPAN_ID}-01",
        f"000-{TRACE_ID}-{SPAN_ID}-01",
        f"0000-{TRACE_ID}-{SPAN_ID}-01",
        f"0-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-.{TRACE_ID[1:]}-{SPAN_ID}-01",
        f"00-{TRACE_ID[:-1]}.-{SPAN_ID}-01",
        f"00-{TRACE_ID}3-{SPAN_ID}-01",
        f"00-{TRACE_ID[:-1]}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID}-.{SPAN_ID[1:]}-01",
        f"00-{TRACE_ID}-{SPAN_ID[:-1]}.-01",
        f"00-{TRACE_ID}-{SPAN_ID}7-01",
        f"00-{TRACE_ID}-{SPAN_ID[:-1]}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-.0",
        f"00-{TRACE_ID}-{SPAN_ID}-0.",
        f"00-{TRACE_ID}-{SPAN_ID}-001",
        f"00-{TRACE_ID}-{SPAN_ID}-1",
        f"00-{TRACE_ID[:-1]}A-{SPAN_ID}-01",
        f"00-{TRACE_ID[:-1]}\u0661-{SPAN_ID}-01",
        f"{PARENT}\r\n",
        f"{PARENT}\r\nx-injected: 1",
        f"\n{PARENT}",
        f"cc{PARENT[2:]}-what\r\nx-injected: 1",
        f"cc{PARENT[2:]}-\n",
        f"cc{PARENT[2:]}-\xe4",
        f"{PARENT},{PARENT}",
    ],
)
def test_an_invalid_traceparent_says_nothing_nor_does_its_tracestate(
    traceparent: str,
) -> None:
    assert trace_context.parse(traceparent, "foo=1") is None


@pytest.mark.proves("fault-135")
@pytest.mark.parametrize("rest", ["", "-what-the-future-will-be-like", "-"])
def test_a_future_version_is_read_as_far_as_version_00_goes(rest: str) -> None:
    context = trace_context.parse(f"cc-{TRACE_ID}-{SPAN_ID}-01{rest}", "foo=1")
    assert context == TraceContext(TRACE_ID, SPAN_ID, 1, "foo=1", remote=True)


@pytest.mark.parametrize("around", [(" ", ""), ("\t", ""), ("", " "), ("\t ", " \t")])
def test_white_space_around_a_traceparent_is_ignored(around: tuple[str, str]) -> None:
    before, after = around
    context = trace_context.parse(f"{before}{PARENT}{after}")
    assert context is not None
    assert context.trace_id == TRACE_ID


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("foo=1,bar=2", "foo=1,bar=2"),
        ("foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"),
        ("\t foo=1 \t", "foo=1"),
        ("foo=1,,bar=2", "foo=1,bar=2"),
        ("foo= 1", "foo= 1"),
        (
            f"{KEY_CHARACTERS}={VALUE_CHARACTERS}",
            f"{KEY_CHARACTERS}={VALUE_CHARACTERS}",
        ),
        ("fw529a3039@dt=FfFmO", "fw529a3039@dt=FfFmO"),
        (f"foo=1,{'z' * 256}=1", f"foo=1,{'z' * 256}=1"),
        (f"foo=1,{'t' * 241}@{'v' * 14}=1", f"foo=1,{'t' * 241}@{'v' * 14}=1"),
        (f"foo={'v' * 256}", f"foo={'v' * 256}"),
    ],
)
@pytest.mark.proves("J1")
def test_a_valid_tracestate_is_kept_in_its_order(given: str, read: str) -> None:
    assert state_of(given) == read


@pytest.mark.parametrize(
    "tracestate",
    [
        "",
        " ",
        ",",
        "foo",
        "foo=1,foo=1",
        "foo=1,foo=2",
        "foo =1",
        "FOO=1",
        "foo.bar=1",
        "foo@=1,bar=2",
        "@foo=1,bar=2",
        "foo@@bar=1,bar=2",
        "foo@bar@baz=1,bar=2",
        f"foo=1,{'z' * 257}=1",
        f"foo=1,{'t' * 242}@v=1",
        f"foo=1,t@{'v' * 15}=1",
        "foo=bar=baz",
        "foo=,bar=3",
        f"foo={'v' * 257}",
        "foo=1\r\nx-injected: 1",
        "foo=1\n",
        "foo=\x7f",
        "foo=\u00e9",
    ],
)
@pytest.mark.proves("J1", "fault-135")
def test_an_invalid_tracestate_is_left_out_and_the_trace_goes_on(
    tracestate: str,
) -> None:
    context = trace_context.parse(PARENT, tracestate)
    assert context == TraceContext(TRACE_ID, SPAN_ID, 1, None, remote=True)


def members(count: int, *, length: int = 8) -> str:
    return ",".join(f"bar{number:05d}={'v' * length}" for number in range(count))


@pytest.mark.proves("fault-135")
@pytest.mark.parametrize(("count", "kept"), [(32, True), (33, False), (10_000, False)])
def test_a_tracestate_has_at_most_32_members(count: int, kept: bool) -> None:
    assert state_of(members(count)) == (members(count) if kept else None)


def test_the_longest_valid_tracestate_is_kept_whole() -> None:
    longest = ",".join(f"k{number:02d}{'z' * 253}={'v' * 256}" for number in range(32))
    assert state_of(longest) == longest


@pytest.mark.proves("fault-135")
def test_a_tracestate_padded_beyond_the_longest_is_left_out() -> None:
    assert state_of("foo=1" + " " * 10_000) == "foo=1"
    assert state_of("foo=1" + " " * 1_000_000) is None


@pytest.mark.proves("fault-135")
@pytest.mark.parametrize(
    "filler", ["0", "-", " ", "=", ",", "a=1,", "\r\n", "\x00"], ids=repr
)
def test_a_megabyte_of_anything_costs_next_to_nothing_and_says_nothing(
    filler: str,
) -> None:
    megabyte = filler * (1_000_000 // len(filler))
    before = time.process_time()
    assert trace_context.parse(f"cc-{TRACE_ID}-{SPAN_ID}-01-{megabyte}x") is None
    assert trace_context.parse(megabyte) is None
    assert state_of(f"foo={megabyte}x") is None
    assert time.process_time() - before < 0.05


def test_header_names_are_found_in_any_case() -> None:
    context = trace_context.extract({"TraceParent": PARENT, "TRACESTATE": "foo=1"})
    assert context == TraceContext(TRACE_ID, SPAN_ID, 1, "foo=1", remote=True)


@pytest.mark.parametrize("name", ["trace-parent", "trace.parent", "x-traceparent"])
def test_other_header_names_are_not_read(name: str) -> None:
    assert trace_context.extract({name: PARENT}) is None


def test_a_tracestate_alone_says_nothing() -> None:
    assert trace_context.extract({"tracestate": "foo=1"}) is None


@pytest.mark.proves("fault-135")
def test_two_traceparent_headers_say_nothing() -> None:
    other = PARENT.replace(TRACE_ID, TRACE_ID[::-1])
    twice = RepeatedHeaders(("traceparent", PARENT), ("traceparent", other))
    assert trace_context.extract(twice) is None
    assert trace_context.extract({"traceparent": PARENT, "Traceparent": other}) is None


@pytest.mark.proves("fault-135")
def test_several_tracestate_headers_are_one_list() -> None:
    headers = RepeatedHeaders(
        ("traceparent", PARENT),
        ("tracestate", "foo=1,bar=2"),
        ("tracestate", ""),
        ("tracestate", "rojo=1"),
    )
    context = trace_context.extract(headers)
    assert context is not None
    assert context.tracestate == "foo=1,bar=2,rojo=1"


@pytest.mark.proves("fault-135")
def test_several_tracestate_headers_that_repeat_a_key_are_left_out() -> None:
    context = trace_context.extract(
        RepeatedHeaders(
            ("traceparent", PARENT), ("tracestate", "foo=1"), ("tracestate", "foo=2")
        )
    )
    assert context is not None
    assert context.tracestate is None


@pytest.mark.proves("fault-135")
def test_baggage_is_not_bound_to_events() -> None:
    headers = {"traceparent": PARENT, "baggage": "user.email=a@example.org"}
    with trace_context.attach(trace_context.extract(headers)):
        bound = current_bound() or UNBOUND
    assert bound.attributes == {}
    assert "example.org" not in repr(bound)


@pytest.mark.proves("J3")
def test_inject_replaces_stale_headers_whatever_their_case() -> None:
    headers = {"TraceParent": "00-old", "TRACESTATE": "old=1", "accept": "*/*"}
    with trace_context.attach(TraceContext(TRACE_ID, SPAN_ID, 1, "foo=1")):
        assert trace_context.inject(headers) is True
    assert headers == {"accept": "*/*", "traceparent": PARENT, "tracestate": "foo=1"}


@pytest.mark.proves("J3")
def test_inject_removes_a_stale_tracestate_of_another_context() -> None:
    headers = {"traceparent": "00-old", "tracestate": "old=1"}
    with trace_context.attach(TraceContext(TRACE_ID, SPAN_ID, 1)):
        trace_context.inject(headers)
    assert headers == {"traceparent": PARENT}


@pytest.mark.proves("J3")
def test_inject_leaves_headers_as_they_are_without_a_context() -> None:
    headers = {"TraceParent": "somebody's", "tracestate": "old=1"}
    assert trace_context.inject(headers) is False
    assert headers == {"TraceParent": "somebody's", "tracestate": "old=1"}


def test_what_is_injected_is_extracted_again() -> None:
    context = TraceContext(TRACE_ID, SPAN_ID, 1, "foo=1", remote=True)
    headers: dict[str, str] = {}
    with trace_context.attach(context):
        trace_context.inject(headers)
    assert trace_context.extract(headers) == context


def test_an_attached_context_ends_with_its_block() -> None:
    with trace_context.attach(TraceContext(TRACE_ID, SPAN_ID)):
        with trace_context.attach(None):
            assert trace_context.current() is None
        assert trace_context.current() == TraceContext(TRACE_ID, SPAN_ID)
    assert trace_context.current() is None


def test_an_attached_context_keeps_bound_attributes() -> None:
    with (
        eventbus.bind(user="u1"),
        trace_context.attach(TraceContext(TRACE_ID, SPAN_ID)),
    ):
        assert (current_bound() or UNBOUND).attributes == {"user": "u1"}


async def test_an_attached_context_follows_into_tasks_and_threads() -> None:
    async def in_task() -> TraceContext | None:
        return trace_context.current()

    with trace_context.attach(TraceContext(TRACE_ID, SPAN_ID)):
        task = asyncio.create_task(in_task())
        in_thread = await asyncio.to_thread(trace_context.current)
    assert await task == in_thread == TraceContext(TRACE_ID, SPAN_ID)


@pytest.mark.proves("J4")
def test_an_invalid_tracestate_is_warned_of_once_and_not_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trace_context._warn_of_state.cache_clear()
    for nothing_wrong in ("", " , ,", "foo=1", None):
        trace_context.parse(PARENT, nothing_wrong)
    assert not caplog.messages
    for _ in range(3):
        trace_context.parse(PARENT, "secret=1,secret=2")
    (said,) = caplog.messages
    assert "invalid tracestate" in said
    assert "secret" not in said
