"""What a test can ask about one request that a mock server was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeGuard, cast
from urllib.parse import parse_qsl

import msgspec

from eventbus.testing._decoded import decoded

# Any in this module: decoded JSON.

Json = dict[str, Any]


def as_object(value: Any) -> Json | None:
    """Return *value* if it is an object."""
    return cast("Json", value) if isinstance(value, dict) else None


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def as_list(value: Any) -> list[Any] | None:
    """Return *value* if it is a list."""
    return value if _is_list(value) else None


class RecordedRequest:
    """One request, as it came.

    The accessors for items read the ``input`` of a JSON body, as the Responses API has
    it.

    Args:
        method: ``"POST"``.
        target: Path and query, as in the request line.
        headers: By lower-case name; of several with one name, the last.
        raw_body: As it came, compressed or not.
    """

    def __init__(
        self, method: str, target: str, headers: Mapping[str, str], raw_body: bytes
    ) -> None:
        """Take the parts."""
        path, _, query = target.partition("?")
        self.method: Final = method
        self.path: Final = path
        self.headers: Final = headers
        self.raw_body: Final = raw_body
        self._query = parse_qsl(query, keep_blank_values=True)
        self._body: bytes | None = None

    def __repr__(self) -> str:
        return f"<RecordedRequest {self.method} {self.path}>"

    def header(self, name: str) -> str | None:
        """Return the header *name*, in whichever case, or ``None``."""
        return self.headers.get(name.lower())

    def query_param(self, name: str) -> str | None:
        """Return the first query parameter *name*, decoded, or ``None``."""
        return next((value for key, value in self._query if key == name), None)

    @property
    def body(self) -> bytes:
        """The body, decompressed: gzip, deflate and zstd.

        Raises:
            ValueError: It is not what its ``content-encoding`` says, or over 64 MiB.
            PluginError: It is zstd, and nothing is installed that reads it.
        """
        if self._body is None:
            self._body = decoded(self.raw_body, self.header("content-encoding") or "")
        return self._body

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def body_json(self) -> Any:
        """Return the body as JSON.

        Raises:
            msgspec.DecodeError: It is none.
        """
        return msgspec.json.decode(self.body)

    def body_contains_text(self, text: str) -> bool:
        """Return whether *text* is in the body, as it is or as JSON writes it."""
        escaped = msgspec.json.encode(text)[1:-1].decode()
        return text in self.text or escaped in self.text

    def tool_by_name(self, name: str) -> Json | None:
        """Return the tool *name* of the body's ``tools``, or ``None``."""
        tools: list[Json] = self.body_json().get("tools", [])
        return next((tool for tool in tools if tool.get("name") == name), None)

    def instructions_text(self) -> str:
        """Return the body's ``instructions``.

        Raises:
            AssertionError: There are none.
        """
        text = self.body_json().get("instructions")
        assert isinstance(text, str), f"no instructions in {self!r}"
        return text

    def input(self) -> list[Json]:
        """Return the items of the body's ``input``.

        Raises:
            AssertionError: There is no such list.
        """
        body = as_object(self.body_json()) or {}
        items = as_list(body.get("input"))
        assert items is not None, f"no input list in {self!r}"
        return items

    def inputs_of_type(self, kind: str) -> list[Json]:
        """Return the input items whose ``type`` is *kind*."""
        return [item for item in self.input() if item.get("type") == kind]

    def message_input_text_groups(self, role: str) -> list[list[str]]:
        """Return the texts of each message of *role*: ``user``, ``developer``, …."""
        return [
            [part["text"] for part in parts if part.get("type") == "input_text"]
            for parts in self._message_parts(role)
        ]

    def message_input_texts(self, role: str) -> list[str]:
        """Return the texts of all messages of *role*, one after the other."""
        return [
            text for group in self.message_input_text_groups(role) for text in group
        ]

    def message_input_image_urls(self, role: str) -> list[str]:
        """Return the addresses of the images in all messages of *role*."""
        return [
            part["image_url"]
            for parts in self._message_parts(role)
            for part in parts
            if part.get("type") == "input_image"
        ]

    def _message_parts(self, role: str) -> Iterator[Sequence[Json]]:
        for item in self.inputs_of_type("message"):
            content = as_list(item.get("content"))
            if item.get("role") == role and content is not None:
                yield content

    def has_function_call(self, call_id: str) -> bool:
        """Return whether the input has the function call *call_id*."""
        calls = self.inputs_of_type("function_call")
        return any(call.get("call_id") == call_id for call in calls)

    def call_output(self, call_id: str, kind: str) -> Json:
        """Return the item of type *kind* that answers the call *call_id*.

        Raises:
            AssertionError: There is none.
        """
        found = self._output(call_id, kind)
        assert found is not None, f"no {kind} for call {call_id!r} in {self!r}"
        return found

    def function_call_output(self, call_id: str) -> Json:
        """Return the ``function_call_output`` of *call_id*; see :meth:`call_output`."""
        return self.call_output(call_id, "function_call_output")

    def custom_tool_call_output(self, call_id: str) -> Json:
        """Return that of a custom tool; see :meth:`call_output`."""
        return self.call_output(call_id, "custom_tool_call_output")

    def tool_search_output(self, call_id: str) -> Json:
        """Return that of a search for tools; see :meth:`call_output`."""
        return self.call_output(call_id, "tool_search_output")

    def function_call_output_text(self, call_id: str) -> str | None:
        """Return the text that answers the function call *call_id*, or ``None``."""
        found = self._output(call_id, "function_call_output")
        return None if found is None else _content(found)[0]

    def function_call_output_content_and_success(
        self, call_id: str
    ) -> tuple[str | None, bool | None]:
        """Return the text that answers *call_id* and its ``success``, where told."""
        return _content(self.function_call_output(call_id))

    def custom_tool_call_output_content_and_success(
        self, call_id: str
    ) -> tuple[str | None, bool | None]:
        """Return the same of a custom tool."""
        return _content(self.custom_tool_call_output(call_id))

    def _output(self, call_id: str, kind: str) -> Json | None:
        outputs = self.inputs_of_type(kind)
        return next((one for one in outputs if one.get("call_id") == call_id), None)


def _content(item: Json) -> tuple[str | None, bool | None]:
    output = item.get("output")
    if (told := as_object(output)) is not None:
        return told.get("content"), told.get("success")
    if (parts := as_list(output)) is not None:
        texts = [part["text"] for part in parts if "text" in part]
        return "\n".join(texts) if texts else None, None
    return (output if isinstance(output, str) else None), None
