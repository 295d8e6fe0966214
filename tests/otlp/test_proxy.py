"""Proxies that the environment names, and what goes past them."""

from __future__ import annotations

import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from eventbus import Bus, ConfigError, Refused, Unavailable
from eventbus.testing import OtlpCollector, replies
from eventbus_otlp import OtlpSettings, OtlpSink
from eventbus_otlp._proxy import proxy_for
from tests.otlp._collector import HOST, ids_of, port_of
from tests.otlp._relay import Reader, Writer, listening, relay_to
from tests.otlp._sinks import ids, open_sink, pings
from tests.otlp._tls_files import Authority


@asynccontextmanager
async def tunnel(port: int) -> AsyncGenerator[tuple[str, list[str]]]:
    """Run a proxy that leads to *port* wherever it is asked to; yield what it is asked.

    Yields:
        Its URL, and the first lines of the requests.
    """
    asked: list[str] = []

    async def connect(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.decode().partition("\r\n")[0])
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await relay_to(port)(reader, writer)

    async with listening(connect) as ours:
        yield f"http://{HOST}:{ours}", asked


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "GRPC_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


@pytest.mark.proves("G12", "fault-79")
async def test_a_proxy_of_the_environment_is_used(
    no_proxy: pytest.MonkeyPatch,
) -> None:
    async with OtlpCollector() as proxy:
        no_proxy.setenv("HTTP_PROXY", proxy.url.replace("//", "//me:s3cret@"))
        async with open_sink("http://collector.invalid:4318") as sink:
            await sink.write(pings(1))
    (request,) = proxy.requests
    assert request.target == "http://collector.invalid:4318/v1/logs"
    assert request.headers["proxy-authorization"] == "Basic bWU6czNjcmV0"


@pytest.mark.proves("fault-79")
@pytest.mark.parametrize(
    ("no_proxy_value", "trust"), [("0.0.0.0/8", True), ("", False)]
)
async def test_what_no_proxy_lists_is_reached_directly(
    no_proxy: pytest.MonkeyPatch, no_proxy_value: str, trust: bool
) -> None:
    no_proxy.setenv("http_proxy", "http://127.0.0.1:1")
    no_proxy.setenv("no_proxy", no_proxy_value)
    async with (
        OtlpCollector() as server,
        open_sink(_beside_loopback(server.url), trust_environment=trust) as sink,
    ):
        await sink.write(pings(1))
    assert ids_of(server) == ids(1)


@pytest.mark.proves("G12", "fault-79")
@pytest.mark.parametrize("name", ["grpc_proxy", "https_proxy", "http_proxy"])
async def test_over_grpc_a_proxy_of_the_environment_is_used(
    no_proxy: pytest.MonkeyPatch, name: str
) -> None:
    async with (
        OtlpCollector(transports=["grpc"]) as server,
        tunnel(port_of(server.grpc_url)) as (url, asked),
    ):
        no_proxy.setenv(name, url)
        async with open_sink("http://collector.invalid:9", protocol="grpc") as sink:
            await sink.write(pings(1))
    assert asked == ["CONNECT collector.invalid:9 HTTP/1.1"]
    assert ids_of(server) == ids(1)


@pytest.mark.proves("G12", "fault-79")
@pytest.mark.parametrize(
    ("variables", "trust"),
    [
        ({"no_proxy": "127.0.0.0/8"}, True),
        ({"no_proxy": "127.0.0.1"}, True),
        ({}, False),
    ],
)
async def test_over_grpc_no_proxy_lists_exceptions_too(
    no_proxy: pytest.MonkeyPatch, variables: dict[str, str], trust: bool
) -> None:
    no_proxy.setenv("http_proxy", "http://127.0.0.1:1")
    for name, value in variables.items():
        no_proxy.setenv(name, value)
    async with (
        OtlpCollector(transports=["grpc"]) as server,
        open_sink(server.grpc_url, protocol="grpc", trust_environment=trust) as sink,
    ):
        await sink.write(pings(1))
    assert ids_of(server) == ids(1)


