"""Durable runs as they are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from ._database import opened
from .errors import RunNotFoundError

if TYPE_CHECKING:
    from ..database.database import Database

_COLUMNS = """run_id, status, agent_name, session_id, owner_id, segment, forked_from, language, input,
  final_output, error, created_at, updated_at, finished_at"""
"""In the order of the fields of a `RunInfo`."""

_FINAL = frozenset({"completed", "blocked", "failed", "cancelled"})
"""Statuses that a run does not leave."""


@dataclass(frozen=True)
class RunInfo:
    """A run as it is recorded."""

    run_id: str
    status: str
    """What it is doing: `queued`, `running`, or what an `AgentWorkflowResult` says."""
    agent_name: str
    """The agent that started."""
    session_id: str | None
    """The conversation that it belongs to."""
    owner_id: str | None
    """Whom it belongs to; None: the service itself."""
    segment: int
    """How often it was continued after a pause."""
    forked_from: str | None
    """The run that this one repeats from somewhere on."""
    language: str | None
    """In which language its part is executed, `python` or `typescript`; None: not begun."""
    input: object
    """A text, or protocol items."""
    final_output: object
    error: dict[str, object] | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    """None unless the status is final."""


async def get_run(run_id: str, *, connection_string: str | None = None) -> RunInfo:
    """A run, whatever it is doing. Works without the agent's code and without DBOS.

    Args:
        run_id: Its id.
        connection_string: `postgresql://...`. Default: as configured.

    Raises:
        RunNotFoundError: There is no such run.
    """
    async with opened(connection_string) as database:
        return await _read_run(database, run_id)


async def list_runs(
    *,
    status: str | Sequence[str] | None = None,
    agent_name: str | None = None,
    session_id: str | None = None,
    owner_id: str | None = None,
    limit: int = 100,
    before: str | None = None,
    connection_string: str | None = None,
) -> list[RunInfo]:
    """Runs, newest first, those of either language. Works without the agents' code and without DBOS.

    Args:
        status: Only runs that are doing this, or one of these.
        agent_name: Only runs that began with this agent.
        session_id: Only runs of this session.
        owner_id: Only runs of this owner.
        limit: How many at most, 1 to 1000.
        before: The next page: only runs older than the one of this id, the last of the page before.
        connection_string: `postgresql://...`. Default: as configured.

    Raises:
        ValueError: `limit` is out of range.
        RunNotFoundError: There is no run `before`.
    """
    if not 1 <= limit <= 1000:
        raise ValueError(f"Cannot list runs: limit is {limit}, but has to be from 1 to 1000")
    statuses = [status] if isinstance(status, str) else status if status is None else list(status)
    # Said for the index of runs that are under way.
    under_way = "" if statuses is None or _FINAL.intersection(statuses) else " and finished_at is null"
    async with opened(connection_string) as database:
        if before is not None:
            await _read_run(database, before)
        rows = await database.query(
            f"""
            select {_COLUMNS} from timestep.runs
            where ($1::text[] is null or status = any($1)){under_way} and ($2::text is null or agent_name = $2)
              and ($3::text is null or session_id = $3) and ($4::text is null or owner_id = $4)
              and ($5::text is null
                or (created_at, run_id) < (select created_at, run_id from timestep.runs where run_id = $5))
            order by created_at desc, run_id desc limit $6::int
            """,
            [statuses, agent_name, session_id, owner_id, before, limit],
        )
    # Columns of these types: see supabase/migrations.
    return [RunInfo(*cast("tuple[Any, ...]", row)) for row in rows]


async def _read_run(database: Database, run_id: str) -> RunInfo:
    rows = await database.query(f"select {_COLUMNS} from timestep.runs where run_id = $1", [run_id])
    if not rows:
        raise RunNotFoundError(f'Cannot find run "{run_id}": there is none of this id')
    # Columns of these types: see supabase/migrations.
    return RunInfo(*cast("tuple[Any, ...]", rows[0]))
