"""The public names, and where each of them lives."""

from eventbus_schemas._catalog import agent_catalog as agent_catalog
from eventbus_schemas._codex_exec import read_codex_exec as read_codex_exec
from eventbus_schemas._codex_rollout import read_codex_rollout as read_codex_rollout
from eventbus_schemas._metrics import SESSION_LABELS as SESSION_LABELS
from eventbus_schemas._prompts import UserPrompt as UserPrompt
from eventbus_schemas._requests import ApiRequest as ApiRequest
from eventbus_schemas._requests import request_succeeded as request_succeeded
from eventbus_schemas._responses import AgentResponse as AgentResponse
from eventbus_schemas._responses import Reasoning as Reasoning
from eventbus_schemas._session import ConversationStarts as ConversationStarts
from eventbus_schemas._session import TurnAborted as TurnAborted
from eventbus_schemas._session import TurnCompleted as TurnCompleted
from eventbus_schemas._session import TurnContext as TurnContext
from eventbus_schemas._session import TurnFailed as TurnFailed
from eventbus_schemas._session import TurnStarted as TurnStarted
from eventbus_schemas._stream import SseEvent as SseEvent
from eventbus_schemas._stream import classify_sse as classify_sse
from eventbus_schemas._tools import FileChange as FileChange
from eventbus_schemas._tools import ToolResult as ToolResult
from eventbus_schemas._usage import RateLimits as RateLimits
from eventbus_schemas._usage import TokenUsage as TokenUsage