@pytest.mark.proves("fault-79")
async def test_over_grpc_the_credentials_of_a_proxy_reach_it_and_no_message(
    no_proxy: pytest.MonkeyPatch,
) -> None:
    async with OtlpCollector(otherwise=replies.http(407)) as proxy:
        no_proxy.setenv("http_proxy", proxy.url.replace("//", "//me:s3cret@"))
        async with open_sink("http://collector.invalid:9", protocol="grpc") as sink:
            with pytest.raises(Unavailable, match="407") as caught:
                await sink.write(pings(1))
    assert proxy.requests[0].headers["proxy-authorization"] == "Basic bWU6czNjcmV0"
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.proves("fault-79")
async def test_a_proxy_that_is_not_there_is_named_as_one(
    no_proxy: pytest.MonkeyPatch,
) -> None:
    no_proxy.setenv("http_proxy", "http://127.0.0.1:1")
    async with open_sink("http://collector.invalid:9") as sink:
        with pytest.raises(Unavailable, match="no connection to the proxy: Connection"):
            await sink.write(pings(1))


def _beside_loopback(url: str) -> str:
    """Return *url* with another address of this machine."""
    return url.replace(HOST, "0.0.0.0")


@pytest.mark.proves("fault-79")
@pytest.mark.parametrize(
    ("status", "raised", "permanent"),
    [(403, Unavailable, None), (407, Refused, True), (502, Unavailable, None)],
)
async def test_the_credentials_of_a_proxy_are_in_no_message(
    no_proxy: pytest.MonkeyPatch,
    status: int,
    raised: type[Exception],
    permanent: bool | None,
) -> None:
    async with OtlpCollector(otherwise=replies.http(status)) as proxy:
        no_proxy.setenv("https_proxy", proxy.url.replace("//", "//me:s3cret@"))
        async with open_sink("https://collector.invalid:4318?key=s3cret") as sink:
            with pytest.raises(raised, match=f"the proxy answered .* {status}") as told:
                await sink.write(pings(1))
            assert "s3cret" not in repr(sink) + str(told.value)
    assert getattr(told.value, "permanent", None) is permanent
    assert proxy.requests[0].method == "CONNECT"


