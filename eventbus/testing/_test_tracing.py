"""Real trace and span ids in a test, and the spans that ended meanwhile."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from eventbus.testing._needs import need

# Any in this module: OpenTelemetry is not imported before it is asked for.

DEFAULT_TRACER_NAME: Final = "eventbus.testing"


class InstalledTracing:
    """What :func:`install_test_tracing` gives.

    Args:
        tracer: Makes spans with real ids.
        spans: Those that ended, as the SDK has them, in the order of their ends.
    """

    def __init__(self, tracer: Any, spans: list[Any]) -> None:
        """Take the parts."""
        self.tracer: Final = tracer
        self.spans: Final = spans

    def headers(self) -> dict[str, str]:
        """Return the W3C headers that say which span is current."""
        carrier: dict[str, str] = {}
        _api("propagate").inject(carrier)
        return carrier


@contextmanager
def install_test_tracing(
    name: str = DEFAULT_TRACER_NAME,
) -> Generator[InstalledTracing]:
    """Let OpenTelemetry make real spans while the block runs.

    It installs a tracer provider of the SDK, unless the process has one: OpenTelemetry
    allows one for good, so it stays, with a processor for each block that does nothing
    after it. The propagator that was there before is put back.

    Args:
        name: Of the tracer.

    Raises:
        PluginError: opentelemetry-sdk is not installed.
    """
    provider = _provider()
    propagate, before = _api("propagate"), _api("propagate").get_global_textmap()
    w3c = _api("trace.propagation.tracecontext").TraceContextTextMapPropagator()
    recorder = _recorder()
    provider.add_span_processor(recorder)
    propagate.set_global_textmap(w3c)
    try:
        yield InstalledTracing(provider.get_tracer(name), recorder.spans)
    finally:
        propagate.set_global_textmap(before)
        recorder.shutdown()


def _provider() -> Any:
    sdk, api = _sdk("trace"), _api("trace")
    current = api.get_tracer_provider()
    if isinstance(current, sdk.TracerProvider):
        return current
    sampler = _sdk("trace.sampling").ALWAYS_ON
    made = sdk.TracerProvider(sampler=sampler, shutdown_on_exit=False)
    api.set_tracer_provider(made)
    return made


def _recorder() -> Any:
    """Return a span processor that keeps what ends until it is shut down."""

    class Recorder(_sdk("trace").SpanProcessor):  # type: ignore[misc]
        def __init__(self) -> None:
            self.spans: list[Any] = []
            self._is_over = False

        def on_end(self, span: Any) -> None:
            if not self._is_over:
                self.spans.append(span)

        def shutdown(self) -> None:
            self._is_over = True

    return Recorder()


def _api(module: str) -> Any:
    return need(
        f"opentelemetry.{module}",
        by="install_test_tracing",
        package="opentelemetry-sdk",
        install="opentelemetry-sdk",
    )


def _sdk(module: str) -> Any:
    return need(
        f"opentelemetry.sdk.{module}",
        by="install_test_tracing",
        package="opentelemetry-sdk",
        install="opentelemetry-sdk",
    )
