"""What tests of programs and of sinks need: a clock, sinks, captures, a suite."""

from eventbus.testing import steps as steps
from eventbus.testing._bus_events import BusEvents as BusEvents
from eventbus.testing._clock import ManualClock as ManualClock
from eventbus.testing._recording import RecordingSink as RecordingSink
from eventbus.testing._scripted import ScriptedSink as ScriptedSink
from eventbus.testing._settled import settled as settled
from eventbus.testing._transcript import assert_transcript as assert_transcript
from eventbus.testing.conformance import FarSide as FarSide
from eventbus.testing.conformance import SinkReport as SinkReport
from eventbus.testing.conformance import SinkViolation as SinkViolation
from eventbus.testing.conformance import Tally as Tally
from eventbus.testing.conformance import check_sink as check_sink

__all__ = [
    "BusEvents",
    "FarSide",
    "ManualClock",
    "RecordingSink",
    "ScriptedSink",
    "SinkReport",
    "SinkViolation",
    "Tally",
    "assert_transcript",
    "check_sink",
    "settled",
    "steps",
]
