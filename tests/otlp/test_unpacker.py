"""Answers that are unpacked, and what that may cost."""

from __future__ import annotations

import gzip
import os
import tracemalloc
import zlib
from typing import Any

import pytest

from eventbus_otlp._gzip import Unpacker

MB = 1024 * 1024


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 300_000])
@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_what_comes_in_parts_is_unpacked_whole(size: int, pack: Any) -> None:
    data = os.urandom(size)
    packed = pack(data)
    unpacker = Unpacker(size)
    parts = [packed[: len(packed) // 2], packed[len(packed) // 2 :]]
    assert b"".join(map(unpacker.unpack, parts)) == data


@pytest.mark.proves("fault-67")
def test_what_is_too_long_is_given_up_before_it_is_in_memory() -> None:
    packed = gzip.compress(os.urandom(4 * MB) + b"\0" * 64 * MB)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="too long"):
            Unpacker(2 * MB).unpack(packed)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * MB
