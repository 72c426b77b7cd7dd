"""What became of durable runs, and what they wait for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from agents import Agent, RunState

from ..state._claims import origin_of
from ..state.run_state_errors import RunStateConflictError, RunStateNotFoundError
from ..state.run_state_store import RunStateStore
from ._database import opened
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
class RunUsage:
    """Tokens used by a run since its beginning, across every pause."""

    requests: int = 0
    """Calls of the model."""
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0


@dataclass(frozen=True)
class UnknownToolCall:
    """A tool call that began and of which nobody knows whether it was completed."""

    step_key: str
    """Names the call in `settle_tool_call()`."""
    tool_name: str
    started_at: datetime


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
    usage: RunUsage = field(default_factory=RunUsage)
    unknown_tool_calls: list[UnknownToolCall] = field(default_factory=list)
    """What a person has to settle; empty unless the status is `unknown_outcome`."""
    state: RunState[Any] | None = None
    """The state of a run that is `interrupted`, as `RunStateStore` loads it.

    To look at, or to go on with by `run_agent()` in this process instead of `decide()`. Whichever comes first counts.
    Not there when only the agent's name was known.
    """


async def list_interruptions(
    *, run_id: str | None = None, session_id: str | None = None, connection_string: str | None = None
) -> list[Interruption]:
    """What paused runs wait for, oldest first; also what of it was decided while the rest is not.

    Works without the agents' code.

    Args:
        run_id: Only this run's.
        session_id: Only those of runs of this session.
        connection_string: `postgresql://...`. Default: as configured.
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
          and i.run_id in (
            select p.run_id from timestep.interruptions p where p.decided_at is null and p.status = 'pending'
          )
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


async def load_result(database: Database, run_id: str, agent: Agent[Any] | None) -> AgentWorkflowResult:
    """Waits until a run has ended or is paused, in whatever process it is executed, and tells what became of it.

    Args:
        database: Where it is recorded.
        run_id: The run.
        agent: The agent that starts, to load the state of a paused run.

    Raises:
        RunNotFoundError: There is no such run.
    """
    pause = _FIRST_LOOK_SECONDS
    while (status := await read_status(database, run_id)) in ("queued", "running"):
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LAST_LOOK_SECONDS)
    rows = await database.query("select final_output, error, session_id from timestep.runs where run_id = $1", [run_id])
    final_output, error, session_id = rows[0]
    is_paused = status == "interrupted"
    return AgentWorkflowResult(
        run_id=run_id,
        status=status,
        final_output=final_output if status == "completed" else None,
        error=error if isinstance(error, dict) else None,
        interruptions=await _interruptions(database, run_id, None) if is_paused else [],
        usage=await _usage(database, run_id),
        unknown_tool_calls=await _unknown_tool_calls(database, run_id) if status == "unknown_outcome" else [],
        state=await _state(database, run_id, agent, session_id) if is_paused and agent is not None else None,
    )


async def _state(database: Database, run_id: str, agent: Agent[Any], session_id: object) -> RunState[Any] | None:
    """The state of the run; None when it has gone on in the meantime."""
    store = RunStateStore(
        agent=agent,
        session_id=None if session_id is None else str(session_id),
        connection_string=database.uri,
    )
    async with store:
        try:
            state = await store.load()
        except (RunStateNotFoundError, RunStateConflictError):
            return None
    origin = origin_of(state)
    # Its slot is the agent and the session, where a later run may be paused, too.
    return state if origin is not None and origin.run.run_id == run_id else None


async def _usage(database: Database, run_id: str) -> RunUsage:
    rows = await database.query(
        """
        select coalesce(sum(requests), 0)::bigint, coalesce(sum(input_tokens), 0)::bigint,
          coalesce(sum(output_tokens), 0)::bigint, coalesce(sum(total_tokens), 0)::bigint
        from timestep.usage where run_id = $1
        """,
        [run_id],
    )
    return RunUsage(*cast("tuple[int, int, int, int]", rows[0]))


async def _unknown_tool_calls(database: Database, run_id: str) -> list[UnknownToolCall]:
    rows = await database.query(
        """
        select key, name, recorded_at from timestep.journal
        where run_id = $1 and status = 'started' order by recorded_at, key
        """,
        [run_id],
    )
    return [UnknownToolCall(*cast("tuple[str, str, datetime]", row)) for row in rows]
