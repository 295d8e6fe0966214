"""The public names, and where each of them lives."""

from eventbus_schemas._cancelled import CallCancelled as CallCancelled
from eventbus_schemas.hooks._debug_context import DebugContext as DebugContext
from eventbus_schemas.hooks._debug_context import debug_context as debug_context
from eventbus_schemas.hooks._endings import Cancelled as Cancelled
from eventbus_schemas.hooks._endings import Ending as Ending
from eventbus_schemas.hooks._endings import Raised as Raised
from eventbus_schemas.hooks._endings import Returned as Returned
from eventbus_schemas.hooks._errors import ApiError as ApiError
from eventbus_schemas.hooks._errors import ApiStatusError as ApiStatusError
from eventbus_schemas.hooks._errors import BuildError as BuildError
from eventbus_schemas.hooks._errors import (
    ContextWindowExceededError as ContextWindowExceededError,
)
from eventbus_schemas.hooks._errors import CyberPolicyError as CyberPolicyError
from eventbus_schemas.hooks._errors import HttpError as HttpError
from eventbus_schemas.hooks._errors import IdleTimeoutError as IdleTimeoutError
from eventbus_schemas.hooks._errors import InvalidRequestError as InvalidRequestError
from eventbus_schemas.hooks._errors import NetworkError as NetworkError
from eventbus_schemas.hooks._errors import QuotaExceededError as QuotaExceededError
from eventbus_schemas.hooks._errors import RateLimitError as RateLimitError
from eventbus_schemas.hooks._errors import RequestTimeoutError as RequestTimeoutError
from eventbus_schemas.hooks._errors import RetryableError as RetryableError
from eventbus_schemas.hooks._errors import RetryLimitError as RetryLimitError
from eventbus_schemas.hooks._errors import (
    ServerOverloadedError as ServerOverloadedError,
)
from eventbus_schemas.hooks._errors import StreamError as StreamError
from eventbus_schemas.hooks._errors import TransportError as TransportError
from eventbus_schemas.hooks._errors import (
    UsageNotIncludedError as UsageNotIncludedError,
)
from eventbus_schemas.hooks._event_hooks import EventHooks as EventHooks
from eventbus_schemas.hooks._facts import CallFacts as CallFacts
from eventbus_schemas.hooks._guard import hook_faults as hook_faults
from eventbus_schemas.hooks._httpx_client import HookedAsyncClient as HookedAsyncClient
from eventbus_schemas.hooks._httpx_client import httpx_sender as httpx_sender
from eventbus_schemas.hooks._observed import observed as observed
from eventbus_schemas.hooks._observed import observed_request as observed_request
from eventbus_schemas.hooks._observers import CancelTelemetry as CancelTelemetry
from eventbus_schemas.hooks._observers import ConnectTelemetry as ConnectTelemetry
from eventbus_schemas.hooks._observers import Operation as Operation
from eventbus_schemas.hooks._observers import RequestTelemetry as RequestTelemetry
from eventbus_schemas.hooks._observers import SseTelemetry as SseTelemetry
from eventbus_schemas.hooks._observers import WebsocketTelemetry as WebsocketTelemetry
from eventbus_schemas.hooks._polls import IdleTimeoutElapsed as IdleTimeoutElapsed
from eventbus_schemas.hooks._polls import Received as Received
from eventbus_schemas.hooks._polls import ServerSentEvent as ServerSentEvent
from eventbus_schemas.hooks._polls import SsePoll as SsePoll
from eventbus_schemas.hooks._polls import StreamEnded as StreamEnded
from eventbus_schemas.hooks._polls import StreamFailed as StreamFailed
from eventbus_schemas.hooks._polls import WebsocketFrame as WebsocketFrame
from eventbus_schemas.hooks._polls import WebsocketPoll as WebsocketPoll
from eventbus_schemas.hooks._retry import RetryPolicy as RetryPolicy
from eventbus_schemas.hooks._retry import (
    run_with_request_telemetry as run_with_request_telemetry,
)
from eventbus_schemas.hooks._safe_text import safe_text as safe_text
from eventbus_schemas.hooks._sse_parser import SseParser as SseParser
from eventbus_schemas.hooks._sse_reading import read_sse as read_sse
from eventbus_schemas.hooks._websockets_client import (
    HookedConnection as HookedConnection,
)
from eventbus_schemas.hooks._websockets_opening import (
    connect_websocket as connect_websocket,
)
