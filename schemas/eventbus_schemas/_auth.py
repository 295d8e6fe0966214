"""What may be said about credentials: which there are, never what they are."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from eventbus import Label, Sensitive, Severity
from eventbus_schemas._agent_event import AgentEvent
from eventbus_schemas._closed_sets import one_of
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._turn_ids import OfTurn

AuthOutcome = Literal[
    "succeeded", "failed_permanent", "failed_transient", "not_run", "other"
]

_SEVERITY: Final[dict[AuthOutcome, Severity]] = {
    "succeeded": "info",
    "failed_permanent": "error",
    "failed_transient": "warn",
    "not_run": "info",
    "other": "warn",
}


class AuthEnvironment(AgentEvent, gc=False):
    """Which credentials the environment of the agent holds; a base of events.

    Args:
        auth_env_openai_api_key_present: ``OPENAI_API_KEY`` is set.
        auth_env_codex_api_key_present: ``CODEX_API_KEY`` is set.
        auth_env_codex_api_key_enabled: ``CODEX_API_KEY`` may be used.
        auth_env_provider_key_name: ``"configured"`` when the provider names a variable
            for its key; never the name itself.
        auth_env_provider_key_present: That variable is set.
        auth_env_refresh_token_url_override_present: The address for refreshing tokens
            is overridden.
    """

    auth_env_openai_api_key_present: bool | None = None
    auth_env_codex_api_key_present: bool | None = None
    auth_env_codex_api_key_enabled: bool | None = None
    auth_env_provider_key_name: str | None = None
    auth_env_provider_key_present: bool | None = None
    auth_env_refresh_token_url_override_present: bool | None = None


class AuthRecovery(
    OfTurn, tag="agent.auth_recovery", metrics=SESSION_METRICS, gc=False
):
    """New credentials were to be got after the provider had refused those there were.

    Args:
        step: Which way was tried, one of few (``"reload"``, ``"refresh_token"``).
        outcome: What came of it; what is not in the set is ``"other"``.
        reason: Why it ended so, a word of the program's own.
        state_changed: The credentials are others than before.
        auth_mode: How the agent shows who it is, one of few (``"ApiKey"``,
            ``"Chatgpt"``).
        auth_request_id: The provider's name for the request that was refused.
        auth_cf_ray: The name its front end gave it.
        auth_error: The provider's error about credentials.
        auth_error_code: The code of that error.
        severity: ``"error"`` when it failed for good, ``"warn"`` when it may yet work,
            else ``"info"``.
    """

    step: Annotated[str, Label]
    outcome: Annotated[AuthOutcome, Label]
    reason: str | None = None
    state_changed: bool | None = None
    auth_mode: Annotated[str | None, Label] = None
    auth_request_id: str | None = None
    auth_cf_ray: str | None = None
    auth_error: Annotated[str | None, Sensitive] = None
    auth_error_code: str | None = None
    severity: Severity = "info"

    @classmethod
    def of(
        cls,
        step: str,
        outcome: str,
        *,
        auth_mode: str | None = None,
        reason: str | None = None,
        state_changed: bool | None = None,
        auth_request_id: str | None = None,
        auth_cf_ray: str | None = None,
        auth_error: str | None = None,
        auth_error_code: str | None = None,
        turn_id: str | None = None,
        severity: Severity | None = None,
    ) -> AuthRecovery:
        """Make one with the severity of *outcome*, an unknown one being ``"other"``."""
        known: AuthOutcome = one_of(_SEVERITY, outcome, "other")
        return cls(
            step=step,
            outcome=known,
            auth_mode=auth_mode,
            reason=reason,
            state_changed=state_changed,
            auth_request_id=auth_request_id,
            auth_cf_ray=auth_cf_ray,
            auth_error=auth_error,
            auth_error_code=auth_error_code,
            turn_id=turn_id,
            severity=severity or _SEVERITY[known],
        )
