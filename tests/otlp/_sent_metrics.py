"""What an encoder sends of the metrics of events in a session."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from eventbus import Event, Naming, Record
from eventbus.metrics import Aggregator
from eventbus_otlp._metrics_encode import MetricsEncoder

# Any in this module: JSON.

SESSION: dict[str, Any] = {
    "auth_mode": "ApiKey",
    "session_source": "cli",
    "originator": "codex_cli_rs",
    "service_name": "acme",
    "gen_ai.request.model": "gpt-5",
    "app.version": "1.2.3",
    "gen_ai.conversation.id": "c-1",
    "user.email": "a@example.com",
}


def sent(events: Sequence[Event], naming: Naming) -> dict[str, Any]:
    """Return the metrics of *events* in a session as they are sent, by name."""
    aggregator = Aggregator(declared=naming.metrics)
    aggregator.observe([Record(one, attributes=SESSION) for one in events])
    body = MetricsEncoder("json", resource={}, names=naming).encode(
        aggregator.snapshot()
    )
    (resource,) = json.loads(body)["resourceMetrics"]
    (scope,) = resource["scopeMetrics"]
    return {metric["name"]: metric for metric in scope["metrics"]}
