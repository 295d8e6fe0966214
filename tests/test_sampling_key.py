from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from random import Random
from typing import Annotated, Any

import pytest

from eventbus import Attribute, Event, Record
from eventbus._sampling_key import (
    Key,
    rejection_threshold,
    text_randomness,
    trace_randomness,
)
from eventbus.sampling import Ratio

COUNT = 20_000


class Turn(Event, tag="agent.turn"):
    thread: str | None = None
    conversation: Annotated[str | None, Attribute("gen_ai.conversation.id")] = None
    number: int | None = None


def trace_ids(count: int, *, seed: int = 1) -> list[str]:
    random = Random(seed)
    return [f"{random.getrandbits(128):032x}" for _ in range(count)]


def three_sigma(count: int, ratio: float) -> float:
    return 3 * math.sqrt(count * ratio * (1 - ratio))


@pytest.mark.proves("fault-48")
@pytest.mark.parametrize(
    ("ratio", "threshold"),
    [
        (1, 0),
        (15 / 16, 0x10000000000000),
        (1 / 2, 0x80000000000000),
        (1 / 4, 0xC0000000000000),
        (1 / 8, 0xE0000000000000),
        (1 / 16, 0xF0000000000000),
        (1 / 3, 0xAAAAAAAAAAAAAC),
        (1 - 0x456789A / 2**28, 0x456789A0000000),
        (1 - 0x789ABCDEF / 2**40, 0x0789ABCDEF0000),
        (math.nextafter(1 / 2, 0), 0x80000000000004),
        (math.nextafter(1 / 8, 0), 0xE0000000000001),
        (2.0**-56, 0xFFFFFFFFFFFFFF),
        (16 * 2.0**-56, 0xFFFFFFFFFFFFF0),
        (0, 0x100000000000000),
    ],
)
def test_thresholds_are_those_of_the_collector(ratio: float, threshold: int) -> None:
    assert rejection_threshold(ratio) == threshold


@pytest.mark.parametrize(
    ("one_in", "prefix"),
    [(3, "aaaab"), (10, "e6666"), (100, "fd70a4"), (1000, "ffbe76d")],
)
def test_thresholds_agree_with_the_specification_to_its_digits(
    one_in: int, prefix: str
) -> None:
    digits = len(prefix)
    rounded = round(rejection_threshold(1 / one_in) / 16 ** (14 - digits))
    assert f"{rounded:0{digits}x}" == prefix


def test_a_trace_has_the_randomness_of_its_low_56_bits() -> None:
    trace_id = "abababababababababd29d6a7215ced0"
    assert trace_randomness(trace_id, None) == 0xD29D6A7215CED0


@pytest.mark.parametrize(
    ("tracestate", "randomness"),
    [
        ("ot=rv:d29d6a7215ced0", 0xD29D6A7215CED0),
        ("congo=t61,ot=th:8;rv:00000000000001", 1),
        ("congo=t61 , ot=rv:00000000000001;x:1", 1),
        ("ot=th:8", 0x34567890123456),
        ("ot=rv:123", 0x34567890123456),
        ("ot=rv:D29D6A7215CED0", 0x34567890123456),
        ("congo=rv:d29d6a7215ced0", 0x34567890123456),
        ("", 0x34567890123456),
    ],
)
def test_an_explicit_randomness_value_goes_before_the_trace_id(
    tracestate: str, randomness: int
) -> None:
    trace_id = "123456789012345678" + "34567890123456"
    assert trace_randomness(trace_id, tracestate) == randomness


@pytest.mark.proves("fault-48")
@pytest.mark.parametrize(
    ("trace_id", "kept"),
    [
        ("ffffffffffffffffff80000000000000", True),
        ("ffffffffffffffffff7fffffffffffff", False),
        ("000000000000000000ffffffffffffff", True),
        ("ffffffffffffffffff00000000000000", False),
    ],
)
def test_a_trace_is_kept_when_its_randomness_reaches_the_threshold(
    trace_id: str, kept: bool
) -> None:
    weight = Ratio(0.5, key="trace_id").sample(Record(Turn(), trace_id=trace_id))
    assert weight == (2.0 if kept else 0.0)


@pytest.mark.parametrize("trace_id", ["not hexadecimal", "-0123456789abc", "1_2", "é"])
def test_a_trace_id_that_is_none_counts_as_text(trace_id: str) -> None:
    assert trace_randomness(trace_id, None) == text_randomness(trace_id)


@pytest.mark.proves("D7")
def test_the_randomness_of_text_never_changes() -> None:
    assert text_randomness("conversation-1") == 0x5AE3713E44D8A4
    assert text_randomness("\udc80") == 0x66CFE11408B73D


DECISIONS = """
import json, sys
from eventbus import Event, Record, sampling
class Turn(Event, tag="agent.turn"):
    thread: str = ""
by_trace = sampling.Ratio(0.3, key="trace_id")
by_thread = sampling.Ratio(0.3, key="thread")
ids = json.load(sys.stdin)
print(json.dumps([
    [by_trace.sample(Record(Turn(), trace_id=i)) for i in ids],
    [by_thread.sample(Record(Turn(thread=i))) for i in ids],
]))
"""


