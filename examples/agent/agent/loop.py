"""A turn: the model is asked and its tools run, until it has nothing more to call."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx

from agent.approvals import Ask, approved
from agent.model import ENDPOINT, Item, ask, request_body
from agent.tools import Call, ToolError, tool_of
from eventbus_schemas import Session
from eventbus_schemas.hooks import EventHooks

MAX_REQUESTS: Final = 20


class Agent:
    """Answers prompts, and remembers what was said.

    Args:
        session: Tells what happens.
        client: Knows where the model is, and the key where it wants one.
        model: The model's name.
        folder: Where the tools work.
        may_run: Asks the user whether a tool may run.
        say: Gets the model's words as they come.
    """

    def __init__(
        self,
        session: Session,
        client: httpx.AsyncClient,
        model: str,
        folder: Path,
        *,
        may_run: Ask,
        say: Callable[[str], None],
    ) -> None:
        self._session = session
        self._client = client
        self._model = model
        self._folder = folder
        self._may_run = may_run
        self._say = say
        self._history: list[Item] = []

    async def turn(self, prompt: str) -> str:
        """Return the answer to *prompt*.

        Cancelled, or when the model cannot be reached, the turn has never been: the
        next one begins where the last whole one ended.
        """
        items = [*self._history, _said_by_user(prompt)]
        with self._session.turn() as turn:
            turn.user_prompt(prompt)
            answer, used = await self._answer(items, turn)
            turn.agent_response(answer, agent_type="main")
            turn.completed(**used)
        self._history = items
        return answer

    async def _answer(
        self, items: list[Item], turn: Session
    ) -> tuple[str, dict[str, Any]]:  # Any: facts of a turn, counts all of them
        """Return the answer, and what it cost; *items* grow by all that led to it."""
        used = Counter[str]()
        for _ in range(MAX_REQUESTS):
            hooks = EventHooks(turn, endpoint=ENDPOINT).for_request()
            body = request_body(self._model, items)
            reply = await ask(self._client, body, hooks, self._say)
            items += reply.items
            used.update(reply.used, tool_call_count=len(reply.calls))
            if not reply.calls:
                return reply.text, used
            asked = turn.with_request(hooks.request_id)
            for call in reply.calls:
                items.append(_answered(call, await self._output_of(call, asked)))
        raise RuntimeError(f"no answer after {MAX_REQUESTS} requests")

    async def _output_of(self, call: Call, asked: Session) -> str:
        """Return what the model is told of *call*: an output, or why there is none."""
        try:
            tool = tool_of(call)
            if not await approved(call, asked, self._may_run):
                raise ToolError("the user denied it")
        except ToolError as error:
            asked.tool_could_not_run(call.name, str(error), call_id=call.call_id)
            return f"error: {error}"
        try:
            with asked.tool_call(
                call.name, call_id=call.call_id, arguments=call.arguments
            ) as running:
                output = await tool.run(self._folder)
                running.completed(output)
        except (ToolError, OSError, ValueError) as error:  # too slow is an OSError
            return f"error: {error}"
        return output


def _said_by_user(prompt: str) -> Item:
    content = [{"type": "input_text", "text": prompt}]
    return {"type": "message", "role": "user", "content": content}


def _answered(call: Call, output: str) -> Item:
    return {"type": "function_call_output", "call_id": call.call_id, "output": output}
