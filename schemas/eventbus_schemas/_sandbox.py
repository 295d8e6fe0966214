"""What is told of the walls around tools: what they stopped, and what they let pass."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from eventbus import Attribute, Label, Sensitive, Severity, Unit
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._turn_ids import OfTurn

SandboxResult = Literal["denied", "escalated", "timed_out", "signal", "other"]
NetworkScope = Literal["domain", "non_domain", "other"]
NetworkVerdict = Literal["allow", "deny", "ask", "other"]
NetworkDecider = Literal[
    "baseline_policy", "mode_guard", "proxy_state", "decider", "other"
]
NetworkProtocol = Literal["http", "https_connect", "socks5_tcp", "socks5_udp", "other"]

UNIX_SOCKET: Final = "unix-socket"

_MAX_HOST_LENGTH: Final = 253  # https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4
_ipv6: Final = re.compile(r"[0-9A-Fa-f:.]+(?:%[\w.~-]+)?").fullmatch
_in_no_host: Final = re.compile(r"[^\w.:~-]").search


class SandboxOutcome(
    OfTurn,
    tag="agent.sandbox_outcome",
    metrics=SESSION_METRICS,
    severity="warn",
    gc=False,
):
    """A tool did not come to a plain end inside its sandbox.

    Args:
        tool_name: The tool.
        outcome: What happened; what is not in the set is ``"other"``.
        initial_duration_ms: How long it ran inside.
        escalated_duration_ms: How long it ran outside after that, if it did.
        call_id: Joins it to the call.
    """

    tool_name: Annotated[str, Label, Attribute("gen_ai.tool.name")]
    outcome: Annotated[SandboxResult, Label]
    initial_duration_ms: Annotated[float, Unit("ms")]
    escalated_duration_ms: Annotated[float | None, Unit("ms")] = None
    call_id: Annotated[str | None, Attribute("gen_ai.tool.call.id")] = None


class NetworkPolicyDecision(
    OfTurn, tag="agent.network_policy_decision", metrics=SESSION_METRICS, gc=False
):
    """It was decided whether a tool may reach an address.

    It knows a host and a port, and neither the path nor the query of an address.

    Args:
        decision: What was decided; what is not in the set is ``"other"``.
        source: Which rule decided; what is not in the set is ``"other"``.
        scope: Whether the rule is about a domain; what is not in the set is
            ``"other"``.
        protocol: How it was to be reached; what is not in the set is ``"other"``.
        reason: Why, a word of the program's own.
        server_address: The host alone; ``"unix-socket"`` for a socket in a file.
        server_port: Its port; 0 for a socket in a file.
        request_method: The method of the request, where there is one.
        client_address: Who asked, where it is known.
        overridden: A person's word stood above the rule.
        severity: ``"warn"`` when it was denied.
    """

    decision: Annotated[NetworkVerdict, Label]
    source: Annotated[NetworkDecider, Label]
    scope: Annotated[NetworkScope, Label]
    protocol: Annotated[NetworkProtocol, Label]
    reason: str | None = None
    server_address: Annotated[str, Sensitive, Attribute("server.address")] = ""
    server_port: Annotated[int, Attribute("server.port")] = 0
    request_method: Annotated[str | None, Attribute("http.request.method")] = None
    client_address: Annotated[str | None, Sensitive, Attribute("client.address")] = None
    overridden: Annotated[bool, Label] = False
    severity: Severity = "info"

    @classmethod
    def of(
        cls,
        address: str,
        *,
        port: int,
        decision: NetworkVerdict,
        source: NetworkDecider,
        scope: NetworkScope,
        protocol: NetworkProtocol,
        reason: str | None = None,
        request_method: str | None = None,
        client_address: str | None = None,
        overridden: bool = False,
        turn_id: str | None = None,
        severity: Severity | None = None,
    ) -> NetworkPolicyDecision:
        """Make one with the severity that belongs to it.

        Args:
            address: A host, an address in the web, of which only the host is kept, or
                the path of a socket, of which nothing is.
            port: What is told of a host; a socket in a file has none.
            decision: As in the class.
            source: As in the class.
            scope: As in the class.
            protocol: As in the class.
            reason: As in the class.
            request_method: As in the class.
            client_address: As in the class.
            overridden: As in the class.
            turn_id: As in the class.
            severity: As in the class, unless it is given.
        """
        host = host_of(address)
        return cls(
            decision=decision,
            source=source,
            scope=scope,
            protocol=protocol,
            reason=reason,
            server_address=host,
            server_port=0 if host == UNIX_SOCKET else port,
            request_method=request_method,
            client_address=client_address,
            overridden=overridden,
            turn_id=turn_id,
            severity=severity or ("warn" if decision == "deny" else "info"),
        )


def host_of(address: str) -> str:
    """Return the host in *address*: no name, password, port, zone, path or query.

    ``"unix-socket"`` for the path of a socket or a pipe, and nothing where no host can
    be made out: what is not understood is not told.
    """
    is_path = address.startswith(("/", "./", "../", "unix:", "@")) or "\\" in address
    if is_path or address == UNIX_SOCKET:
        return UNIX_SOCKET
    if address.count(":") > 1 and _ipv6(address):
        address = f"[{address}]"
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host = parts.hostname or ""
    except ValueError:
        return ""
    if ":" in host:
        host = host.partition("%")[0]  # what follows is a link of this machine
    return host if len(host) <= _MAX_HOST_LENGTH and not _in_no_host(host) else ""
