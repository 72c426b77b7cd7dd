"""The configured database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ..database.open_database import open_database
from .configure_dbos import current_configuration

if TYPE_CHECKING:
    from ..database.database import Database

_prepared: set[str] = set()
"""The databases that have DBOS's tables, as far as this process has seen."""


@asynccontextmanager
async def opened(connection_string: str | None = None) -> AsyncIterator[Database]:
    """The database, for one use.

    Args:
        connection_string: Where. Default: as configured.
    """
    database = open_database(connection_string or current_configuration().connection_string)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def dispatching(connection_string: str | None = None) -> AsyncIterator[Database]:
    """The database, with DBOS's tables in it: runs can be enqueued. DBOS need not be launched for that."""
    async with opened(connection_string) as database:
        await ensure_prepared(database)
        yield database


async def ensure_prepared(database: Database) -> None:
    """Makes sure that DBOS's tables are there."""
    if database.uri not in _prepared:
        from ._system_database import prepare_dbos

        await prepare_dbos(database)
        _prepared.add(database.uri)
