"""Trees of tasks that open stretches, and what each of them should have told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, NamedTuple

from hypothesis import strategies as st

from eventbus import trace_context
from eventbus_schemas import Session

STARTS = {
    "agent.turn_started": "turn",
    "agent.thread_started": "thread",
    "agent.tool_started": "tool_call",
    "agent.approval_requested": "approval",
}
ENDS = {
    *("agent.turn_completed", "agent.turn_failed", "agent.turn_aborted"),
    *("agent.thread_stopped", "agent.thread_failed"),
    *("agent.tool_result", "agent.approval_decided", "agent.call_cancelled"),
}
Kind = str
KINDS = ("session", "turn", "thread", "tool_call", "approval")
ENDINGS = ("returns", "raises", "cancelled")


class Node(NamedTuple):
    """A stretch of a *kind*, what begins in it, and how it ends."""

    kind: Kind
    ending: str
    in_thread: bool
    children: list[Node]


def node_of(children: st.SearchStrategy[list[Node]]) -> st.SearchStrategy[Node]:
    """Return any node with *children*."""
    return st.builds(
        Node, st.sampled_from(KINDS), st.sampled_from(ENDINGS), st.booleans(), children
    )


nodes = st.recursive(
    node_of(st.just([])),
    lambda inner: node_of(st.lists(inner, min_size=1, max_size=3)),
    max_leaves=8,
)


class Told(NamedTuple):
    """A note made inside a stretch: by which session, and below which span."""

    conversation: str
    turn_id: str | None
    span_id: str | None


class Walk:
    """Runs a tree, each node in a task of its own, and remembers what it noted.

    Args:
        session: What the tree begins with.
        conversation: Its id.
    """

    def __init__(self, session: Session, conversation: str) -> None:
        """Begin nothing yet."""
        self._top = session, Told(conversation, None, None)
        self.told: dict[str, Told] = {}
        self.opened: list[str] = []

    async def run(self, tree: Node) -> None:
        """Run it to its end, however that is."""
        await asyncio.wait([asyncio.create_task(self._node(tree, *self._top))])

    async def _node(self, node: Node, outer: Session, around: Told) -> None:
        session, stretch, here = self._opened(node, outer, around)
        with suppress(ZeroDivisionError), stretch:
            await self._inside(node, session, here)
        self._note(outer, around)

    def _opened(
        self, node: Node, outer: Session, around: Told
    ) -> tuple[Session, AbstractContextManager[object], Told]:
        number = len(self.told)
        if node.kind == "session":
            name = f"{around.conversation}/{number}"
            other = outer.with_attributes({"gen_ai.conversation.id": name})
            return other, nullcontext(), around._replace(conversation=name)
        self.opened.append(node.kind)
        if node.kind == "turn":
            turn = outer.turn(f"t{number}-{around.conversation}")
            here = around._replace(turn_id=turn.turn_id, span_id=turn.token)
            return turn, turn, here
        if node.kind == "approval":
            approval = outer.approval("shell")
            return approval, approval, around
        make: dict[str, Callable[[], Any]] = {  # Any: stretches of two types
            "thread": lambda: outer.thread("x"),
            "tool_call": lambda: outer.tool_call("shell"),
        }
        stretch = make[node.kind]()
        return stretch, stretch, around._replace(span_id=stretch.token)

    async def _inside(self, node: Node, session: Session, here: Told) -> None:
        if node.in_thread:
            await asyncio.to_thread(self._note, session, here)
        else:
            self._note(session, here)
        inner = [
            asyncio.create_task(self._node(child, session, here))
            for child in node.children
        ]
        if inner:
            await asyncio.wait(inner)
        self._note(session, here)
        if node.ending == "raises":
            raise ZeroDivisionError
        if node.ending == "cancelled":
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

    def _note(self, session: Session, here: Told) -> None:
        current = trace_context.current()
        assert (None if current is None else current.span_id) == here.span_id
        words = f"{here.conversation} {len(self.told)}"
        self.told[words] = here
        session.item_completed(item_type="other", item_id=words)
