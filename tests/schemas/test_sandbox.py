"""What is told of the walls around tools."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus._catalog import describe
from eventbus_schemas import NetworkPolicyDecision, SandboxOutcome
from eventbus_schemas._sandbox import NetworkVerdict, host_of


def decided(
    address: str, port: int = 443, decision: NetworkVerdict = "deny"
) -> NetworkPolicyDecision:
    return NetworkPolicyDecision.of(
        address,
        port=port,
        decision=decision,
        source="baseline_policy",
        scope="domain",
        protocol="https_connect",
    )


@pytest.mark.proves("B11")
def test_an_outcome_has_the_time_inside_and_that_outside_where_there_is_one() -> None:
    event = SandboxOutcome(
        tool_name="shell", outcome="denied", initial_duration_ms=0.0, call_id="c"
    )
    assert (event.initial_duration_ms, event.escalated_duration_ms) == (0.0, None)
    assert describe(SandboxOutcome).identity.severity == "warn"
    assert set(SandboxOutcome.__struct_fields__) == {
        *("tool_name", "call_id", "outcome", "turn_id"),
        *("initial_duration_ms", "escalated_duration_ms"),
    }


@pytest.mark.proves("B15")
@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com:8443", "example.com"),
        ("https://example.com/p/q?token=1#f", "example.com"),
        ("example.com/p?token=1", "example.com"),
        ("example.com?token=1", "example.com"),
        ("https://ada:secret@example.com/", "example.com"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("/run/user/1/secret.sock", "unix-socket"),
        ("unix:///run/secret.sock", "unix-socket"),
        ("https://[", ""),
        ("", ""),
        ("2001:DB8::1", "2001:db8::1"),
        ("::", "::"),
        ("1.2.3.4:80", "1.2.3.4"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("example.com%2Fsecret", ""),
        ("https://example.com%3Ftoken%3D1/", ""),
        ("b\u00fccher.example", "b\u00fccher.example"),
        ("./secret.sock", "unix-socket"),
        ("../secret.sock", "unix-socket"),
        ("@secret", "unix-socket"),
        ("unix-socket", "unix-socket"),
        (r"\\.\pipe\secret", "unix-socket"),
        (r"C:\Users\ada\secret.sock", "unix-socket"),
        ("my secret", ""),
        ("example.com'--", ""),
        ("a" * 253, "a" * 253),
        ("a" * 254, ""),
        (":" * 100_000 + "x", ""),
    ],
)
def test_of_an_address_the_host_is_told_and_nothing_else(
    address: str, host: str
) -> None:
    event = decided(address)
    assert event.server_address == host
    assert event.server_port == (0 if host == "unix-socket" else 443)


@pytest.mark.proves("B15")
@given(
    scheme=st.sampled_from(["", "http://", "wss://"]),
    path=st.text("abc/.%", max_size=8),
    query=st.text("abc=&", min_size=1, max_size=8),
)
def test_no_path_and_no_query_ever_get_in(scheme: str, path: str, query: str) -> None:
    assert host_of(f"{scheme}example.com/{path}?{query}") == "example.com"


@pytest.mark.proves("B15")
def test_a_network_decision_has_no_field_for_a_path_and_hides_its_hosts() -> None:
    known = describe(NetworkPolicyDecision)
    names = {field.name for field in known.fields}
    assert names == {
        *("decision", "source", "scope", "protocol", "reason", "turn_id", "severity"),
        *("server_address", "server_port", "request_method", "client_address"),
        "overridden",
    }
    assert set(known.sensitive_fields) == {"server_address", "client_address"}


@pytest.mark.proves("B15")
def test_a_denial_is_a_warning_and_what_is_unknown_is_absent() -> None:
    assert decided("a.b").severity == "warn"
    allowed = decided("a.b", decision="allow")
    assert (allowed.severity, allowed.request_method) == ("info", None)
    assert allowed.client_address is None
