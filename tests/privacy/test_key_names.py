"""Which names are those of secrets."""

from __future__ import annotations

import pytest

from eventbus.privacy._key_names import KEY_NAMES, KeyNames

SECRET = [
    "access_key",
    "token",
    "tokens",
    "api_key",
    "apiKey",
    "API-KEY",
    "x-api-key",
    "OPENAI_API_KEY",
    "openaiApiKey",
    "PassWord",
    "X-PassWord",
    "APIkey",
    "authorization",
    "Proxy-Authorization",
    "bearer",
    "client_secret",
    "cookie",
    "Set-Cookie",
    "credential",
    "credentials",
    "db.password",
    "private_key",
    "refresh_token",
    "secret",
    "session_token",
    "signing_key",
    "aws_secret_access_key",
    "passphrase",
    "X-Amz-Signature",
    "x-amz-credential",
    "X-Amz-Security-Token",
    "X-Goog-Signature",
    "X-Goog-Credential",
    "SharedAccessSignature",
]
INNOCENT = [
    "token_id",
    "token_ids",
    "api_key_ref",
    "secret_refs",
    "tokenizer",
    "keys",
    "key",
    "monkey",
    "tokenCount",
    "input_tokens",
    "cached_input_tokens",
    "max_tokens",
    "totalTokens",
    "is_secret",
    "time_to_first_token",
    "password_hint_shown",
    "author",
    "cookie_policy",
    "signature",
    "signatures",
    "function_signature",
    "X-Amz-SignedHeaders",
    "X-Amz-Date",
    "feature",
    "temperature",
]
OF_URLS = ["AWSAccessKeyId", "Signature", "sig"]


@pytest.mark.proves("E5")
@pytest.mark.parametrize("name", [*SECRET, *KEY_NAMES])
def test_names_of_secrets_are_known_whole_and_as_an_end(name: str) -> None:
    names = KeyNames()
    assert names.is_secret(name)
    assert names.is_secret(f"my_{name}")
    assert not names.is_secret(f"{name}_id")


@pytest.mark.proves("E5")
@pytest.mark.parametrize("name", INNOCENT)
def test_counters_references_and_other_words_are_no_secrets(name: str) -> None:
    assert not KeyNames().is_secret(name)


def test_more_names_may_be_given_and_safe_ones_win() -> None:
    names = KeyNames(["patientId", "bonus token"], safe=["page_token", "token"])
    assert names.is_secret("the_patient_id")
    assert not names.is_secret("page_token")
    assert not names.is_secret("bonus_token")
    assert names.is_secret("password")
    assert names.is_secret("PatientID")
    assert not names.is_secret("ToKen")


def test_answers_are_remembered_within_a_bound() -> None:
    names = KeyNames()
    for number in range(10_000):
        assert names.is_secret(f"n{number}_token")
        assert len(names._remembered) <= 4096
    assert names._remembered["n9999_token"]


def test_long_names_are_known_by_their_end_and_signs_behind_one_do_not_matter() -> None:
    names = KeyNames()
    assert names.is_secret("x" * 200 + "_token")
    assert not names.is_secret("token" + "x" * 200)
    assert names.is_secret("token_")
    assert names.is_secret("(api key)")


@pytest.mark.parametrize("name", OF_URLS)
def test_parameters_of_signed_urls_are_names_of_secrets_spelled_just_so(
    name: str,
) -> None:
    names = KeyNames()
    assert names.is_secret(name)
    for other in (name.swapcase(), f"my_{name}", f"{name}_", f"{name}s"):
        assert not names.is_secret(other)
    assert not KeyNames(safe=[name]).is_secret(name)
