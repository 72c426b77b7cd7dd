"""The tables of DBOS, schema `dbos`: the same for both languages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..database.database import Database, Transaction

_MIGRATION_LOCK = 7_446_923_003
"""The same as in TypeScript: whoever migrates takes turns, in whichever language."""

_RETRY_SECONDS = 0.1

_QUEUES: tuple[tuple[str, int | None, float | None, int | None, float], ...] = (
    ("agents_direct", None, None, None, 0.5),
    ("agents", 50, 60.0, None, 0.5),
    ("agents_by_partition", 50, 60.0, 1, 1.0),
)
"""The queues that are always there: name, starts, in seconds, runs of a partition at once, seconds between looks."""


async def prepare_dbos(database: Database) -> None:
    """Creates or migrates DBOS's tables and records the built-in queues, unless they are there."""
    while not await _is_migrated(database):
        if not await _migrate_under_lock(database):
            # Not by waiting for the lock: DBOS builds indexes concurrently, which waits for every waiting statement.
            await asyncio.sleep(_RETRY_SECONDS)
    await _ensure_queues(database)


async def _is_migrated(queryable: Database | Transaction) -> bool:
    found = await queryable.query("select to_regclass('dbos.dbos_migrations') is not null")
    if found[0][0] is not True:
        return False
    from dbos._migration import get_dbos_migrations

    # Of what is checked, CockroachDB has the same number.
    wanted = len(get_dbos_migrations("dbos", False, False))
    rows = await queryable.query("select coalesce(max(version), 0)::int >= $1::int from dbos.dbos_migrations", [wanted])
    return rows[0][0] is True


async def _migrate_under_lock(database: Database) -> bool:
    """Whether the lock was free. DBOS's own migrations take none, and fail when two processes start them at once."""
    async with database.transaction() as transaction:
        locked = await transaction.query("select pg_try_advisory_xact_lock($1)", [_MIGRATION_LOCK])
        if locked[0][0] is not True:
            return False
        # Besides, a statement without parameters ends the one before it for good. That would otherwise keep its view
        # of the data, for which DBOS, building indexes concurrently, would wait for ever.
        await transaction.query("set local idle_in_transaction_session_timeout = 0")
        await asyncio.to_thread(_migrate, database.uri)
    return True


def _migrate(uri: str) -> None:
    from dbos._serialization import DefaultSerializer
    from dbos._sys_db import SystemDatabase

    system = SystemDatabase.create(
        system_database_url=uri,
        engine_kwargs={"pool_timeout": 30, "max_overflow": 0, "pool_size": 2},
        engine=None,
        schema="dbos",
        serializer=DefaultSerializer(),
        executor_id=None,
        use_listen_notify=False,
    )
    try:
        system.run_migrations()
    finally:
        system.destroy()


async def _ensure_queues(database: Database) -> None:
    """Unless they are recorded: whoever changed one in the database meant it."""
    names = [name for name, *_ in _QUEUES]
    rows = await database.query("select count(*)::int from dbos.queues where name = any($1)", [names])
    if rows[0][0] == len(names):
        return
    for name, starts, period, partition_concurrency, polling in _QUEUES:
        await database.query(
            """
            insert into dbos.queues (
              name, rate_limit_max, rate_limit_period_sec, priority_enabled, partition_queue, partition_concurrency,
              polling_interval_sec, updated_at
            ) values ($1, $2::int, $3::text::float8, true, $4::bool, $5::int, $6::text::float8,
              (extract(epoch from now()) * 1000)::bigint)
            on conflict (name) do nothing
            """,
            [
                name,
                starts,
                None if period is None else str(period),
                partition_concurrency is not None,
                partition_concurrency,
                str(polling),
            ],
        )
