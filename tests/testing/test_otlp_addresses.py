"""Where a loopback collector listens, and how that is secured."""

from __future__ import annotations

import socket
import ssl

import aiohttp
import pytest
import trustme

from eventbus.testing import OtlpCollector
from eventbus.testing._otlp_grpc import need_grpc
from eventbus.testing._otlp_request import service_of
from tests.testing._otlp import PROTOCOLS, collector_for, send_one


async def test_it_has_a_url_only_for_what_it_takes_and_once_it_does() -> None:
    for protocol in PROTOCOLS:
        with pytest.raises(RuntimeError, match="only from its `async with` block on"):
            OtlpCollector(transports=["http", "grpc"]).url_for(protocol)
    async with OtlpCollector() as http, collector_for("grpc") as grpc:
        assert http.url_for("http/json") == http.url_for("http/protobuf") == http.url
        assert grpc.url_for("grpc") == grpc.grpc_url
        with pytest.raises(RuntimeError, match=r"transports=\['grpc'\]"):
            _ = http.grpc_url
        with pytest.raises(RuntimeError, match=r"transports=\['http'\]"):
            _ = grpc.url
        url = http.url
    assert http.url == url


async def test_an_address_of_ipv6_is_one_of_a_url() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with OtlpCollector(transports=["http", "grpc"], host="::1") as collector:
        for protocol in PROTOCOLS:
            await send_one(collector.url_for(protocol), protocol)
        assert collector.url.startswith("http://[::1]:")
        assert len(collector.logs) == 3


def test_another_transport_is_refused() -> None:
    with pytest.raises(ValueError, match="transports must be of http, grpc, got 'udp'"):
        OtlpCollector(transports=["udp"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="transports must have one, got none"):
        OtlpCollector(transports=[])
    with pytest.raises(TypeError, match="transports must be a list of texts, got str"):
        OtlpCollector(transports="grpc")  # type: ignore[arg-type]


async def test_it_serves_over_tls() -> None:
    authority = trustme.CA()
    server, client = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.create_default_context(),
    )
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    async with OtlpCollector(tls=server) as collector:
        assert collector.url.startswith("https://")
        connector = aiohttp.TCPConnector(ssl=client)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.post(
                f"{collector.url}/v1/logs",
                data=b"",
                headers={"content-type": "application/x-protobuf"},
            ) as answer,
        ):
            assert answer.status == 200


@pytest.mark.parametrize("grpc_gzip", [False, True])
async def test_it_serves_grpc_over_tls_with_options_of_grpcs_own(
    grpc_gzip: bool,
) -> None:
    grpc, authority = need_grpc(), trustme.CA()
    leaf = authority.issue_cert("localhost")
    chain = b"".join(one.bytes() for one in leaf.cert_chain_pems)
    credentials = grpc.ssl_server_credentials([(leaf.private_key_pem.bytes(), chain)])
    trusted = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    method = f"/{service_of('logs')}/Export"
    async with OtlpCollector(
        transports=["grpc"],
        credentials=credentials,
        grpc_gzip=grpc_gzip,
        grpc_options=[("grpc.max_receive_message_length", 100)],
    ) as collector:
        target = collector.grpc_url.replace("https://127.0.0.1", "localhost")
        async with grpc.aio.secure_channel(target, trusted) as channel:
            export = channel.unary_unary(method)
            call = export(b"", metadata=[("x-tenant", "t")])
            assert await call == b""
            with pytest.raises(grpc.aio.AioRpcError, match="RESOURCE_EXHAUSTED"):
                await export(b"a" * 101)
        (request,) = collector.requests
    assert (request.headers["x-tenant"], request.target) == ("t", method)
    assert request.content == request.body == b""
