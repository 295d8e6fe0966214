"""Decide how long a real server lives in a test run: from its first use to the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ._collector import Collector, running_collector
from ._kafka import Kafka, running_kafka
from ._presence import require
from ._prometheus import Prometheus, running_prometheus
from .get import COLLECTOR, KAFKA, PROMETHEUS


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """Share one Apache Kafka broker; a test takes topics of its own."""
    require(KAFKA)
    with running_kafka(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """Share one OpenTelemetry Collector; a test looks for records of its own."""
    require(COLLECTOR)
    with running_collector(tmp_path_factory.mktemp("collector")) as running:
        yield running


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Share one Prometheus; a test scrapes under a job of its own."""
    require(PROMETHEUS)
    with running_prometheus(tmp_path_factory.mktemp("prometheus")) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder for a server of the test's own."""
    folder = tmp_path / "server"
    folder.mkdir()
    return folder
