"""Whether the shop's events go out, as a load balancer or a person asks for it."""

from typing import Any

from eventbus import Bus


def health(bus: Bus) -> tuple[int, dict[str, Any]]:
    """Return a status and a body: 503 when a sink was given up, else 200.

    A degraded sink is one that is trying: to take the shop off the net for it would
    turn an outage of telemetry into one of the shop.
    """
    attachments = bus.stats().attachments
    states = {attachment.state for attachment in attachments.values()}
    worst = next((s for s in ("failed", "degraded") if s in states), "ready")
    body = {
        "state": worst,
        "sinks": {
            name: {
                "state": attachment.state,
                "cause": attachment.cause,
                "pending": attachment.pending,
                "dropped": dict(attachment.dropped),
            }
            for name, attachment in attachments.items()
        },
    }
    return (503 if worst == "failed" else 200), body
