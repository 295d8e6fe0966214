"""What tests of programs and of sinks need: a clock, sinks, captures, a suite."""

from eventbus.testing import steps as steps
from eventbus.testing._bus_events import BusEvents as BusEvents
from eventbus.testing._clock import ManualClock as ManualClock
from eventbus.testing._recording import RecordingSink as RecordingSink
from eventbus.testing._scripted import ScriptedSink as ScriptedSink
from eventbus.testing._settled import settled as settled
from eventbus.testing._transcript import assert_transcript as assert_transcript

__all__ = [
    "BusEvents",
    "ManualClock",
    "RecordingSink",
    "ScriptedSink",
    "assert_transcript",
    "settled",
    "steps",
]
