"""What a bus measures of itself, and whether that alone says where each event is."""

from __future__ import annotations

from typing import Any

from eventbus import Bus, own_metrics

QUEUE = "otel.sdk.processor.log.queue.size"
CAPACITY = "otel.sdk.processor.log.queue.capacity"
PROCESSED = "otel.sdk.processor.log.processed"
INFLIGHT = "otel.sdk.exporter.log.inflight"
EXPORTED = "otel.sdk.exporter.log.exported"
OPERATIONS = "otel.sdk.exporter.operation.duration"

Measured = dict[str, dict[str, Any]]


def measured(bus: Bus) -> dict[str, Measured]:
    """Return what is measured of each attachment: by metric, then by its last key."""
    found: dict[str, Measured] = {}
    for one in own_metrics(bus.stats()):
        name = one.attributes.get("otel.component.name")
        if name is not None:
            keys = [k for k in one.attributes if not k.startswith("otel.component.")]
            key = one.attributes[keys[0]] if keys else ""
            found.setdefault(name, {}).setdefault(one.name, {})[key] = one.value
    return found


def law_holds(found: Measured) -> bool:
    """Return whether measurements alone say that each event is in one place."""
    processed, exported = found[PROCESSED], found[EXPORTED]
    offered, queued = found["eventbus.offered"][""], found[QUEUE][""]
    in_flight = found[INFLIGHT][""]
    intended = (
        sum(exported.values())
        + in_flight
        + found["eventbus.sampled_out"][""]
        + found["eventbus.spooled"][""]
    )
    counts = [*processed.values(), *exported.values(), queued, in_flight]
    return (
        offered == sum(processed.values()) + queued
        and processed[""] == intended
        and min(counts) >= 0
    )
