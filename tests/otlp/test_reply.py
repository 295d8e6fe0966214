"""What answers say, as the official classes write them."""

from __future__ import annotations

import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceResponse,
)

from eventbus import Refused, TooLarge, Unavailable, answers
from eventbus_otlp._protobuf import MAX_FIELDS, fields
from eventbus_otlp._reply import read_reply, read_retry_delay, read_status_message
from eventbus_otlp._signal import Form, Signal
from eventbus_otlp._transport import Reply

RESPONSES = {
    "logs": (ExportLogsServiceResponse, "rejected_log_records"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
    "traces": (ExportTraceServiceResponse, "rejected_spans"),
}


@pytest.mark.proves("G10")
@given(
    signal=st.sampled_from(["logs", "metrics", "traces"]),
    rejected=st.integers(0, 2**63 - 1),
    message=st.text("abc ", max_size=20).map(lambda text: " ".join(text.split())),
)
def test_a_partial_success_is_read_for_every_signal(
    signal: Signal, rejected: int, message: str
) -> None:
    kind, field = RESPONSES[signal]
    response = kind()
    setattr(response.partial_success, field, rejected)
    response.partial_success.error_message = message
    reply = read_reply(signal, "protobuf", response.SerializeToString())
    assert reply == (rejected, message, {})


@given(body=st.binary(max_size=64), form=st.sampled_from(["protobuf", "json"]))
def test_no_answer_raises(body: bytes, form: str) -> None:
    reply = read_reply("logs", form, body)  # type: ignore[arg-type]
    assert reply.rejected >= 0
    read_status_message(form, body)  # type: ignore[arg-type]
    read_retry_delay(body)


@pytest.mark.proves("G10")
@pytest.mark.parametrize(
    ("form", "body", "reply"),
    [
        ("json", b"", Reply()),
        ("json", b'{"partialSuccess": {"rejectedLogRecords": "3"}}', Reply(3)),
        ("json", b'{"partialSuccess": {"rejectedLogRecords": 3}}', Reply(3)),
        ("json", b'{"partialSuccess": null}', Reply()),
        ("protobuf", b"", Reply()),
        ("protobuf", b"\x08\x01", Reply()),  # a number where a message belongs
    ],
)
def test_a_reply_is_read_in_each_of_its_spellings(
    form: Form, body: bytes, reply: Reply
) -> None:
    assert read_reply("logs", form, body) == reply


def test_unknown_fields_are_passed_over() -> None:
    known = ExportLogsServiceResponse()
    known.partial_success.rejected_log_records = 2
    unknown = b"\x78\x01\x7a\x02ab\x7d0000\x7901234567"
    body = unknown + known.SerializeToString() + unknown
    assert read_reply("logs", "protobuf", body).rejected == 2


def test_a_message_of_very_many_fields_costs_no_time() -> None:
    with pytest.raises(ValueError, match=f"more than {MAX_FIELDS} fields"):
        list(fields(b"\x08\x01" * 1_000_000))


def status(*details: object) -> bytes:
    """Return a status with *details* as ``grpc-status-details-bin`` has it."""
    found = Status(code=14, message="not now")
    for detail in details:
        found.details.add().Pack(detail)  # type: ignore[arg-type]
    return found.SerializeToString()


def wish(seconds: int, nanos: int = 0) -> bytes:
    return status(RetryInfo(retry_delay=Duration(seconds=seconds, nanos=nanos)))


def unreadable() -> bytes:
    bad = Any(type_url="type.googleapis.com/google.rpc.RetryInfo", value=b"\x0a\xff")
    return Status(details=[bad]).SerializeToString()


RESOURCE_EXHAUSTED, UNAVAILABLE = 8, 14


@pytest.mark.proves("fault-56")
@pytest.mark.parametrize(
    ("details", "delay", "seconds"),
    [
        (wish(7), (7, 0), 7.0),
        (wish(7, 500_000_000), (7, 500_000_000), 7.5),
        (status(BadRequest(), RetryInfo(retry_delay=Duration(seconds=7))), (7, 0), 7.0),
        (status(RetryInfo()), (0, 0), None),
        (wish(0), (0, 0), None),
        (wish(-5), (-5, 0), None),
        (wish(1, -5), (1, -5), None),
        (wish(2**62), (2**62, 0), None),
        (wish(1, 2**31 - 1), (1, 2**31 - 1), None),
        (unreadable(), (0, 0), None),
    ],
)
def test_the_wish_in_retry_info_is_read_as_it_is(
    details: bytes, delay: tuple[int, int], seconds: float | None
) -> None:
    assert read_retry_delay(details) == delay
    for code in (UNAVAILABLE, RESOURCE_EXHAUSTED):
        answer = answers.from_grpc(code, retry_delay=delay)
        assert isinstance(answer, Unavailable)
        assert answer.retry_after_seconds == seconds


@pytest.mark.proves("fault-56")
@pytest.mark.parametrize("details", [None, b"", status(BadRequest()), b"\xff\xff"])
def test_without_retry_info_there_is_no_wish(details: bytes | None) -> None:
    assert read_retry_delay(details) is None
    answer = answers.from_grpc(RESOURCE_EXHAUSTED, retry_delay=None)
    assert isinstance(answer, TooLarge)
    assert not isinstance(answers.from_grpc(7), Unavailable)
    assert isinstance(answers.from_grpc(7), Refused)


def test_the_words_of_a_status_are_one_line() -> None:
    body = Status(message="a\nb\x1b[0m" + "x" * 1000).SerializeToString()
    words = read_status_message("protobuf", body)
    assert words.startswith("a b [0mxxx")
    assert len(words) <= 256
