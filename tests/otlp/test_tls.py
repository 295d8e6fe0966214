"""Whom connections trust, over HTTP and gRPC alike, and how certificates change."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from eventbus import Unavailable
from eventbus.testing import ManualClock
from eventbus_otlp import OtlpSettings
from eventbus_otlp._grpc_channel import Line
from eventbus_otlp._grpc_import import grpc
from eventbus_otlp._resolved import resolve
from eventbus_otlp._tls_renewal import tls_renewal
from tests.otlp import _grpc_servers, _servers
from tests.otlp._sinks import ids, open_sink, pings
from tests.otlp._tls_files import TOMORROW, YESTERDAY, Authority

LONG_AGO = datetime.now(UTC) - timedelta(days=400)
PROTOCOLS = ["http/protobuf", "grpc"]

Serve = Callable[..., AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def serving(
    protocol: str,
    authority: Authority,
    certificate: trustme.LeafCert | None = None,
    *answers: Any,
    clients: Authority | None = None,
    port: int = 0,
) -> AsyncGenerator[Any]:
    """Run a server with TLS; its ``url`` is a secure one whatever it speaks."""
    if protocol == "http/protobuf":
        context = authority.server(certificate, clients=clients)
        async with _servers.serving(*answers, tls=context, port=port) as server:
            yield server
        return
    leaf = certificate or authority.issue()
    pair = (
        leaf.private_key_pem.bytes(),
        b"".join(part.bytes() for part in leaf.cert_chain_pems),
    )
    credentials = grpc.ssl_server_credentials(
        [pair],
        root_certificates=clients.certificate.read_bytes() if clients else None,
        require_client_auth=clients is not None,
    )
    async with _grpc_servers.serving(
        *answers, credentials=credentials, port=port
    ) as server:
        yield server


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.mark.proves("G5", "fault-71")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_private_authority_is_trusted_when_it_is_named(
    protocol: Any, authority: Authority
) -> None:
    """The certificate is for an address, not for a name."""
    async with (
        serving(protocol, authority) as server,
        open_sink(
            server.url, protocol=protocol, certificate=str(authority.certificate)
        ) as sink,
    ):
        await sink.write(pings(1))
        await sink.check()
    assert server.ids == ids(1)


@pytest.mark.proves("G5", "fault-71")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_an_authority_that_is_named_is_the_only_one(
    protocol: Any,
    authority: Authority,
    other: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    async with (
        serving(protocol, authority) as server,
        open_sink(
            server.url, protocol=protocol, certificate=str(other.certificate)
        ) as sink,
    ):
        with pytest.raises(Unavailable, match=r"(?i)certificate.?verify.?failed"):
            await sink.write(pings(1))
    assert server.ids == []


@pytest.mark.proves("G12")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_without_a_name_the_trust_store_of_the_system_decides(
    protocol: Any, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(protocol, authority) as server:
        async with open_sink(server.url, protocol=protocol) as sink:
            with pytest.raises(Unavailable, match=r"(?i)certificate.?verify.?failed"):
                await sink.write(pings(1))
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        async with open_sink(server.url, protocol=protocol) as sink:
            await sink.write(pings(2))
    assert server.ids == ids(2)


@pytest.mark.proves("fault-71")
@pytest.mark.parametrize(
    ("names", "times"),
    [
        ((), {"not_before": LONG_AGO, "not_after": YESTERDAY}),
        ((), {"not_before": TOMORROW}),
        (("127.0.0.2",), {}),
        (("collector.example.org",), {}),
    ],
    ids=["expired", "not yet valid", "another address", "another name"],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_certificate_that_does_not_hold_is_refused(
    protocol: Any, names: tuple[str, ...], times: Any, authority: Authority
) -> None:
    certificate = authority.issue(*names, **times)
    async with (
        serving(protocol, authority, certificate) as server,
        open_sink(
            server.url, protocol=protocol, certificate=str(authority.certificate)
        ) as sink,
    ):
        with pytest.raises(Unavailable, match=r"(?i)certif|hostname|peer name"):
            await sink.write(pings(1))
    assert server.ids == []


@pytest.mark.proves("fault-71")
async def test_a_certificate_that_is_signed_by_sha1_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path, trustme.KeyType.RSA)
    chain, key = tmp_path / "sha1.pem", tmp_path / "sha1.key"
    for file, content in zip((chain, key), authority.issue_by_sha1(), strict=True):
        file.write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(chain, key)
    async with (
        _servers.serving(tls=context) as server,
        open_sink(server.url, certificate=str(authority.certificate)) as sink,
    ):
        says = "its certificate is not trusted: .*digest algorithm too weak"
        with pytest.raises(Unavailable, match=says):
            await sink.write(pings(1))
    assert server.requests == []


@pytest.mark.proves("fault-71")
@pytest.mark.parametrize(
    ("protocol", "says"),
    [
        ("http/protobuf", r"no connection to 127\.0\.0\.1.*: it was closed while it"),
        ("grpc", r"UNAVAILABLE.*Handshake read failed"),
    ],
)
async def test_an_old_version_of_tls_is_refused(
    protocol: Any, says: str, authority: Authority
) -> None:
    with pytest.warns(DeprecationWarning, match="TLS"):
        old = authority.server(at_most=ssl.TLSVersion.TLSv1_1)
    async with (
        _servers.serving(tls=old) as server,
        open_sink(
            server.url, protocol=protocol, certificate=str(authority.certificate)
        ) as sink,
    ):
        with pytest.raises(Unavailable, match=says):
            await sink.write(pings(1))
    assert server.requests == []


@pytest.mark.proves("G5", "fault-71")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_both_sides_show_a_certificate_where_the_server_asks(
    protocol: Any, authority: Authority, other: Authority
) -> None:
    trusted = {"protocol": protocol, "certificate": str(authority.certificate)}
    async with serving(protocol, authority, clients=other) as server:
        async with open_sink(server.url, **trusted) as sink:
            with pytest.raises(Unavailable):
                await sink.write(pings(1))
        certificate, key = authority.pair("stranger")
        async with open_sink(
            server.url,
            **trusted,
            client_certificate=str(certificate),
            client_key=str(key),
        ) as sink:
            with pytest.raises(Unavailable):
                await sink.write(pings(2))
        certificate, key = other.pair()
        async with open_sink(
            server.url,
            **trusted,
            client_certificate=str(certificate),
            client_key=str(key),
        ) as sink:
            await sink.write(pings(3))
    assert server.ids == ids(3)


@pytest.mark.proves("fault-71")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_there_is_no_way_back_to_plain_text(
    protocol: Any, authority: Authority
) -> None:
    servers: Any = _servers if protocol == "http/protobuf" else _grpc_servers
    async with (
        servers.serving() as server,
        open_sink(
            server.url.replace("http:", "https:"),
            protocol=protocol,
            certificate=str(authority.certificate),
        ) as sink,
    ):
        with pytest.raises(Unavailable, match=r"(?i)wrong.version.number|SSL"):
            await sink.write(pings(1))
    assert server.ids == []


@pytest.mark.proves("fault-67")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_plain_text_to_a_server_with_tls_is_no_connection(
    protocol: Any, authority: Authority
) -> None:
    async with (
        serving(protocol, authority) as server,
        open_sink(server.url.replace("https:", "http:"), protocol=protocol) as sink,
    ):
        with pytest.raises(Unavailable):
            await sink.write(pings(1))
    assert server.ids == []


@pytest.mark.proves("G5", "fault-71")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_file_that_is_missing_is_named_at_the_start_and_may_come_later(
    protocol: Any, authority: Authority, tmp_path: Path
) -> None:
    file = tmp_path / "later.pem"
    async with serving(protocol, authority) as server:
        sink_at = open_sink(server.url, protocol=protocol, certificate=str(file))
        with pytest.raises(Unavailable, match=f"certificate '{file}' cannot be read"):
            async with sink_at:
                pass
        file.write_bytes(authority.certificate.read_bytes())
        async with open_sink(
            server.url, protocol=protocol, certificate=str(file)
        ) as sink:
            await sink.write(pings(1))
    assert server.ids == ids(1)


@pytest.mark.proves("fault-71")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_new_certificates_are_taken_up_within_the_interval(
    protocol: Any,
    authority: Authority,
    other: Authority,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file, clock = tmp_path / "trusted.pem", ManualClock()
    file.write_bytes(authority.certificate.read_bytes())
    async with (
        serving(protocol, authority) as before,
        open_sink(
            before.url, protocol=protocol, certificate=str(file), clock=clock
        ) as sink,
    ):
        await sink.write(pings(1))
        port = _port(before)
        await before.stop()
        async with serving(protocol, other, port=port) as after:
            file.write_bytes(other.certificate.read_bytes())
            with pytest.raises(Unavailable):
                await sink.write(pings(2))
            file.write_bytes(b"half a file")
            clock.advance(60)
            with (
                caplog.at_level(logging.WARNING, logger="eventbus"),
                pytest.raises(Unavailable),
            ):
                await sink.write(pings(2))
            file.write_bytes(other.certificate.read_bytes())
            clock.advance(60)
            await sink.write(pings(2))
        assert after.ids == ids(2)
    assert "the certificates in use stay" in caplog.text
    assert before.ids == ids(1)


@pytest.mark.proves("fault-71")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_request_on_its_way_ends_over_its_old_connection(
    protocol: Any, authority: Authority, other: Authority, tmp_path: Path
) -> None:
    file, clock, gate = tmp_path / "trusted.pem", ManualClock(), asyncio.Event()
    file.write_bytes(authority.certificate.read_bytes())

    async def answers_later(*arguments: Any) -> Any:
        await gate.wait()
        return await servers.OK(*arguments)

    servers: Any = _servers if protocol == "http/protobuf" else _grpc_servers
    async with (
        serving(protocol, authority, None, answers_later) as server,
        open_sink(
            server.url, protocol=protocol, certificate=str(file), clock=clock
        ) as sink,
    ):
        first = asyncio.create_task(sink.write(pings(1)))
        await server.came.wait()
        both = file.read_bytes() + other.certificate.read_bytes()
        file.write_bytes(both)
        clock.advance(60)
        assert await sink.write(pings(2)) is None
        gate.set()
        assert await first is None
        assert await sink.write(pings(3)) is None
    assert server.ids == ids(1, 2, 3)


async def test_an_old_channel_is_closed_with_its_last_call_or_with_the_line(
    authority: Authority, tmp_path: Path
) -> None:
    file, clock = tmp_path / "trusted.pem", ManualClock()
    file.write_bytes(authority.certificate.read_bytes())
    target = resolve(
        OtlpSettings(
            endpoint="https://127.0.0.1:1", protocol="grpc", certificate=str(file)
        ),
        {},
        print,
    )["logs"]
    renewal = tls_renewal(target, interval_seconds=60, clock=clock)
    line = Line(target.endpoint, renewal, {})

    def change() -> None:
        file.write_bytes(file.read_bytes() + b"\n")
        clock.advance(60)

    async with line.channel() as first:
        change()
        async with line.channel() as second:
            assert second is not first
        assert first.is_open
    assert (first.is_open, second.is_open) == (False, True)
    async with line.channel() as second:
        change()
        async with line.channel() as third:
            await line.aclose()
    assert (second.is_open, third.is_open) == (False, False)


def _port(server: Any) -> int:
    return int(server.url.rpartition(":")[2])
