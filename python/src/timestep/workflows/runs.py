"""What became of durable runs, and what they wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from ..database.open_database import open_database
from .errors import RunNotFoundError

if TYPE_CHECKING:
    from ..database.database import Database

_FIRST_LOOK_SECONDS = 0.01
_LAST_LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class Interruption:
    """Something that a paused run waits for: an approval of one tool call."""

    run_id: str
    interruption_id: str
    """Names the interruption within its run, for `decide()`."""
    session_id: str | None
    """The conversation that the run belongs to; None: none."""
    kind: str
    """`function_call`, or the kind of the item: `hosted_tool_call`, ..."""
    agent_name: str
    tool_name: str
    call_id: str | None
    arguments: str | None
    """The arguments as the model wrote them, usually JSON."""
    status: str
    """`pending` until somebody decides, then `approved` or `rejected`."""
    created_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True)
class AgentWorkflowResult:
    """What became of a durable run."""

    run_id: str
    status: str
    """`completed`, `interrupted`, `blocked`, `failed`, `cancelled` or `unknown_outcome`."""
    final_output: object
    """What the last agent answered; None unless the status is `completed`."""
    error: dict[str, object] | None
    """Why the run was blocked or failed."""
    interruptions: list[Interruption]
    """What it waits for, when it is `interrupted`."""


@asynccontextmanager
async def opened(connection_string: str | None) -> AsyncIterator[Database]:
    """The database, for one use."""
    database = open_database(connection_string)
    try:
        yield database
    finally:
        await database.close()


async def list_interruptions(
    *, run_id: str | None = None, session_id: str | None = None, connection_string: str | None = None
) -> list[Interruption]:
    """What paused runs wait for, oldest first; also what of it was decided while the rest is not.

    Works without the agents' code.

    Args:
        run_id: Only this run's.
        session_id: Only those of runs of this session.
        connection_string: `postgresql://...`. Default: the environment's `PG_CONNECTION_URI`, else
            `SUPABASE_DB_URL`.
    """
    async with opened(connection_string) as database:
        return await _interruptions(database, run_id, session_id)


async def _interruptions(database: Database, run_id: str | None, session_id: str | None) -> list[Interruption]:
    rows = await database.query(
        """
        select i.run_id, i.interruption_id, r.session_id, i.kind, i.agent_name, i.tool_name, i.call_id, i.arguments,
          i.status, i.created_at, i.decided_at
        from timestep.interruptions i join timestep.runs r on r.run_id = i.run_id and r.segment = i.segment
        where r.status = 'interrupted' and ($1::text is null or r.run_id = $1)
          and ($2::text is null or r.session_id = $2)
        order by i.created_at, i.run_id, i.interruption_id
        """,
        [run_id, session_id],
    )
    return [
        Interruption(*cast("tuple[str, str, str, str, str, str, str, str, str, datetime, datetime]", row))
        for row in rows
    ]


async def read_status(database: Database, run_id: str) -> str:
    """What a run is doing.

    Raises:
        RunNotFoundError: There is no such run.
    """
    rows = await database.query("select status from timestep.runs where run_id = $1", [run_id])
    if not rows:
        raise RunNotFoundError(f'There is no run "{run_id}"')
    return str(rows[0][0])


async def wait_for_run(database: Database, run_id: str) -> AgentWorkflowResult:
    """Waits until a run has ended or is paused, in whatever process it is executed.

    Raises:
        RunNotFoundError: There is no such run.
    """
    pause = _FIRST_LOOK_SECONDS
    while (status := await read_status(database, run_id)) in ("queued", "running"):
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LAST_LOOK_SECONDS)
    rows = await database.query("select final_output, error from timestep.runs where run_id = $1", [run_id])
    final_output, error = rows[0]
    return AgentWorkflowResult(
        run_id=run_id,
        status=status,
        final_output=final_output if status == "completed" else None,
        error=error if isinstance(error, dict) else None,
        interruptions=await _interruptions(database, run_id, None) if status == "interrupted" else [],
    )
