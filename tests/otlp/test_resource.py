from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource, ResourceDetector

from eventbus import Bus, PluginError
from eventbus_otlp import _resource
from eventbus_otlp._resource import resource_of

PROCESS = os.path.basename(sys.executable)


def resource(
    given: dict[str, Any] | None = None, *detectors: str, **environ: str
) -> dict[str, Any]:
    found = resource_of(
        given or {}, detectors=detectors, environ=environ, warn=pytest.fail
    )
    return dict(found)


def test_a_service_without_a_name_is_called_after_its_process() -> None:
    assert resource()["service.name"] == f"unknown_service:{PROCESS}"
    assert resource({"service.name": ""})["service.name"].startswith("unknown_service")


def test_the_sink_says_that_it_is_what_made_the_telemetry() -> None:
    found = resource({"service.name": "a"})
    assert found.pop("telemetry.sdk.version")
    assert found == {
        "service.name": "a",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "eventbus",
    }


@pytest.mark.proves("G13")
def test_what_the_program_says_wins_then_the_environment_then_detectors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class First(ResourceDetector):
        def detect(self) -> Resource:
            return Resource({"a": "first", "b": "first", "c": "first", "d": "first"})

    class Second(ResourceDetector):
        def detect(self) -> Resource:
            return Resource({"a": "second", "b": "second", "c": "second"})

    detectors = {"first": Entry(First), "second": Entry(Second)}
    monkeypatch.setattr(_resource, "installed_detectors", lambda: detectors)
    found = resource(
        {"a": "program"},
        *("first", "second"),
        OTEL_RESOURCE_ATTRIBUTES="a=environment,b=environment,service.name=x",
        OTEL_SERVICE_NAME="own",
    )
    assert [found[name] for name in "abcd"] == [
        *("program", "environment", "second", "first"),
    ]
    assert found["service.name"] == "own"


class Entry:
    """An entry point that is there already."""

    def __init__(self, made: Any) -> None:
        self.made = made

    def load(self) -> Any:
        return self.made


@pytest.mark.proves("G13")
def test_the_sdk_s_detectors_find_the_host_and_the_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "  worker-7\n")
    given = {"service.name": "a", "service.version": "1", "env": "dev"}
    found = resource(given, "host", "os")
    assert found["host.name"] == "worker-7"
    assert found["os.type"]
    assert (found["service.version"], found["env"]) == ("1", "dev")


@pytest.mark.proves("G13")
@pytest.mark.parametrize("name", ["", "  \n"])
def test_a_host_without_a_name_has_none(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: name)
    assert "host.name" not in resource({}, "host")
    assert "host.name" not in resource({"host.name": name})


def test_a_detector_that_fails_costs_nothing_but_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken(ResourceDetector):
        def detect(self) -> Resource:
            raise OSError("no metadata server")

    class Odd(ResourceDetector):
        def detect(self) -> Resource:
            return Resource({"rows": ["a", "b"], "bytes": b"x"})

    detectors = {"broken": Entry(Broken), "odd": Entry(Odd)}
    monkeypatch.setattr(_resource, "installed_detectors", lambda: detectors)
    found = resource({"service.name": "a"}, "broken", "odd")
    assert found["rows"] == ("a", "b")
    assert "bytes" not in found


def test_an_unknown_detector_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="detector") as caught:
        resource({}, "hots")
    assert str(caught.value) == "Unknown detector 'hots'. Did you mean 'host'?"


def test_the_detector_of_the_environment_is_what_the_sink_reads_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "a=process")
    assert "a" not in resource({}, "otel")


def test_without_the_sdk_detectors_are_refused_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    assert resource({"service.name": "a"})
    with pytest.raises(PluginError) as caught:
        resource({}, "host")
    assert str(caught.value) == (
        "resource_detectors need opentelemetry-sdk, which is not installed. "
        "Try: pip install 'eventbus[otlp]'"
    )


def test_a_malformed_variable_is_discarded_and_told() -> None:
    warnings: list[str] = []
    found = resource_of(
        {"service.name": "a"},
        detectors=(),
        environ={"OTEL_RESOURCE_ATTRIBUTES": "a=1,b"},
        warn=warnings.append,
    )
    assert "a" not in found
    assert warnings == ["OTEL_RESOURCE_ATTRIBUTES is ignored: pair 2 has no '='"]


@pytest.mark.proves("G13")
def test_a_program_gives_the_bus_the_resource_of_its_sdk() -> None:
    mine = Resource.create({"service.name": "checkout", "regions": ["a", "b"]})
    bus = Bus(resource=mine.attributes)  # type: ignore[arg-type]
    found = resource_of(bus.resource, detectors=(), environ={}, warn=pytest.fail)
    assert found == dict(mine.attributes)


def test_the_sdk_is_imported_only_where_a_detector_is_named() -> None:
    program = (
        "import sys; from eventbus_otlp._resource import resource_of\n"
        "from eventbus_otlp._resolved import resolve\n"
        "from eventbus_otlp import OtlpSettings\n"
        "resource_of({}, detectors=(), environ={}, warn=print)\n"
        "resolve(OtlpSettings(), {}, print)\n"
        "print([m for m in sys.modules if m.startswith(('opentelemetry', 'grpc', "
        "'aiohttp'))])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
