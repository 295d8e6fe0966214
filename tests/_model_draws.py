"""What a random program does with a bus: its events, settings and far sides."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from hypothesis import strategies as st

from eventbus import (
    Batch,
    Buffer,
    Event,
    Overflow,
    Record,
    Refused,
    Retry,
    Severity,
    Unavailable,
)
from eventbus.sampling import AnyOf, KeepIf, Ratio
from tests._model_far import (
    FarSide,
    be_down,
    break_down,
    deliver,
    die,
    refuse,
    reject_some,
    stop_for_good,
    talk_nonsense,
    too_large,
)
from tests._model_lens import Spied

MAX_BYTES: Final = 100


class Near(Event, tag="place.near"):
    n: int


class Far(Event, tag="place.far", severity="error"):
    n: int


class Varied(Event, tag="thing.varied"):
    n: int
    severity: Severity = "info"


SELECTIONS: Final[dict[str, tuple[type[Event], ...]]] = {
    "*": (Near, Far, Varied),
    "place.*": (Near, Far),
    "*near": (Near,),
    "!*near": (Far, Varied),
}

sizes = st.sampled_from([1, 30, 60, MAX_BYTES, MAX_BYTES + 1])
kinds = st.sampled_from(
    [
        lambda n: Near(n=n),
        lambda n: Far(n=n),
        lambda n: Varied(n=n),
        lambda n: Varied(n=n, severity="fatal"),
    ]
)
places = st.integers(0, 7)
seconds = st.sampled_from([0.0, 0.1, 1.0, 10.0, 31.0])
limits = st.sampled_from([None, 0.0, 1.0])
buffers = st.builds(
    Buffer,
    max_events=st.integers(1, 6),
    max_bytes=st.sampled_from([None, None, MAX_BYTES]),
    overflow=st.sampled_from(Overflow),
    wait_timeout_seconds=limits,
    max_age_seconds=st.sampled_from([None, None, None, 5.0]),
)
batches = st.builds(
    Batch,
    max_events=st.integers(1, 3),
    max_bytes=st.sampled_from([None, MAX_BYTES]),
    max_delay_seconds=st.sampled_from([0.0, 0.1]),
    max_in_flight=st.sampled_from([1, 1, 2]),
)
patience = st.builds(
    Retry,
    max_elapsed_seconds=st.sampled_from([0.0, 10.0]),
    timeout_seconds=st.sampled_from([None, 10.0]),
)
far_sides = st.builds(
    FarSide,
    start=st.sampled_from(
        [None, None, None, Unavailable("not yet"), Refused("no", permanent=True)]
    ),
    keeps_what_was_cut_off=st.booleans(),
    ignored_cancellations=st.sampled_from([0, 0, 0, 1, 2]),
    hangs_at_close=st.sampled_from([False, False, True]),
)


def is_loud(record: Record[Any]) -> bool:
    return isinstance(record.event, Far)


samplers: st.SearchStrategy[Any] = st.sampled_from(
    [
        lambda: None,
        lambda: None,
        lambda: Ratio(0.5, seed=1),
        lambda: Spied(Ratio(0.5, seed=2)),
        lambda: Spied(AnyOf(KeepIf(is_loud), Ratio(0.5, seed=3))),
    ]
)
wishes = st.fixed_dictionaries(
    {
        "select": st.sampled_from(sorted(SELECTIONS)),
        "min_severity": st.sampled_from([None, None, None, "error"]),
        "buffer": buffers,
        "batch": batches,
        "retry": patience,
    }
)
answers = st.one_of(
    st.just(deliver),
    st.builds(reject_some, places, places),
    st.just(refuse),
    st.just(too_large),
    st.builds(be_down, places, st.sampled_from([None, 7.0])),
    st.builds(
        break_down,
        st.sampled_from([ValueError, asyncio.CancelledError, SystemExit]),
        arrives=st.booleans(),
    ),
    st.just(talk_nonsense),
    st.just(die),
    st.just(stop_for_good),
)