@pytest.mark.proves("D7", "fault-48")
@pytest.mark.parametrize("hash_seed", ["0", "1", "random"])
def test_every_process_decides_the_same(hash_seed: str) -> None:
    ids = trace_ids(300)
    by_trace, by_thread = Ratio(0.3, key="trace_id"), Ratio(0.3, key="thread")
    here = [
        [by_trace.sample(Record(Turn(), trace_id=one)) for one in ids],
        [by_thread.sample(Record(Turn(thread=one))) for one in ids],
    ]
    there = subprocess.run(
        [sys.executable, "-c", DECISIONS],
        input=json.dumps(ids),
        env={
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTHONHASHSEED": hash_seed,
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert json.loads(there.stdout) == here


@pytest.mark.proves("fault-48")
@pytest.mark.parametrize("ratio", [0.01, 0.1, 0.5, 0.9])
def test_the_rate_by_trace_id_is_within_three_sigma(ratio: float) -> None:
    sampler = Ratio(ratio, key="trace_id")
    records = [Record(Turn(), trace_id=one) for one in trace_ids(COUNT)]
    kept = sum(sampler.sample(record) > 0 for record in records)
    assert abs(kept - COUNT * ratio) < three_sigma(COUNT, ratio)


@pytest.mark.proves("D7")
@pytest.mark.parametrize("ratio", [0.01, 0.1, 0.5, 0.9])
def test_the_rate_by_a_field_is_within_three_sigma(ratio: float) -> None:
    sampler = Ratio(ratio, key="thread")
    records = [Record(Turn(thread=f"thread-{n}")) for n in range(COUNT)]
    kept = sum(sampler.sample(record) > 0 for record in records)
    assert abs(kept - COUNT * ratio) < three_sigma(COUNT, ratio)


def test_a_larger_ratio_keeps_all_that_a_smaller_one_keeps() -> None:
    records = [Record(Turn(), trace_id=one) for one in trace_ids(2_000)]
    tenth, half = Ratio(0.1, key="trace_id"), Ratio(0.5, key="trace_id")
    of_the_tenth = [record for record in records if tenth.sample(record)]
    assert of_the_tenth
    assert all(half.sample(record) for record in of_the_tenth)


@pytest.mark.proves("D7")
def test_records_of_one_key_are_kept_or_left_out_together() -> None:
    sampler = Ratio(0.5, key="thread")
    for thread in map(str, range(50)):
        decisions = {
            sampler.sample(Record(Turn(thread=thread, number=n), id=str(n)))
            for n in range(20)
        }
        assert len(decisions) == 1


def randomness(key: str, event: Event, **more: Any) -> int:
    return Key(key).randomness(Record(event, **more))


def test_a_key_is_a_field_its_name_outside_or_a_bound_attribute() -> None:
    expected = text_randomness("c1")
    turn = Turn(conversation="c1")
    assert randomness("conversation", turn) == expected
    assert randomness("gen_ai.conversation.id", turn) == expected
    bound = {"gen_ai.conversation.id": "c1"}
    assert randomness("gen_ai.conversation.id", Turn(), attributes=bound) == expected


def test_a_field_goes_before_a_bound_attribute_of_its_name() -> None:
    turn = Turn(thread="own")
    assert randomness("thread", turn, attributes={"thread": "bound"}) == (
        text_randomness("own")
    )


def test_a_key_that_is_no_text_counts_by_its_text() -> None:
    assert randomness("number", Turn(number=42)) == text_randomness("42")


@pytest.mark.parametrize("key", ["trace_id", "thread", "tenant"])
def test_a_record_without_the_key_is_decided_by_its_id(key: str) -> None:
    assert randomness(key, Turn(), id="b1-7") == text_randomness("b1-7")


def test_a_redacted_key_tells_nobody_apart_so_the_id_decides() -> None:
    records = [Record(Turn(thread="[REDACTED]"), id=f"b1-{n}") for n in range(1_000)]
    kept = sum(Ratio(0.5, key="thread").sample(record) > 0 for record in records)
    assert 400 < kept < 600


@pytest.mark.parametrize("key", ["trace_id", "thread"])
def test_a_record_sampled_before_is_decided_anew_so_that_weights_stay_true(
    key: str,
) -> None:
    first, second = Ratio(0.5, key=key), Ratio(0.5, key=key)
    total = 0.0
    for one in trace_ids(COUNT):
        weight = first.sample(Record(Turn(thread=one), trace_id=one))
        if weight:
            again = Record(Turn(thread=one), trace_id=one, weight=weight)
            total += weight * second.sample(again)
    assert abs(total - COUNT) < 3 * math.sqrt(COUNT * (1 / 0.25 - 1))


def test_a_huge_key_is_not_kept_in_memory() -> None:
    key = Key("thread")
    for n in range(100):
        key.randomness(Record(Turn(thread=f"{n}" + "x" * 10_000)))
    assert key._cached.cache_info().currsize == 0


@pytest.mark.parametrize("key", ["", 5])
def test_a_key_that_is_no_name_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match="key must be 'trace_id', a field or a bound"):
        Ratio(0.1, key=key)
