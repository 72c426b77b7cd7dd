"""Starting the runs of schedules that are due."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from ..durable.create_run import NewRun
from ..durable.registry import registered_agent, registered_agent_names
from ..state._json import JsonObject
from ._schedule_ticks import Crontab, due_ticks
from ._start_run import PreparedRun, start_run

if TYPE_CHECKING:
    from ..database.database import Database, Transaction

_AT_ONCE = 20
"""How many schedules one process fires at once."""


@dataclass(frozen=True)
class _Schedule:
    name: str
    crontab: str
    timezone: str
    agent_name: str
    given: str
    session_id: str | None
    owner_id: str | None
    dispatch: JsonObject
    options: str
    missed: str
    next_at: datetime
    now: datetime


async def fire_due_schedules(database: Database, application_name: str) -> None:
    """Starts the runs of schedules that are due, of agents that this process knows.

    Every worker does this; the lock on its row gives each tick to one of them, and the run's id makes sure.
    """
    agents = registered_agent_names()
    due = await database.query(
        """
        select 1 from timestep.schedules where not paused and next_at <= now() and agent_name = any($1) limit 1
        """,
        [agents],
    )
    if not due:
        return
    async with database.transaction() as transaction:
        rows = await transaction.query(
            f"""
            select name, crontab, timezone, agent_name, input::text, session_id, owner_id, dispatch, options::text,
              missed, next_at, now()
            from timestep.schedules
            where not paused and next_at <= now() and agent_name = any($1) and dispatch ->> 'applicationName' = $2
            order by next_at limit {_AT_ONCE} for update skip locked
            """,
            [agents, application_name],
        )
        for row in rows:
            # Columns of these types: see supabase/migrations.
            await _fire(transaction, _Schedule(*cast("tuple[Any, ...]", row)))


async def _fire(transaction: Transaction, schedule: _Schedule) -> None:
    agent = registered_agent(schedule.agent_name)
    if agent is None:
        return
    crontab = Crontab(schedule.crontab, schedule.timezone)
    ticks = due_ticks(crontab, schedule.next_at, schedule.now, schedule.missed)
    for tick in ticks.fire:
        run = NewRun(
            f"{schedule.name}:{_timestamp(tick)}",
            agent,
            schedule.given,
            schedule.session_id,
            schedule.owner_id,
            json.dumps(json.loads(schedule.options), ensure_ascii=False, separators=(",", ":")),
        )
        await start_run(transaction, PreparedRun(run, {}), schedule.dispatch)
    await transaction.query(
        """
        update timestep.schedules set next_at = $2::text::timestamptz,
          last_fired_at = coalesce($3::text::timestamptz, last_fired_at)
        where name = $1
        """,
        [schedule.name, ticks.next.isoformat(), ticks.fire[-1].isoformat() if ticks.fire else None],
    )


def _timestamp(tick: datetime) -> str:
    """As JavaScript writes it: the id of a tick's run is the same, whichever language fires it."""
    return tick.strftime("%Y-%m-%dT%H:%M:%S.") + f"{tick.microsecond // 1000:03d}Z"
