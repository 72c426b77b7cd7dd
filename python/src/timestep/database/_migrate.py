"""Bringing the schema up to date, from the same files as the TypeScript module."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import AsyncConnection

from ._errors import explain_statement
from .database_error import DatabaseError

_LOCK_KEY = 7_446_923_001
"""The same as in TypeScript: whoever migrates takes turns, in whichever language."""


class Migration(NamedTuple):
    """One file of `supabase/migrations`."""

    version: str
    """The fourteen digits that the file's name begins with."""
    sql: str
    """The statements. They are safe to run again, and record their own version."""


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations, the oldest first."""
    packaged = files("timestep") / "migrations"
    if packaged.is_dir():
        found = {entry.name: entry.read_text(encoding="utf-8") for entry in packaged.iterdir()}
    else:  # A checkout of the repository: they are where the TypeScript module has them.
        source = Path(__file__).resolve().parents[4] / "supabase" / "migrations"
        found = {entry.name: entry.read_text(encoding="utf-8") for entry in source.iterdir()}
    names = sorted(name for name in found if re.fullmatch(r"\d{14}_\w+\.sql", name))
    if not names:
        raise RuntimeError("The package is damaged: its SQL migrations are missing. Install it again")
    return tuple(Migration(name[:14], found[name]) for name in names)


async def migrate(connection: AsyncConnection[tuple[object, ...]]) -> None:
    """Brings the schema up to date. When it is, this is one small SELECT.

    Several processes may call it at once: they take turns, by a lock that lives in the transaction.

    Raises:
        DatabaseError: `schema_too_new`, `permission_missing`.
    """
    known = migrations()
    try:
        if not await _missing(connection, known):
            return
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        pass
    except psycopg.Error as error:
        raise explain_statement(error) from None
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", [_LOCK_KEY])
            cursor = await connection.execute("select to_regclass('timestep.migrations') is not null")
            row = await cursor.fetchone()
            exists = row is not None and row[0] is True
            for migration in await _missing(connection, known) if exists else known:
                await connection.execute(migration.sql.encode())
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            "permission_missing",
            f"Cannot migrate the database: {error.diag.message_primary}. The role needs CREATE on the database "
            'the first time and must own the schema "timestep" for later versions',
        ) from None
    except psycopg.Error as error:
        raise explain_statement(error) from None


async def _missing(connection: AsyncConnection[tuple[object, ...]], known: tuple[Migration, ...]) -> list[Migration]:
    cursor = await connection.execute("select version from timestep.migrations")
    applied = {str(row[0]) for row in await cursor.fetchall()}
    newest = max(applied, default="")
    if newest > known[-1].version:
        raise DatabaseError(
            "schema_too_new",
            f"Cannot use the database: its schema has version {newest}, this code knows up to "
            f"{known[-1].version}. Update the package timestep",
        )
    return [migration for migration in known if migration.version not in applied]
