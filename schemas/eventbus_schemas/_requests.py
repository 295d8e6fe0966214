"""What is told of a request to the model's provider, and when it succeeded."""

from __future__ import annotations

from typing import Annotated

from eventbus import Attribute, Label, Sensitive, Unit
from eventbus_schemas._auth import AuthEnvironment
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._session import Model


def request_succeeded(status_code: int | None, *, error: object = None) -> bool:
    """Return whether a request succeeded: its status is 2xx and there is no error."""
    return error is None and status_code is not None and 200 <= status_code < 300


class ApiRequest(
    AuthEnvironment, tag="agent.api_request", metrics=SESSION_METRICS, gc=False
):
    """One attempt of a request to the provider ended.

    Args:
        success: The status is 2xx and there was no error.
        duration_ms: From sending to the head of the response.
        endpoint: Path of the interface, one of few (``"/responses"``, ``"/models"``).
        attempt: From 0; 1 is the first retry.
        status_code: Of the response, when there was one.
        error_type: Kind of error, one of few (``"timeout"``, ``"network"``).
        error_message: The error's own words.
        model: The model asked for.
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
        auth_agent_id: The agent the credentials are for.
        auth_task_id: The task the credentials are for.
    """

    success: Annotated[bool, Label]
    duration_ms: Annotated[float, Unit("ms")]
    endpoint: Annotated[str, Label] = "unknown"
    attempt: int = 0
    status_code: Annotated[
        int | None, Label, Attribute("http.response.status_code")
    ] = None
    error_type: Annotated[str | None, Label, Attribute("error.type")] = None
    error_message: Annotated[str | None, Sensitive, Attribute("error.message")] = None
    model: Model = None
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
    auth_agent_id: str | None = None
    auth_task_id: str | None = None
