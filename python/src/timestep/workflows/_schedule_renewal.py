"""Noting the ticks to come of schedules that have few left, for SQL to fire."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, cast

from ..durable.registry import registered_agent_names
from ._schedule_ticks import Crontab, ticks_ahead

if TYPE_CHECKING:
    from ..database.database import Database

_log = logging.getLogger("timestep")

_not_read: set[str] = set()


async def renew_schedules(database: Database) -> None:
    """Notes further ticks. Only of schedules of agents that this process knows.

    Where nobody does any more, runs that nobody can execute come to an end.
    """
    rows = await database.query(
        """
        select name, crontab, timezone, next_at, now() from timestep.schedules
        where not paused and renew_at <= now() and agent_name = any($1)
        """,
        [registered_agent_names()],
    )
    for row in rows:
        # Columns of these types: see supabase/migrations.
        name, crontab, zone, next_at, now = cast("tuple[str, str, str, datetime, datetime]", row)
        try:
            ticks = ticks_ahead(Crontab(crontab, zone), now, next_at)
        except ValueError as error:
            if name not in _not_read:
                _log.warning('Schedule "%s" ends when its known ticks do: %s', name, error)
            _not_read.add(name)
            continue
        await database.query(
            "select timestep.renew_schedule($1, $2, $3, $4::text[]::timestamptz[])",
            [name, crontab, zone, [tick.isoformat() for tick in ticks]],
        )
