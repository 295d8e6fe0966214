"""What is told of a request to the model's provider, and when it succeeded."""

from __future__ import annotations

from typing import Annotated, Literal

from eventbus import Attribute, Label, Sensitive, Severity, Span, Unit
from eventbus_schemas._auth import AuthEnvironment
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._session import Model

ErrorType = Literal[
    "http",
    "timeout",
    "network",
    "build",
    "retry_limit",
    "stream",
    "api",
    "context_window_exceeded",
    "quota_exceeded",
    "usage_not_included",
    "retryable",
    "rate_limit",
    "invalid_request",
    "cyber_policy",
    "server_overloaded",
    "unauthorized",
    "cancelled",
    "other",
]
"""What kind of error ended something; what is not in the set is ``"other"``."""

ErrorMessage = Annotated[str | None, Sensitive, Attribute("error.message")]


def request_succeeded(status_code: int | None, *, error: object = None) -> bool:
    """Return whether a request succeeded: its status is 2xx and there is no error."""
    return error is None and status_code is not None and 200 <= status_code < 300


class ModelRequest(AuthEnvironment, gc=False):
    """A request to the model's provider; a base of events.

    Args:
        success: It succeeded.
        duration_ms: How long it took.
        attempt: From 0; 1 is the first retry.
        error_type: Kind of error; what is not in the set is ``"other"``.
        error_message: The error's own words.
        model: The model asked for.
        turn_id: The turn it belongs to.
        request_id: Its name in this program: the same for all its attempts, for the
            pieces of its stream and for its completion.
        auth_agent_id: The agent the credentials are for.
        auth_task_id: The task the credentials are for.
        severity: ``"warn"`` suits one that failed.
    """

    success: Annotated[bool, Label]
    duration_ms: Annotated[float, Unit("ms")]
    attempt: int = 0
    error_type: Annotated[ErrorType | None, Label, Attribute("error.type")] = None
    error_message: ErrorMessage = None
    model: Model = None
    turn_id: str | None = None
    request_id: str | None = None
    auth_agent_id: str | None = None
    auth_task_id: str | None = None
    severity: Severity = "info"


class AnsweredRequest(ModelRequest, gc=False):
    """A request that the provider answers with a status; a base of events.

    Args:
        endpoint: Path of the interface, one of few (``"/responses"``, ``"/models"``).
        status_code: Of the response, when there was one.
        auth_mode: How the agent shows who it is, one of few (``"ApiKey"``,
            ``"Chatgpt"``).
        auth_header_attached: The request carried credentials.
        auth_header_name: In which header.
        auth_retry_after_unauthorized: The attempt follows a refused one.
        auth_recovery_mode: How new credentials were got.
        auth_recovery_phase: How far that came.
        auth_request_id: The provider's name for the request.
        auth_cf_ray: The name its front end gave it.
        auth_error: The provider's error about credentials.
        auth_error_code: The code of that error.
    """

    endpoint: Annotated[str, Label] = "unknown"
    status_code: Annotated[
        int | None, Label, Attribute("http.response.status_code")
    ] = None
    auth_mode: Annotated[str | None, Label] = None
    auth_header_attached: bool | None = None
    auth_header_name: str | None = None
    auth_retry_after_unauthorized: bool | None = None
    auth_recovery_mode: str | None = None
    auth_recovery_phase: str | None = None
    auth_request_id: str | None = None
    auth_cf_ray: str | None = None
    auth_error: Annotated[str | None, Sensitive] = None
    auth_error_code: str | None = None


class ApiRequest(
    AnsweredRequest,
    tag="agent.api_request",
    span=Span("request {endpoint}", duration="duration_ms", ok="success"),
    metrics=SESSION_METRICS,
    gc=False,
):
    """One attempt of a request to the provider ended.

    Args:
        success: The status is 2xx and there was no error.
        duration_ms: From sending to the head of the response.
    """
