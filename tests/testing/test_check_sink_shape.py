"""Rules 1 to 7, each with a sink that breaks it, and what is said."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any, ClassVar

import msgspec
import pytest

from eventbus.testing import (
    SinkViolation,
    check_sink,
)
from tests.testing._shelf import (
    GoodSink,
    PlainShelf,
    ShelfSettings,
    ShelfSink,
    sinks,
    violation,
)


async def test_rule_1_write_must_be_async() -> None:
    class Bad(GoodSink):
        def write(self, batch: Any) -> Any: ...

    error = await violation(Bad)
    assert error.rule == 1
    assert str(error).endswith("write is not async")


async def test_rule_1_aclose_must_be_there() -> None:
    class Bad:
        async def start(self) -> None: ...
        async def write(self, batch: Any) -> None: ...

    error = await violation(Bad)
    assert error.rule == 1
    assert str(error).endswith("there is no aclose")


async def test_rule_1_observe_must_not_be_async() -> None:
    class Bad(GoodSink):
        async def observe(self, batch: Any) -> None: ...

    error = await violation(Bad)
    assert error.rule == 1
    assert str(error).endswith("observe is async")


async def test_rule_2_settings_must_be_frozen() -> None:
    class Loose(msgspec.Struct, kw_only=True, forbid_unknown_fields=True): ...

    class Bad(GoodSink):
        Settings = Loose

    error = await violation(Bad)
    assert error.rule == 2
    assert str(error).endswith("Loose is not frozen")


async def test_rule_2_settings_must_refuse_unknown_fields() -> None:
    class Loose(msgspec.Struct, kw_only=True, frozen=True): ...

    class Bad(GoodSink):
        Settings = Loose

    error = await violation(Bad)
    assert error.rule == 2
    assert str(error).endswith("Loose does not refuse unknown fields")


async def test_rule_2_a_sink_must_be_made_of_its_settings_alone() -> None:
    shelf = PlainShelf()
    with pytest.raises(SinkViolation) as caught:
        await check_sink(lambda: ShelfSink(ShelfSettings(), shelf))
    assert caught.value.rule == 2
    assert "ShelfSink(settings) does not work: missing" in str(caught.value)


async def test_rule_3_settings_must_not_use_the_names_of_the_attachment() -> None:
    class Greedy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        batch: int = 100

    class Bad(GoodSink):
        Settings = Greedy

    error = await violation(Bad)
    assert error.rule == 3
    assert str(error).endswith("Greedy.batch is the attachment's")


async def test_rule_4_no_repr_shows_a_secret() -> None:
    class Open(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        password: str | None = None

    class Bad(GoodSink):
        Settings = Open

        def __init__(self, settings: Any = None) -> None:
            super().__init__(settings)
            self.settings = settings or Open()

    error = await violation(Bad)
    assert error.rule == 4
    assert str(error).endswith("the repr of Open shows the value of 'password'")


async def test_rule_5_making_a_sink_must_start_no_task() -> None:
    class Bad(GoodSink):
        def __init__(self, settings: Any = None) -> None:
            super().__init__(settings)
            self.task = asyncio.get_running_loop().create_task(asyncio.sleep(0))

    error = await violation(Bad)
    assert error.rule == 5
    assert "making it started <Task" in str(error)


async def test_rule_5_making_a_sink_must_need_no_loop() -> None:
    class Bad(GoodSink):
        def __init__(self, settings: Any = None) -> None:
            super().__init__(settings)
            self.loop = asyncio.get_running_loop()

    error = await violation(Bad)
    assert error.rule == 5
    assert "without an event loop it raised RuntimeError: no running" in str(error)


async def test_rule_5_making_a_sink_must_start_no_thread() -> None:
    gone = threading.Event()

    class Bad(GoodSink):
        def __init__(self, settings: Any = None) -> None:
            super().__init__(settings)
            threading.Thread(target=gone.wait, name="hidden").start()

    try:
        error = await violation(Bad)
    finally:
        gone.set()
    assert error.rule == 5
    assert str(error).endswith("making it started thread hidden")


async def test_rule_6_defaults_must_be_of_their_types() -> None:
    class Bad(GoodSink):
        buffer: ClassVar[Any] = {"max_events": 10}

    error = await violation(Bad)
    assert error.rule == 6
    assert str(error).endswith("buffer must be a Buffer, got {'max_events': 10}")


async def test_rule_7_a_sink_that_opens_sockets_must_say_so() -> None:
    class Bad(GoodSink):
        async def start(self) -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
                opened.connect(("127.0.0.1", 9))  # sends nothing

    error = await violation(Bad)
    assert error.rule == 7
    assert str(error).endswith("called connect ('127.0.0.1', 9)")


async def test_rule_7_is_kept_by_saying_so() -> None:
    class Honest(GoodSink):
        network: ClassVar[bool] = True

        async def start(self) -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
                opened.connect(("127.0.0.1", 9))

    report = await check_sink(sinks(Honest, PlainShelf()))
    assert report.advice == (
        "a network sink should bound its buffer in bytes: Buffer(max_bytes=…)",
    )
