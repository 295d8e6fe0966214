"""What a collector refuses, and what it says before it reads a body."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceResponse,
)

from eventbus.testing import OtlpCollector, replies
from eventbus.testing._otlp_grpc import need_grpc
from eventbus.testing._otlp_request import service_of
from eventbus.testing.replies import Exchange
from tests.testing._otlp import post


@pytest.mark.proves("L7")
async def test_what_is_no_otlp_by_its_method_or_type_is_refused() -> None:
    async with OtlpCollector() as collector, aiohttp.ClientSession() as client:
        url = f"{collector.url}/v1/logs"
        assert await post(url, content_type="text/plain") == 415
        assert await post(url, content_type="application/octet-stream") == 415
        json = {"content_type": "Application/JSON ; charset=x"}
        assert await post(url, b"{}", **json) == 200
        assert collector.requests[-1].protocol == "http/json"
        async with client.get(url) as answer:
            assert answer.status == 405
        untyped = client.post(url, data=b"", skip_auto_headers=["content-type"])
        async with untyped as answer:
            assert answer.status == 415


async def test_a_client_that_waits_to_go_on_is_told_to() -> None:
    async with OtlpCollector() as collector:
        port = int(collector.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = (
            "POST /v1/logs HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n"
            "Content-Type: application/json\r\n\r\n"
        )
        writer.write(head.encode())
        assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert await reader.readline() == b"\r\n"
        writer.write(b"{}")
        assert b" 200 " in await reader.readline()
        writer.close()


async def test_a_chunk_of_less_than_nothing_is_no_request() -> None:
    async with OtlpCollector() as collector:
        port = int(collector.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n")
        assert b" 400 " in await reader.readline()
        writer.close()


@pytest.mark.proves("L7")
async def test_a_call_that_does_not_decode_is_an_invalid_argument() -> None:
    grpc = need_grpc()
    async with OtlpCollector(transports=["grpc"]) as collector:
        address = collector.grpc_url.removeprefix("http://")
        async with grpc.aio.insecure_channel(address) as channel:
            export = channel.unary_unary(f"/{service_of('logs')}/Export")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await export(b"\xff")
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "is no ExportLogsServiceRequest" in caught.value.details()


@pytest.mark.proves("L7")
async def test_a_warning_comes_without_a_refusal() -> None:
    message = ExportLogsServiceResponse()
    async with (
        OtlpCollector(replies.took(message="slow down")) as collector,
        aiohttp.ClientSession() as client,
        client.post(f"{collector.url}/v1/logs") as answer,
    ):
        message.ParseFromString(await answer.read())
    assert message.partial_success.error_message == "slow down"
    assert message.partial_success.rejected_log_records == 0


async def test_a_reply_that_failed_is_a_note_of_what_the_block_raises() -> None:
    async def broken(_: Exchange) -> None:
        raise KeyError("mine")

    async def block() -> None:
        async with OtlpCollector(broken) as collector:
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await post(f"{collector.url}/v1/logs")
            raise RuntimeError("the block's")

    with pytest.raises(RuntimeError, match="the block's") as caught:
        await block()
    assert caught.value.__notes__ == ["OtlpCollector: a reply raised KeyError('mine')"]
