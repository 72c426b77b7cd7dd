"""A conversation that is kept in the database, for agents of both languages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from agents import TResponseInputItem
from agents.memory import SessionSettings
from agents.memory.session_settings import coerce_session_settings, resolve_session_limit

from ..database.storable_name import assert_storable_name
from ..database.used_database import UsedDatabase
from ..state._json import At
from ..state._json_text import json_text
from ..state._protocol_items import from_protocol_item, to_protocol_item

if TYPE_CHECKING:
    from ..database.database import Row, Transaction


class DatabaseSession:
    """A conversation that is kept in the database: the Agents SDK's `Session`.

    Items are rows that are added and never rewritten. They are kept as the protocol items of the TypeScript
    SDK, so that agents of either language can go on with the conversation.

    Example:
        ```python
        session = DatabaseSession("customer-42")
        result = await run_agent(agent, "What's 2+2?", session)
        ```
    """

    session_settings: SessionSettings | None = None

    def __init__(
        self,
        session_id: str | None = None,
        *,
        connection_string: str | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
    ) -> None:
        """Names the conversation; nothing is opened before it is used.

        Args:
            session_id: Which conversation. Default: a new one.
            connection_string: `postgresql://...`. Default: the environment's `PG_CONNECTION_URI`, else
                `SUPABASE_DB_URL`.
            session_settings: The SDK's settings of a session: how many items to read when nobody says. Default: all.

        Raises:
            TypeError: The SDK does not know such settings.
            ValueError: The identifier is empty, or cannot be stored.
        """
        if session_id == "":
            raise ValueError("Cannot use an empty session_id: leave it out for a new one")
        if session_id is not None:
            assert_storable_name("session_id", session_id)
        self.session_id = session_id if session_id is not None else str(uuid4())
        self.session_settings = None if session_settings is None else coerce_session_settings(session_settings)
        self._database = UsedDatabase(connection_string)

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """The items of the conversation, the oldest first.

        Args:
            limit: How many, counted from the end. Default: as the session's settings say, else all.

        Raises:
            timestep.StateTranslationError: An agent in TypeScript added an item that only its SDK has.
        """
        limit = resolve_session_limit(limit, self.session_settings)
        if limit is not None and limit <= 0:
            return []
        rows = await self._database.open().query(
            """
            select item::text from (
              select item, position from timestep.session_items
              where session_id = $1
              order by position desc
              limit $2
            ) latest
            order by position
            """,
            [self.session_id, limit],
        )
        return [_item(row) for row in rows]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Adds items at the end, all of them or none."""
        if not items:
            return
        async with self._database.open().transaction() as transaction:
            await self.add_items_within(transaction, items)

    async def add_items_within(self, transaction: Transaction, items: list[TResponseInputItem]) -> None:
        """Adds items at the end in somebody else's transaction, so that they stand or fall with what else is in it."""
        if not items:
            return
        await transaction.query(
            "insert into timestep.sessions (session_id) values ($1) on conflict do nothing",
            [self.session_id],
        )
        # Locks the conversation: whoever adds at the same time comes after.
        rows = await transaction.query(
            """
            update timestep.sessions set next_position = next_position + $2, updated_at = now()
            where session_id = $1
            returning next_position - $2
            """,
            [self.session_id, len(items)],
        )
        texts = await self._texts(transaction, items)
        await transaction.query(
            """
            insert into timestep.session_items (session_id, position, item)
            select $1, $2::bigint + added.ordinal - 1, added.item::json
            from unnest($3::text[]) with ordinality as added (item, ordinal)
            """,
            [self.session_id, cast(int, rows[0][0]), texts],
        )

    async def pop_item(self) -> TResponseInputItem | None:
        """Removes the last item and gives it, or None when there is none."""
        async with self._database.open().transaction() as transaction:
            # The lock of the conversation, so that two never take the same.
            await transaction.query(
                "select 1 from timestep.sessions where session_id = $1 for update", [self.session_id]
            )
            rows = await transaction.query(
                """
                delete from timestep.session_items
                where session_id = $1 and position = (
                  select max(position) from timestep.session_items where session_id = $1
                )
                returning item::text
                """,
                [self.session_id],
            )
        return _item(rows[0]) if rows else None

    async def clear_session(self) -> None:
        """Removes all items."""
        async with self._database.open().transaction() as transaction:
            for table in ("session_items", "session_operations"):
                await transaction.query(f"delete from timestep.{table} where session_id = $1", [self.session_id])

    async def close(self) -> None:
        """Lets go of the database. The conversation stays."""
        await self._database.close()

    async def __aenter__(self) -> DatabaseSession:
        """Gives the session itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Lets go of the database."""
        await self.close()

    async def _texts(self, transaction: Transaction, items: Sequence[TResponseInputItem]) -> list[str]:
        plain = [cast("dict[str, object]", item) for item in items]
        names = {str(item["call_id"]): str(item["name"]) for item in plain if _is_call(item)}
        wanted = {str(item["call_id"]) for item in plain if item.get("type") == "function_call_output"}
        if wanted - names.keys():
            rows = await transaction.query(
                """
                select item ->> 'callId', item ->> 'name' from timestep.session_items
                where session_id = $1 and item ->> 'type' = 'function_call' and item ->> 'callId' = any($2)
                """,
                [self.session_id, sorted(wanted - names.keys())],
            )
            names |= {str(call_id): str(name) for call_id, name in rows}
        # Only ASCII: halves of characters and NULs stay escaped, which the column takes and text would not.
        return [json_text(to_protocol_item(item, names.get)) for item in plain]


def _is_call(item: dict[str, object]) -> bool:
    return item.get("type") == "function_call"


def _item(row: Row) -> TResponseInputItem:
    item = from_protocol_item(None, At(json.loads(cast(str, row[0]))))
    # The item is what goes over the wire, which is what this type of the SDK describes.
    return cast("TResponseInputItem", item)