@pytest.mark.proves("G12", "fault-79")
async def test_tls_goes_through_a_proxy_to_its_end(
    no_proxy: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The certificate is that of the far side, which the proxy cannot see into."""
    authority = Authority(tmp_path)
    certificate = authority.issue("collector.test")
    async with (
        OtlpCollector(tls=authority.server(certificate)) as server,
        tunnel(port_of(server.url)) as (proxy, asked),
    ):
        no_proxy.setenv("HTTPS_PROXY", proxy)
        async with open_sink(
            "https://collector.test:4318", certificate=str(authority.certificate)
        ) as sink:
            await sink.write(pings(1))
            await sink.write(pings(2))
    assert asked == ["CONNECT collector.test:4318 HTTP/1.1"]
    assert ids_of(server) == ids(1, 2)


@pytest.mark.proves("fault-79")
@pytest.mark.parametrize(
    ("exceptions", "url", "is_direct"),
    [
        ("*", "http://a.test", True),
        ("a.test", "http://a.test", True),
        (".a.test", "http://b.a.test", True),
        ("a.test", "http://b.a.test:4318", True),
        ("a.test", "http://ba.test", False),
        ("a.test:4318", "http://a.test:4318", True),
        ("a.test:4318", "http://a.test:4319", False),
        ("a.test:80", "http://a.test", True),
        ("other, A.TEST ", "http://a.test", True),
        ("10.0.0.0/8", "http://10.1.2.3:4318", True),
        ("10.9.9.9/8", "http://10.1.2.3:4318", True),
        ("10.0.0.0/8", "http://11.1.2.3:4318", False),
        ("10.0.0.0/8", "http://a.test", False),
        ("10.0.0.0/99", "http://10.1.2.3", False),
        ("fd00::/8", "http://[fd00::1]:4318", True),
        ("[fd00::1]:4318", "http://[fd00::1]:4318", True),
        ("fd00::1", "http://[fd00::1]:4318", True),
        ("", "http://[fd00::1]:4318", False),
        ("", "http://localhost:4318", True),
        ("", "http://127.0.0.2:4318", True),
        ("", "http://[::1]:4318", True),
        ("", "http://a.test", False),
    ],
)
def test_what_is_an_exception(
    no_proxy: pytest.MonkeyPatch, exceptions: str, url: str, is_direct: bool
) -> None:
    no_proxy.setenv("HTTP_PROXY", "proxy.test:3128")
    no_proxy.setenv("NO_PROXY", exceptions)
    assert proxy_for(url) == (None if is_direct else "http://proxy.test:3128")


@pytest.mark.proves("fault-79")
@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://me:s3cret@proxy.test",
        "http://me:s3cret/x@proxy.test:1",
        "http://me:12/s3cret@proxy.test:1",
        "http://me:s3cret@x@proxy.test:1",
        "http://me:s3cret?@proxy.test:1",
        "http://me:s3cret@[::1",
        "http://me:s3cret@proxy.test:bad",
        "http://me:s3cret@proxy.test:0",
        "http://m%3Ae:s3cret@proxy.test",
        "http://me:s3cret€@proxy.test",
        "http://me:s3cret@proxy .test",
        "http://:s3cret",
        "me:s3cret@",
    ],
)
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_that_cannot_be_used_is_refused_by_its_variable_alone(
    no_proxy: pytest.MonkeyPatch, variable: str, proxy: str
) -> None:
    no_proxy.setenv(variable, proxy)
    scheme = "https" if variable == "https_proxy" else "http"
    settings = OtlpSettings(endpoint=f"{scheme}://collector.test")
    with pytest.raises(ValueError, match=f"^{variable} must be the URL of") as caught:
        OtlpSink(settings)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.proves("fault-79")
@pytest.mark.parametrize(
    ("variable", "endpoint"),
    [
        ("ALL_PROXY", "http://localhost:4318"),
        ("HTTPS_PROXY", "http://collector.test:4318"),
        ("ALL_PROXY", "http://near.test:4318"),
    ],
)
def test_a_proxy_that_is_not_for_the_endpoint_may_be_of_any_kind(
    no_proxy: pytest.MonkeyPatch, variable: str, endpoint: str
) -> None:
    no_proxy.setenv("NO_PROXY", "near.test")
    no_proxy.setenv(variable, "socks5://proxy.test")
    assert OtlpSink(OtlpSettings(endpoint=endpoint))
    assert proxy_for(endpoint) is None


def test_a_configuration_is_told_of_it_with_its_place(
    no_proxy: pytest.MonkeyPatch,
) -> None:
    no_proxy.setenv("ALL_PROXY", "socks5://proxy.test")
    endpoint = "http://collector.test"
    with pytest.raises(ConfigError) as caught:
        Bus.from_config(
            {"sinks": {"out": {"type": "otlp", "endpoint": endpoint}}}, strict=True
        )
    assert str(caught.value) == (
        "Sink 'otlp' refuses its settings: WrongSetting: ALL_PROXY must be the URL of "
        "an HTTP proxy, as in http://user:password@host:port, with other signs there "
        "written as %40 for '@'. Else set NO_PROXY, or trust_environment to false "
        "- at `$.sinks.out`"
    )


def test_a_header_of_a_cgi_request_is_no_proxy(no_proxy: pytest.MonkeyPatch) -> None:
    no_proxy.setenv("REQUEST_METHOD", "GET")
    no_proxy.setenv("HTTP_PROXY", "http://attacker.test")
    assert proxy_for("http://a.test") is None
