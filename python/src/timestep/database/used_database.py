"""A database that is opened when it is first used."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from .open_database import open_database

if TYPE_CHECKING:
    from .database import Database


class UsedDatabase:
    """A database that is opened when it is first used, on each event loop that uses it.

    Connections belong to the event loop that made them: of one that has ended they are of no use any more.
    """

    def __init__(self, connection_string: str | None) -> None:
        """Names the database; nothing is opened yet."""
        self._connection_string = connection_string
        self._opened: WeakKeyDictionary[asyncio.AbstractEventLoop, Database] = WeakKeyDictionary()

    def open(self) -> Database:
        """The database, for the event loop that is running."""
        loop = asyncio.get_running_loop()
        database = self._opened.get(loop)
        if database is None:
            database = self._opened[loop] = open_database(self._connection_string)
        return database

    async def close(self) -> None:
        """Lets go of it, on the event loop that is running. Closing again does nothing."""
        database = self._opened.pop(asyncio.get_running_loop(), None)
        if database is not None:
            await database.close()
