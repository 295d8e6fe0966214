"""What a test can ask about one request that a mock server was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import msgspec

from eventbus.testing._decoded import decoded
from eventbus.testing._json_value import Json, as_list, as_object, objects_of

# Any in this module: decoded JSON.


class RecordedRequest:
    """One request, as it came.

    The accessors for items read the ``input`` of a JSON body, as the Responses API has
    it. ``path`` is the path alone, decoded, and ``target`` path and query as they came.

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
        self.path: Final = unquote(path)
        self.target: Final = target
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

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON."""
        try:
            self.body_json()
        except msgspec.DecodeError:
            return False
        return True

    @property
    def shown_body(self) -> str:
        """The body for messages: what is no text is replaced, what is broken told."""
        try:
            return self.body.decode(errors="replace")
        except ValueError as error:
            return f"<{len(self.raw_body)} bytes: {error}>"

    def _told(self, name: str) -> Any:
        """Return the field *name* of a JSON body that is an object, else ``None``."""
        return (as_object(self.body_json()) or {}).get(name)

    def body_contains_text(self, text: str) -> bool:
        """Return whether *text* is in the body, as it is or as JSON writes it."""
        escaped = msgspec.json.encode(text)[1:-1].decode()
        return text in self.text or escaped in self.text

    def tool_by_name(self, name: str) -> Json | None:
        """Return the tool *name* of the body's ``tools``, or ``None``."""
        tools = objects_of(self._told("tools"))
        return next((tool for tool in tools if tool.get("name") == name), None)

    def instructions_text(self) -> str:
        """Return the body's ``instructions``.

        Raises:
            AssertionError: There are none.
        """
        text = self._told("instructions")
        assert isinstance(text, str), f"no instructions in {self!r}"
        return text

    def input(self) -> list[Json]:
        """Return the items of the body's ``input``.

        Raises:
            AssertionError: There is no such list.
        """
        items = self.input_list
        assert items is not None, f"no input list in {self!r}"
        return items

    @property
    def input_list(self) -> list[Any] | None:
        """The body's ``input``, if the body is JSON and that a list."""
        return as_list(self._told("input")) if self.is_json else None

    @property
    def input_objects(self) -> list[Json]:
        """Those of its items that are objects; none where there is no such list."""
        return objects_of(self.input_list)

    def inputs_of_type(self, kind: str) -> list[Json]:
        """Return the input items whose ``type`` is *kind*; none without an input."""
        return [item for item in self.input_objects if item.get("type") == kind]

    def message_input_text_groups(self, role: str) -> list[list[str]]:
        """Return the texts of each message of *role*: ``user``, ``developer``, …."""
        return [
            [part["text"] for part in parts if _is_part(part, "input_text", "text")]
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
            if _is_part(part, "input_image", "image_url")
        ]

    def _message_parts(self, role: str) -> Iterator[Sequence[Json]]:
        for item in self.input_objects:
            if item.get("type", "message") == "message" and item.get("role") == role:
                content = item.get("content")
                if isinstance(content, str):  # as the API takes it too
                    content = [{"type": "input_text", "text": content}]
                yield objects_of(content)

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


def _is_part(part: Json, kind: str, name: str) -> bool:
    return part.get("type") == kind and name in part


def _content(item: Json) -> tuple[str | None, bool | None]:
    output = item.get("output")
    if (told := as_object(output)) is not None:
        return told.get("content"), told.get("success")
    if as_list(output) is not None:
        texts = [part["text"] for part in objects_of(output) if "text" in part]
        return "\n".join(texts) if texts else None, None
    return (output if isinstance(output, str) else None), None
