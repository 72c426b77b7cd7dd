"""Taking a run over: from then on no other process can record anything of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from agents import Agent

from .errors import AgentNotRegisteredError, OtherLanguageError, RunNotFoundError
from .execution import Execution
from .journal_row import RecordedStep, RunOwner
from .registry import registered_agent, registered_agent_names

if TYPE_CHECKING:
    from ..database.database import Database, Row

LANGUAGE = "python"
"""What is recorded with the part of a run that this package executes."""


@dataclass(frozen=True)
class RunOptions:
    """How to run, as recorded with the run."""

    stream: bool
    max_turns: int | None
    has_max_turns: bool
    context: object


@dataclass(frozen=True)
class ClaimedRun:
    """A run that this process executes from now on."""

    agent: Agent[Any]
    agent_fingerprint: str | None
    session_id: str | None
    given: object
    options: RunOptions
    execution: Execution


async def claim_run(database: Database, run_id: str, segment: int, executor_id: str) -> ClaimedRun | None:
    """Takes a run over.

    A part of a run that was begun in TypeScript is finished there: its records are in the other SDK's terms.

    Returns:
        None when there is nothing to execute: the run has ended, waits, or is in another segment.

    Raises:
        AgentNotRegisteredError: This process does not know the run's agent; the run is left as it was.
        OtherLanguageError: A process of the TypeScript module has begun this part; the run is left as it was.
        RunNotFoundError: There is no such run.
    """
    rows = await database.query(
        """
        select agent_name, agent_fingerprint, session_id, epoch, input, options
        from timestep.claim_run($1, $2::int, $3, $4::text[], $5) where epoch is not null
        """,
        [run_id, segment, executor_id, registered_agent_names(), LANGUAGE],
    )
    if not rows:
        await _say_why_not(database, run_id, segment)
        return None
    name, fingerprint, session_id, epoch, given, recorded = rows[0]
    owner = RunOwner(run_id, segment, cast(int, epoch))
    options = _options(recorded)
    if options is None:
        await leave_to_typescript(database, owner)
        raise OtherLanguageError(
            f'Cannot execute run "{run_id}" in Python: it was begun with options that only the TypeScript module has '
            f"({', '.join(sorted(cast('dict[str, object]', recorded)))}). A process of that can"
        )
    agent = registered_agent(str(name))
    if agent is None:
        raise AgentNotRegisteredError(run_id, str(name))
    # Nobody has begun it before: nothing is recorded of it.
    is_new = owner.segment == 0 and owner.epoch == 1
    execution = Execution(database, owner, [], {}, 0) if is_new else await _read_journal(database, owner)
    return ClaimedRun(
        agent,
        None if fingerprint is None else str(fingerprint),
        None if session_id is None else str(session_id),
        given,
        options,
        execution,
    )


async def _say_why_not(database: Database, run_id: str, segment: int) -> None:
    rows = await database.query(
        """
        select agent_name, segment = $2::int and status in ('queued', 'running'), coalesce(language, $3) = $3
        from timestep.runs where run_id = $1
        """,
        [run_id, segment, LANGUAGE],
    )
    if not rows:
        raise RunNotFoundError(f'Cannot execute run "{run_id}": there is no run of this id')
    name, is_executable, is_ours = rows[0]
    if is_executable is not True:
        return
    if registered_agent(str(name)) is None:
        raise AgentNotRegisteredError(run_id, str(name))
    if is_ours is not True:
        raise OtherLanguageError(
            f'Cannot execute part {segment} of run "{run_id}": a process of the TypeScript module has begun it, and '
            "goes on with it; it can change between the languages at its next pause"
        )


async def _read_journal(database: Database, owner: RunOwner) -> Execution:
    """All that was recorded of a segment. After the claim: whoever wrote before has been waited for."""
    async with database.transaction() as transaction:
        steps = await transaction.query(
            """
            select key, kind, status, name, fingerprint, position, output, context_patch
            from timestep.journal where run_id = $1 and segment = $2::int order by position nulls last
            """,
            [owner.run_id, owner.segment],
        )
        # What was streamed in the segments before, which may be much, came before the last of their steps.
        streamed = await transaction.query(
            """
            select step, max(attempt), max(position) from timestep.run_events
            where run_id = $1 and position > coalesce(
              (select max(position) from timestep.journal where run_id = $1 and segment < $2::int), 0
            ) group by step
            """,
            [owner.run_id, owner.segment],
        )
        last = await transaction.query(
            "select coalesce(max(position), 0) from timestep.journal where run_id = $1", [owner.run_id]
        )
    recorded = [_step(row) for row in steps]
    position = max(cast(int, last[0][0]), *(cast(int, row[2]) for row in streamed), 0)
    attempts = {str(step): cast(int, attempt) for step, attempt, _ in streamed}
    execution = Execution(database, owner, recorded, attempts, position)
    for step in recorded:
        # Recorded by a tool's own transaction, or by a person: they have no place in the stream of events yet.
        if step.position is None and step.status != "started":
            execution.writer.publish(step.key)
    return execution


def _step(row: Row) -> RecordedStep:
    return RecordedStep(*cast("tuple[str, str, str, str | None, str | None, int | None, object, object]", row))


async def leave_to_typescript(database: Database, owner: RunOwner) -> None:
    """Leaves a part of a run, of which nothing is recorded yet, to processes of the TypeScript module."""
    await database.query(
        """
        update timestep.runs set language = 'typescript', updated_at = now()
        where run_id = $1 and epoch = $2::int and status = 'running'
        """,
        [owner.run_id, owner.epoch],
    )


def _options(recorded: object) -> RunOptions | None:
    """How to run; None when there are options that this package does not know."""
    options = recorded if isinstance(recorded, dict) else {}
    if options.keys() - {"stream", "maxTurns", "context"}:
        return None
    return RunOptions(
        options.get("stream") is True, options.get("maxTurns"), "maxTurns" in options, options.get("context")
    )
