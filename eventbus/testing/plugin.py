"""What pytest gets from this package: the fixture ``bus_events``, and no network.

The plugin does nothing to a test that does not ask: no network sink is attached from
a configuration while ``bus_events`` is in use, or in every test where the ini option
``eventbus_offline`` is true. ``@pytest.mark.eventbus_network`` allows them in a test.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from eventbus._offline import offline
from eventbus.testing._given import UPDATE_OPTION

if TYPE_CHECKING:
    from eventbus.testing._bus_events import BusEvents

NETWORK_MARKER = "eventbus_network"
OFFLINE_OPTION = "eventbus_offline"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    parser.getgroup("eventbus").addoption(
        UPDATE_OPTION,
        action="store_true",
        help="write the transcripts that bus_events.golden() compares with",
    )
    parser.addini(
        OFFLINE_OPTION,
        "let no configuration attach network sinks in any test, bus_events or not",
        type="bool",
        default=False,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{NETWORK_MARKER}: configurations may attach network sinks in this test",
    )


def pytest_plugin_registered(plugin: object) -> None:
    """Load the bus before pytester does: it forgets what its inner runs import.

    Half of a bus would be loaded twice otherwise, and not take the other half's parts.
    """
    if getattr(plugin, "__name__", "") == "_pytest.pytester":
        import_module("eventbus._slot")
        import_module("eventbus.testing._bus_events")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep network sinks off from the test's first fixture to its last."""
    if not item.config.getini(OFFLINE_OPTION):
        return (yield)
    with offline(not _may_use_network(item)):
        return (yield)


@pytest.fixture
def bus_events(request: pytest.FixtureRequest) -> Generator[BusEvents]:
    """Record events, on a bus of the test's own.

    ``bus_events.bus`` stands behind every ``eventbus.emitter`` during the test; start
    it, with ``async with bus_events.bus``, only where handlers or sinks are to run.
    Code that does ``with eventbus.use(bus)`` has its own bus there for the block, and
    the events of that bus are recorded too.
    """
    # Here, since pytest loads the plugin for tests that have nothing to do with it.
    from eventbus._slot import stand_in
    from eventbus.testing._bus_events import BusEvents

    recorder = BusEvents(
        folder=request.path.parent, update=bool(request.config.getoption(UPDATE_OPTION))
    )
    allowed = _may_use_network(request.node)
    held = stand_in(recorder.bus, recorder.watch_used)
    with held, nullcontext() if allowed else offline():
        yield recorder


def _may_use_network(item: pytest.Item) -> bool:
    return item.get_closest_marker(NETWORK_MARKER) is not None
