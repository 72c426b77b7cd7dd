"""Opening the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .database import Database


def open_database(connection_string: str | None = None) -> Database:
    """Opens the database; it connects and migrates with the first statement. To be closed by who opened it.

    Args:
        connection_string: `postgresql://...`. Default: the environment's `PG_CONNECTION_URI`, else
            `SUPABASE_DB_URL`.

    Raises:
        DatabaseError: `connection_string_missing`, `connection_string_invalid`.
    """
    # The driver takes time to load, which a program without a database need not spend.
    from .database import open_shared

    return open_shared(connection_string)
