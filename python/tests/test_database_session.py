"""DatabaseSession: the SDK's session on rows that both languages read."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from agents.memory import Session, SessionSettings

from timestep import DatabaseSession, StateTranslationError

from .crossing import load_vector, typescript_vectors


def user(text: str) -> Any:
    """A message of the user."""
    return {"role": "user", "content": text}


async def test_items_come_back_in_order_and_as_they_were(database_uri: str) -> None:
    async with DatabaseSession("s", connection_string=database_uri) as session:
        assert isinstance(session, Session)
        assert await session.get_items() == []
        await session.add_items([user("a"), user("b")])
        await session.add_items([user("c")])
        assert await session.get_items() == [user("a"), user("b"), user("c")]
        assert await session.get_items(2) == [user("b"), user("c")]
        assert await session.get_items(0) == []
        assert await session.pop_item() == user("c")
        await session.add_items([user("d")])
        assert await session.get_items() == [user("a"), user("b"), user("d")]
        await session.clear_session()
        assert await session.get_items() == []
        assert await session.pop_item() is None


async def test_sessions_do_not_see_each_other_and_outlive_their_objects(database_uri: str) -> None:
    async with DatabaseSession("one", connection_string=database_uri) as one:
        await one.add_items([user("a")])
    async with DatabaseSession("two", connection_string=database_uri) as two:
        assert await two.get_items() == []
    async with DatabaseSession("one", connection_string=database_uri) as again:
        assert await again.get_items() == [user("a")]


async def test_writers_at_once_lose_nothing_and_keep_their_batches_whole(database_uri: str) -> None:
    async def write(number: int) -> None:
        async with DatabaseSession("s", connection_string=database_uri) as session:
            for batch in range(5):
                await session.add_items([user(f"{number}.{batch}.{part}") for part in range(3)])

    await asyncio.gather(*(write(number) for number in range(8)))
    async with DatabaseSession("s", connection_string=database_uri) as session:
        texts = [str(item["content"]) for item in await session.get_items()]  # type: ignore[typeddict-item]
    assert len(texts) == 8 * 5 * 3
    batches = [texts[index : index + 3] for index in range(0, len(texts), 3)]
    assert all(len({text.rsplit(".", 1)[0] for text in batch}) == 1 for batch in batches)
    for number in range(8):
        mine = [text for text in texts if text.startswith(f"{number}.")]
        assert mine == sorted(mine)


def test_one_session_is_used_on_several_event_loops(database_uri: str) -> None:
    session = DatabaseSession("s", connection_string=database_uri)

    async def add(content: str) -> None:
        await session.add_items([user(content)])
        await session.close()

    async def read() -> list[str]:
        async with session:
            return sorted(str(item.get("content")) for item in await session.get_items())

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda number: asyncio.run(add(str(number))), range(3)))
    # This loop ends without letting go of what it used.
    asyncio.run(session.add_items([user("3")]))
    assert asyncio.run(read()) == ["0", "1", "2", "3"]


async def test_get_items_reads_as_many_as_the_settings_say_when_nobody_else_does(database_uri: str) -> None:
    settings = {"limit": 2}  # as the SDK's own sessions take it
    async with DatabaseSession("s", connection_string=database_uri, session_settings=settings) as session:
        assert session.session_settings == SessionSettings(limit=2)
        await session.add_items([user(str(number)) for number in range(4)])
        assert [item.get("content") for item in await session.get_items()] == ["2", "3"]
        assert len(await session.get_items(3)) == 3


async def test_an_item_is_taken_once(database_uri: str) -> None:
    sessions = [DatabaseSession("s", connection_string=database_uri) for _ in range(4)]
    await sessions[0].add_items([user(str(number)) for number in range(20)])
    taken = await asyncio.gather(*(sessions[number % 4].pop_item() for number in range(20)))
    assert sorted(int(str(item["content"])) for item in taken if item) == list(range(20))  # type: ignore[typeddict-item]
    for session in sessions:
        await session.close()


ODD = [
    {"role": "user", "content": "\x00 \ud800 \u2028 \U0001f327"},
    {"role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}}]},
    {
        "type": "local_shell_call",
        "id": "l",
        "call_id": "c",
        "action": {"type": "exec", "command": ["ls"]},
        "status": "completed",
    },
    {"type": "custom_tool_call", "id": "l", "call_id": "c2", "name": "n", "input": "i"},
    {"type": "item_reference", "id": "msg_1"},
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
    {
        "type": "reasoning",
        "id": "__fake_id__",
        "summary": [{"type": "summary_text", "text": "t"}],
        "encrypted_content": "e",
    },
    {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "aGk="},
    {"type": "compaction", "id": "cmp_1", "encrypted_content": "e"},
]


@pytest.mark.parametrize("item", ODD, ids=lambda item: str(item.get("type", item.get("role"))))
async def test_every_item_comes_back_as_it_was(database_uri: str, item: Any) -> None:
    async with DatabaseSession("s", connection_string=database_uri) as session:
        await session.add_items([item])
        assert await session.get_items() == [item]


@pytest.mark.parametrize("name", [n for n in typescript_vectors() if "session" in load_vector(n)])
async def test_what_either_language_stored_the_other_reads(database_uri: str, name: str) -> None:
    theirs, ours = load_vector(name)["session"], load_vector(name, "python")["session"]
    async with DatabaseSession("ours", connection_string=database_uri) as session:
        await session.add_items(ours)
        assert await session.get_items() == ours
        stored = [row[0] for row in await rows(database_uri, "ours")]
    async with DatabaseSession("theirs", connection_string=database_uri) as session:
        await session.add_items([user("first")])
        await session.pop_item()
        async with await psycopg.AsyncConnection.connect(database_uri) as connection:
            for position, item in enumerate(theirs):
                await connection.execute(
                    "insert into timestep.session_items (session_id, position, item) values ('theirs', %s, %s)",
                    [position + 10, json.dumps(item)],
                )
        read = await session.get_items()
    assert [_plain(item) for item in stored] == [_plain(item) for item in theirs]
    assert [_bare(item) for item in read] == [_bare(item) for item in ours]


async def test_the_output_of_an_unknown_call_is_refused(database_uri: str) -> None:
    output: Any = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
    call: Any = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    async with DatabaseSession("s", connection_string=database_uri) as session:
        with pytest.raises(StateTranslationError, match="call_1"):
            await session.add_items([user("a"), output])
        assert await session.get_items() == []
        await session.add_items([call])
        await session.add_items([output])
        assert await session.get_items() == [call, output]
    assert [row[0].get("name") for row in await rows(database_uri, "s")] == ["f", "f"]


async def rows(uri: str, session_id: str) -> list[Any]:
    """The stored items of a session."""
    async with await psycopg.AsyncConnection.connect(uri) as connection:
        cursor = await connection.execute(
            "select item from timestep.session_items where session_id = %s order by position", [session_id]
        )
        return await cursor.fetchall()


def _plain(item: Any) -> Any:
    """A stored item without what the languages say differently about the same thing."""
    item = {key: value for key, value in item.items() if key not in ("id", "providerData")}
    if item.get("type") == "message" and item["role"] == "user":
        del item["type"]
    output = item.get("output")
    if isinstance(output, dict):
        item["output"] = output["text"]
    if str(item.get("output")).startswith('{"assistant"'):
        item["output"] = json.loads(item["output"])
    if item.get("role") == "assistant":
        item["content"] = [
            {key: value for key, value in part.items() if key != "providerData"} for part in item["content"]
        ]
    return item


def _bare(item: Any) -> Any:
    item = {key: value for key, value in item.items() if key != "id"}
    if item.get("role") == "user":
        item.pop("type", None)
    if str(item.get("output")).startswith('{"assistant"'):
        item["output"] = json.loads(item["output"])
    return item
