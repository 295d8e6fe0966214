"""What can be sent, in which form, by which protocol."""

from __future__ import annotations

from typing import Final, Literal

Signal = Literal["logs", "metrics", "traces"]
Protocol = Literal["http/protobuf", "http/json", "grpc"]
Form = Literal["protobuf", "json"]

SIGNALS: Final[tuple[Signal, ...]] = ("logs", "metrics", "traces")


def form_of(protocol: Protocol) -> Form:
    """Return the form that requests of *protocol* have."""
    return "json" if protocol == "http/json" else "protobuf"
