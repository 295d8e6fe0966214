"""What may be said about credentials: which there are, never what they are."""

from __future__ import annotations

from eventbus import Event


class AuthEnvironment(Event, gc=False):
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
