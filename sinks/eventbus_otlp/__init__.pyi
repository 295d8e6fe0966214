"""The public names, and where each of them lives."""

from eventbus_otlp._sdk_sink import SdkSink as SdkSink
from eventbus_otlp._settings import OtlpSettings as OtlpSettings
from eventbus_otlp._signal_settings import RecordSignalSettings as RecordSignalSettings
from eventbus_otlp._signal_settings import SignalSettings as SignalSettings
from eventbus_otlp._signal_settings import TraceSignalSettings as TraceSignalSettings
from eventbus_otlp._sink import OtlpSink as OtlpSink
