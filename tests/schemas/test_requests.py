"""When a request to the provider succeeded, and what is told of it."""

from __future__ import annotations

import pytest

from eventbus_schemas import ApiRequest, request_succeeded


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    ("status_code", "error", "success"),
    [
        (200, None, True),
        (204, None, True),
        (299, None, True),
        (200, "stream broke", False),
        (199, None, False),
        (300, None, False),
        (404, None, False),
        (500, "http 500", False),
        (None, "timeout", False),
        (None, None, False),
    ],
)
def test_request_succeeds_with_2xx_and_no_error(
    status_code: int | None, error: str | None, success: bool
) -> None:
    assert request_succeeded(status_code, error=error) is success


@pytest.mark.proves("B5")
def test_request_has_the_forms_of_a_session_and_of_the_list_of_models() -> None:
    session = ApiRequest(
        endpoint="/responses",
        success=False,
        duration_ms=12.5,
        attempt=1,
        status_code=503,
        error_message="http 503",
        auth_header_attached=True,
        auth_header_name="authorization",
        auth_retry_after_unauthorized=False,
        auth_recovery_mode="managed",
        auth_recovery_phase="refresh",
        auth_env_openai_api_key_present=True,
        auth_env_provider_key_name="configured",
        auth_request_id="r",
        auth_cf_ray="c",
        auth_error="e",
        auth_error_code="expired",
        auth_agent_id="a",
        auth_task_id="t",
    )
    models = ApiRequest(
        endpoint="/models", success=True, duration_ms=3.0, auth_mode="ApiKey"
    )
    assert (session.attempt, session.auth_mode) == (1, None)
    assert (models.status_code, models.auth_recovery_mode) == (None, None)
