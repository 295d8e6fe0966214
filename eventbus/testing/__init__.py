"""What tests of programs and of sinks need: a clock, sinks, captures, a suite."""

from eventbus.testing._clock import ManualClock as ManualClock
from eventbus.testing._settled import settled as settled
from eventbus.testing._sinks import RecordingSink as RecordingSink

__all__ = ["ManualClock", "RecordingSink", "settled"]
