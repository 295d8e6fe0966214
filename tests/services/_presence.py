"""Decide what an absent server means: a skipped test, or under CI a failed one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .get import FOLDER, Service


def require(service: Service, folder: Path = FOLDER) -> None:
    """Skip the test that asks when *service* is absent; fail it under ``CI=true``."""
    if service.is_here(folder):
        return
    sentence = f"No {service.name} of the wanted version is here. Try: make services"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{sentence} (CI=true: a failure, not a skip)", pytrace=False)
    pytest.skip(sentence)
