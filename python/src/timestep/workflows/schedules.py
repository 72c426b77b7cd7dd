"""Pausing, resuming and removing schedules, and telling which there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from ._database import opened
from .errors import ScheduleNotFoundError


@dataclass(frozen=True)
class ScheduleInfo:
    """A schedule as it is recorded."""

    name: str
    """What its runs begin with, and what it is called by."""
    crontab: str
    """Minute, hour, day of month, month, day of week; before them perhaps second."""
    timezone: str
    """The time zone that the crontab is meant in."""
    agent_name: str
    """The agent that is run."""
    session_id: str | None
    """The conversation that the runs belong to."""
    missed: Literal["once", "skip"]
    """What is done about ticks at which neither a worker nor pg_cron was there."""
    paused: bool
    """Whether it rests."""
    next_at: datetime
    """The next tick; when the schedule is paused, the tick that it was paused before."""
    last_fired_at: datetime | None
    """The last tick for which a run was queued."""


async def list_scheduled_agent_workflows(*, connection_string: str | None = None) -> list[ScheduleInfo]:
    """All schedules, by name. Works without the agents' code and without DBOS.

    Args:
        connection_string: `postgresql://...`. Default: as configured.
    """
    async with opened(connection_string) as database:
        rows = await database.query(
            """
            select name, crontab, timezone, agent_name, session_id, missed, paused, next_at, last_fired_at
            from timestep.schedules order by name
            """
        )
    # Columns of these types: see supabase/migrations.
    return [ScheduleInfo(*cast("tuple[Any, ...]", row)) for row in rows]


async def pause_scheduled_agent_workflow(name: str, *, connection_string: str | None = None) -> None:
    """Lets a schedule rest: its ticks pass without a run until it is resumed.

    Args:
        name: The schedule.
        connection_string: `postgresql://...`. Default: as configured.

    Raises:
        ScheduleNotFoundError: There is none of this name.
    """
    async with opened(connection_string) as database:
        rows = await database.query(
            "update timestep.schedules set paused = true where name = $1 returning name", [name]
        )
    if not rows:
        raise _not_found(name)


async def resume_scheduled_agent_workflow(name: str, *, connection_string: str | None = None) -> None:
    """Goes on with a schedule, from the next tick on.

    Args:
        name: The schedule.
        connection_string: `postgresql://...`. Default: as configured.

    Raises:
        ScheduleNotFoundError: There is none of this name.
        ValueError: Its crontab cannot be read in Python.
    """
    from ._schedule_ticks import Crontab, ticks_ahead

    async with opened(connection_string) as database:
        rows = await database.query("select crontab, timezone, now() from timestep.schedules where name = $1", [name])
        if not rows:
            raise _not_found(name)
        crontab, zone, now = cast("tuple[str, str, datetime]", rows[0])
        ticks = [tick.isoformat() for tick in ticks_ahead(Crontab(crontab, zone), now)]
        await database.query("select timestep.resume_schedule($1, $2::text[]::timestamptz[])", [name, ticks])


async def remove_scheduled_agent_workflow(name: str, *, connection_string: str | None = None) -> None:
    """Removes a schedule. Runs that it started are not touched.

    Args:
        name: The schedule.
        connection_string: `postgresql://...`. Default: as configured.

    Raises:
        ScheduleNotFoundError: There is none of this name.
    """
    async with opened(connection_string) as database:
        rows = await database.query("delete from timestep.schedules where name = $1 returning name", [name])
    if not rows:
        raise _not_found(name)


def _not_found(name: str) -> ScheduleNotFoundError:
    return ScheduleNotFoundError(
        f'Cannot find schedule "{name}": there is none of this name. list_scheduled_agent_workflows() tells which '
        "there are"
    )
