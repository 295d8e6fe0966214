"""What happens on behalf of a sink while it is checked: tasks made, sockets opened."""

from __future__ import annotations

import asyncio
import contextvars
import socket
import weakref
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Final

# Any in this module: the loop's own factory takes what asyncio gives it.

_OPENING: Final = ("connect", "connect_ex", "bind", "sendto")
_LOCAL: Final = (getattr(socket, "AF_UNIX", None),)


class Watch:
    """Notices tasks and sockets, wherever the calls of a sink make them.

    Sockets of C libraries, and of threads that a sink starts by itself, stay unseen.
    """

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._inside: contextvars.ContextVar[bool] = contextvars.ContextVar(
            "eventbus_conformance", default=False
        )
        self._tasks: weakref.WeakSet[asyncio.Future[Any]] = weakref.WeakSet()
        self.sockets: list[str] = []
        """What was opened, as in ``connect ('192.0.2.1', 4318)``."""

    @property
    def tasks(self) -> set[asyncio.Future[Any]]:
        """The tasks that are not done."""
        return {task for task in self._tasks if not task.done()}

    @contextmanager
    def inside(self) -> Generator[None]:
        """Let what the block does count as the sink's."""
        token = self._inside.set(True)
        try:
            yield
        finally:
            self._inside.reset(token)

    @contextmanager
    def watching(self) -> Generator[None]:
        """Watch the running loop and the sockets of this process."""
        loop = asyncio.get_running_loop()
        factory = loop.get_task_factory()
        loop.set_task_factory(self._task_factory(factory))
        try:
            with self._noticing_sockets():
                yield
        finally:
            loop.set_task_factory(factory)

    @contextmanager
    def _noticing_sockets(self) -> Generator[None]:
        before = {name: vars(socket.socket).get(name) for name in _OPENING}
        for name in _OPENING:
            setattr(socket.socket, name, self._noticed(name))
        try:
            yield
        finally:
            for name, own in before.items():
                if own is None:
                    delattr(socket.socket, name)
                else:
                    setattr(socket.socket, name, own)

    def _task_factory(self, factory: Any) -> Any:
        def make(
            loop: asyncio.AbstractEventLoop,
            coroutine: Coroutine[Any, Any, Any],
            **options: Any,
        ) -> asyncio.Future[Any]:
            make_task: Callable[..., asyncio.Future[Any]] = (
                factory or _plain_task  # what the loop itself would do
            )
            task = make_task(loop, coroutine, **options)
            if self._inside.get():
                self._tasks.add(task)
            return task

        return make

    def _noticed(self, name: str) -> Any:
        original: Any = getattr(socket.socket, name)

        def call(opened: socket.socket, *args: Any) -> Any:
            if self._inside.get() and opened.family not in _LOCAL:
                self.sockets.append(f"{name} {args[-1]!r}")
            return original(opened, *args)

        return call


def _plain_task(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Future[Any]:
    return asyncio.Task(coroutine, loop=loop, **options)
