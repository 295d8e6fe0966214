"""What a mock server answers who asks it to compact a conversation."""

from __future__ import annotations

import aiohttp

from eventbus.testing import MockServer, responses


async def compacted(server: MockServer, *bodies: object) -> list[object]:
    """Return what each of *bodies* gets, one after the other."""
    url = f"{server.url}/v1/responses/compact"
    answers = list[object]()
    async with aiohttp.ClientSession() as client:
        for body in bodies:
            async with client.post(url, json=body) as response:
                answers.append(await response.json())
    return answers


async def test_a_compaction_is_answered_in_json() -> None:
    async with MockServer() as server:
        responses.mount_compact_json_once(server, {"output": []})
        responses.mount_compact_json_sequence(server, [1, 2])
        answers = await compacted(server, *[{}] * 3)
    assert answers == [{"output": []}, 1, 2]


async def test_a_compaction_is_answered_where_its_matcher_takes_it() -> None:
    async with MockServer() as server:
        recorder = responses.mount_compact_json_once_match(
            server, lambda request: request.body_json()["n"] == 2, "second"
        )
        responses.mount_compact_json_once(server, "first")
        answers = await compacted(server, {"n": 1}, {"n": 2})
    assert answers == ["first", "second"]
    assert recorder.single_request().body_json() == {"n": 2}


async def test_a_compaction_keeps_what_users_said_and_ends_with_the_summary() -> None:
    said = responses.user_message_item("hi")
    developer = {"type": "message", "role": "developer", "content": []}
    answer = {"type": "message", "role": "assistant", "content": []}
    call = {"type": "function_call", "call_id": "c1", "role": "user"}
    body = {"input": [developer, said, answer, call, 1]}
    async with MockServer() as server:
        responses.mount_compact_user_history_with_summary_once(server, "one")
        responses.mount_compact_user_history_with_summary_sequence(
            server, ["two", "three"]
        )
        outputs = await compacted(server, *[body] * 3)
    assert outputs == [
        {
            "output": [
                developer,
                said,
                {"type": "compaction", "encrypted_content": summary},
            ]
        }
        for summary in ("one", "two", "three")
    ]
