"""Connections to the database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg_pool import AsyncConnectionPool

from ._errors import explain_connection, explain_statement
from ._location import locate
from ._migrate import migrate
from .database_error import DatabaseError

CONNECT_TIMEOUT_SECONDS = 5
MAX_CONNECTIONS = 10

Parameter = str | int | bool | None | list[str]
Row = tuple[object, ...]
Connection = AsyncConnection[Row]


class Transaction:
    """Statements that take effect together."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def query(self, text: str, parameters: Sequence[Parameter] = ()) -> list[Row]:
        """Runs one statement with `$1`, `$2`, ... as parameters; gives its rows.

        JSON goes as text and is cast in the statement, `$1::text::json`.
        """
        cursor = await self._connection.execute(text.encode(), parameters)
        return await cursor.fetchall() if cursor.description is not None else []


@dataclass
class Database:
    """A pool of connections, shared by all that is opened at one address on one event loop."""

    uri: str = field(repr=False)
    """With the password: not for logs."""
    users: int = 0
    _pool: AsyncConnectionPool[Connection] | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _max_connections: int = MAX_CONNECTIONS

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        pool = await self._open()
        try:
            async with (
                pool.connection(timeout=CONNECT_TIMEOUT_SECONDS * 2) as connection,
                connection.transaction(),
            ):
                yield Transaction(connection)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                raise explain_connection(error, _address(self.uri)) from None
            raise explain_statement(error) from None
        except psycopg.Error as error:
            raise explain_statement(error) from None

    async def query(self, text: str, parameters: Sequence[Parameter] = ()) -> list[Row]:
        """Runs one statement by itself."""
        async with self.transaction() as transaction:
            return await transaction.query(text, parameters)

    async def _open(self) -> AsyncConnectionPool[Connection]:
        async with self._opening:
            if self.users == 0:
                raise DatabaseError("closed", "The database was closed before. Open it again")
            if self._pool is None:
                await self._migrate()
                self._pool = AsyncConnectionPool(
                    self.uri,
                    kwargs=_CONNECTION_OPTIONS,
                    connection_class=AsyncConnection[Row],
                    min_size=0,
                    max_size=self._max_connections,
                    open=False,
                    check=AsyncConnectionPool.check_connection,
                )
                await self._pool.open()
            return self._pool

    async def _migrate(self) -> None:
        """Over a connection of its own, whose failure says what is wrong; a pool would only time out."""
        try:
            connection = await AsyncConnection.connect(
                self.uri,
                autocommit=True,
                prepare_threshold=None,
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                application_name="timestep",
                cursor_factory=AsyncRawCursor,
            )
        except psycopg.Error as error:
            raise explain_connection(error, _address(self.uri)) from None
        async with connection:
            # `timestep db`, which serves one client at a time, says so.
            told = connection.info.parameter_status("max_connections")
            self._max_connections = min(MAX_CONNECTIONS, int(told)) if told else MAX_CONNECTIONS
            await migrate(connection)

    async def close(self) -> None:
        """Closes what one of the users opened; the last one closes the connections."""
        self.users -= 1
        if self.users > 0:
            return
        _shared.get(asyncio.get_running_loop(), {}).pop(self.uri, None)
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()


# Prepared statements and settings of a connection do not survive a pooler in transaction mode.
_CONNECTION_OPTIONS: dict[str, object] = {
    "autocommit": True,
    "prepare_threshold": None,
    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    "application_name": "timestep",
    "cursor_factory": AsyncRawCursor,
}
_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Database]] = WeakKeyDictionary()


def open_shared(connection_string: str | None) -> Database:
    """See `open_database()`."""
    uri = locate(connection_string, os.environ)
    # Connections belong to the event loop that made them.
    here = _shared.setdefault(asyncio.get_running_loop(), {})
    database = here.setdefault(uri, Database(uri))
    database.users += 1
    return database


def _address(uri: str) -> str:
    """Host, port and database, without user and password."""
    try:
        parts = urlsplit(uri)
        if "@" in f"{parts.path}{parts.query}{parts.fragment}":
            # A password with a bare / or ? has ended the address too early: what is taken for the host is part of it.
            return "the address given"
        return f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"
    except ValueError:
        return "the address given"
