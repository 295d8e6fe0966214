"""The sink specification, ``sinks/SPEC.md``, as a suite that runs against any sink."""

from eventbus.testing.conformance._far_side import FarSide as FarSide
from eventbus.testing.conformance._rules import SinkViolation as SinkViolation
from eventbus.testing.conformance._scenarios import Tally as Tally
from eventbus.testing.conformance._suite import SinkReport as SinkReport
from eventbus.testing.conformance._suite import check_sink as check_sink

__all__ = ["FarSide", "SinkReport", "SinkViolation", "Tally", "check_sink"]
