"""What tests of programs and of sinks need: a clock, sinks, captures, a suite."""

from eventbus.testing import steps as steps
from eventbus.testing._clock import ManualClock as ManualClock
from eventbus.testing._recording import RecordingSink as RecordingSink
from eventbus.testing._scripted import ScriptedSink as ScriptedSink
from eventbus.testing._settled import settled as settled

__all__ = ["ManualClock", "RecordingSink", "ScriptedSink", "settled", "steps"]
