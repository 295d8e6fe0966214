"""What vendors fix about this sink; nothing of it is used unless somebody names it.

https://docs.statsig.com/infra-analytics/getting-started says Statsig's address and
header.
"""

from __future__ import annotations

from typing import Final

from eventbus.config import Preset

STATSIG: Final = Preset(
    type="otlp",
    settings={
        "signals": ["metrics"],
        "metrics_endpoint": "https://api.statsig.com/otlp/v1/metrics",
        "protocol": "http/json",
    },
    key=("headers", "statsig-api-key"),
    closed=(
        "endpoint",
        "logs_endpoint",
        "traces_endpoint",
        "logs",
        "metrics",
        "traces",
        "insecure",
    ),
    reason="it is for metrics alone, which go to Statsig as JSON; logs and traces "
    "need a sink of their own",
)
"""Metrics to Statsig, as JSON, with the user's own server secret key."""
