"""The public names, and where each of them lives."""

from eventbus_local._bridge import Emitter as Emitter
from eventbus_local._console import ConsoleSink as ConsoleSink
from eventbus_local._jsonl import JsonlSink as JsonlSink
from eventbus_local._log_event import LogEvent as LogEvent
from eventbus_local._log_event import logging_catalog as logging_catalog
from eventbus_local._log_handler import LoggingHandler as LoggingHandler
from eventbus_local._logging import LoggingSink as LoggingSink
from eventbus_local._reader import read_events as read_events
from eventbus_local._settings import ConsoleSettings as ConsoleSettings
from eventbus_local._settings import JsonlSettings as JsonlSettings
from eventbus_local._settings import LoggingSettings as LoggingSettings
from eventbus_local._structlog import StructlogProcessor as StructlogProcessor
