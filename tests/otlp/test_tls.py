"""Whom connections trust, over HTTP and gRPC alike, and how certificates change."""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from eventbus import Unavailable
from eventbus.testing import Gate, ManualClock, OtlpCollector, replies
from eventbus_otlp import OtlpSettings, OtlpSink
from eventbus_otlp._grpc_channel import Line
from eventbus_otlp._resolved import resolve
from eventbus_otlp._tls_renewal import tls_renewal
from tests.otlp._collector import BOTH, ids_of, port_of
from tests.otlp._sinks import ids, open_sink, pings
from tests.otlp._tls_files import TOMORROW, YESTERDAY, Authority

LONG_AGO = datetime.now(UTC) - timedelta(days=400)
PROTOCOLS = ["http/protobuf", "grpc"]


def secured(
    authority: Authority,
    certificate: trustme.LeafCert | None = None,
    *script: replies.Reply,
    clients: Authority | None = None,
    in_place_of: OtlpCollector | None = None,
) -> OtlpCollector:
    """Return a collector with TLS, over HTTP and gRPC; at the ports of another one."""
    ports: dict[str, Any] = {}
    if in_place_of is not None:
        ports["port"] = port_of(in_place_of.url)
        ports["grpc_port"] = port_of(in_place_of.grpc_url)
    return OtlpCollector(
        *script,
        transports=BOTH,
        tls=authority.server(certificate, clients=clients),
        credentials=authority.credentials(certificate, clients=clients),
        **ports,
    )


def sink_to(
    server: OtlpCollector, protocol: Any, certificate: Path, **more: Any
) -> AbstractAsyncContextManager[OtlpSink]:
    """Open a sink that trusts whom the file *certificate* names."""
    return open_sink(
        server.url_for(protocol),
        protocol=protocol,
        certificate=str(certificate),
        **more,
    )


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
        secured(authority) as server,
        sink_to(server, protocol, authority.certificate) as sink,
    ):
        await sink.write(pings(1))
        await sink.check()
    assert ids_of(server) == ids(1)


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
        secured(authority) as server,
        sink_to(server, protocol, other.certificate) as sink,
    ):
        with pytest.raises(Unavailable, match=r"(?i)certificate.?verify.?failed"):
            await sink.write(pings(1))
    assert ids_of(server) == []


@pytest.mark.proves("G12")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_without_a_name_the_trust_store_of_the_system_decides(
    protocol: Any, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with secured(authority) as server:
        async with open_sink(server.url_for(protocol), protocol=protocol) as sink:
            with pytest.raises(Unavailable, match=r"(?i)certificate.?verify.?failed"):
                await sink.write(pings(1))
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        async with open_sink(server.url_for(protocol), protocol=protocol) as sink:
            await sink.write(pings(2))
    assert ids_of(server) == ids(2)


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
        secured(authority, certificate) as server,
        sink_to(server, protocol, authority.certificate) as sink,
    ):
        with pytest.raises(Unavailable, match=r"(?i)certif|hostname|peer name"):
            await sink.write(pings(1))
    assert ids_of(server) == []


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
        OtlpCollector(tls=context) as server,
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
        OtlpCollector(tls=old) as server,
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
    trusted = authority.certificate
    async with secured(authority, clients=other) as server:
        async with sink_to(server, protocol, trusted) as sink:
            with pytest.raises(Unavailable):
                await sink.write(pings(1))
        certificate, key = authority.pair("stranger")
        async with sink_to(
            server,
            protocol,
            trusted,
            client_certificate=str(certificate),
            client_key=str(key),
        ) as sink:
            with pytest.raises(Unavailable):
                await sink.write(pings(2))
        certificate, key = other.pair()
        async with sink_to(
            server,
            protocol,
            trusted,
            client_certificate=str(certificate),
            client_key=str(key),
        ) as sink:
            await sink.write(pings(3))
    assert ids_of(server) == ids(3)


@pytest.mark.proves("fault-71")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_there_is_no_way_back_to_plain_text(
    protocol: Any, authority: Authority
) -> None:
    async with (
        OtlpCollector(transports=BOTH) as server,
        open_sink(
            server.url_for(protocol).replace("http:", "https:"),
            protocol=protocol,
            certificate=str(authority.certificate),
        ) as sink,
    ):
        with pytest.raises(Unavailable, match=r"(?i)wrong.version.number|SSL"):
            await sink.write(pings(1))
    assert ids_of(server) == []


@pytest.mark.proves("fault-67")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_plain_text_to_a_server_with_tls_is_no_connection(
    protocol: Any, authority: Authority
) -> None:
    async with (
        secured(authority) as server,
        open_sink(
            server.url_for(protocol).replace("https:", "http:"), protocol=protocol
        ) as sink,
    ):
        with pytest.raises(Unavailable):
            await sink.write(pings(1))
    assert ids_of(server) == []


@pytest.mark.proves("G5", "fault-71")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_file_that_is_missing_is_named_at_the_start_and_may_come_later(
    protocol: Any, authority: Authority, tmp_path: Path
) -> None:
    file = tmp_path / "later.pem"
    async with secured(authority) as server:
        sink_at = sink_to(server, protocol, file)
        with pytest.raises(Unavailable, match=f"certificate '{file}' cannot be read"):
            async with sink_at:
                pass
        file.write_bytes(authority.certificate.read_bytes())
        async with sink_to(server, protocol, file) as sink:
            await sink.write(pings(1))
    assert ids_of(server) == ids(1)


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
        secured(authority) as before,
        sink_to(before, protocol, file, clock=clock) as sink,
    ):
        await sink.write(pings(1))
        await before.stop()
        async with secured(other, in_place_of=before) as after:
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
        assert ids_of(after) == ids(2)
    assert "the certificates in use stay" in caplog.text
    assert ids_of(before) == ids(1)


@pytest.mark.proves("fault-71")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_request_on_its_way_ends_over_its_old_connection(
    protocol: Any, authority: Authority, other: Authority, tmp_path: Path
) -> None:
    file, clock, gate = tmp_path / "trusted.pem", ManualClock(), Gate()
    file.write_bytes(authority.certificate.read_bytes())
    async with (
        secured(authority, None, replies.after(gate)) as server,
        sink_to(server, protocol, file, clock=clock) as sink,
    ):
        first = asyncio.create_task(sink.write(pings(1)))
        await gate.reached()
        both = file.read_bytes() + other.certificate.read_bytes()
        file.write_bytes(both)
        clock.advance(60)
        assert await sink.write(pings(2)) is None
        gate.open()
        assert await first is None
        assert await sink.write(pings(3)) is None
    assert ids_of(server) == ids(1, 2, 3)


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
