"""What is told of getting new credentials."""

from __future__ import annotations

import pytest

from eventbus._catalog import describe
from eventbus_schemas import AuthRecovery


@pytest.mark.proves("B12")
@pytest.mark.parametrize(
    ("outcome", "known", "severity"),
    [
        ("succeeded", "succeeded", "info"),
        ("failed_permanent", "failed_permanent", "error"),
        ("FailedTransient", "failed_transient", "warn"),
        ("not_run", "not_run", "info"),
        ("lost", "other", "warn"),
    ],
)
def test_severity_follows_from_what_came_of_it(
    outcome: str, known: str, severity: str
) -> None:
    event = AuthRecovery.of("refresh_token", outcome)
    assert (event.outcome, event.severity) == (known, severity)


@pytest.mark.proves("B12", "B21")
def test_what_is_not_told_is_absent_and_a_state_that_stayed_is_false() -> None:
    event = AuthRecovery.of("reload", "not_run", state_changed=False)
    assert event.state_changed is False
    assert AuthRecovery.of("reload", "not_run").state_changed is None


@pytest.mark.proves("B12")
def test_it_has_the_provider_s_words_as_content_and_never_a_credential() -> None:
    known = describe(AuthRecovery)
    assert {field.name for field in known.fields} == {
        *("step", "outcome", "reason", "state_changed", "turn_id", "severity"),
        *("auth_mode", "auth_request_id", "auth_cf_ray", "auth_error"),
        "auth_error_code",
    }
    assert known.sensitive_fields == ("auth_error",)
