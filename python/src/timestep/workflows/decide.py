"""Deciding what paused runs wait for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._database import opened
from .errors import DecisionConflictError, InterruptionNotFoundError, RunNotFoundError

if TYPE_CHECKING:
    from ..database.database import Transaction


@dataclass(frozen=True)
class Decision:
    """What a person decided about one interruption."""

    interruption_id: str
    """The interruption, as `list_interruptions()` or the run's result names it."""
    approve: bool
    """Whether the tool may be called."""
    always: bool = False
    """Whether the same goes for every later call of the tool in this run."""
    message: str | None = None
    """What the model is told instead of the tool's output; for rejections."""


@dataclass(frozen=True)
class DecideResult:
    """What became of the run with the decisions."""

    run_id: str
    status: str
    """`interrupted` while something is pending; `queued` when the run goes on; later, what it is doing."""
    pending: int
    """How many interruptions still wait for a decision."""


async def decide(
    *,
    run_id: str,
    decisions: Sequence[Decision],
    decided_by: str | None = None,
    connection_string: str | None = None,
) -> DecideResult:
    """Decides what a paused run waits for. When nothing is pending any more the run goes on, in a free worker.

    Works from any process, without the agent's code. A decision is written once: the same again changes nothing,
    another one is an error, and of several people at once one wins.

    Args:
        run_id: The run.
        decisions: One or several; all of them are recorded, or none.
        decided_by: Who decided, for the record.
        connection_string: `postgresql://...`. Default: the environment's `PG_CONNECTION_URI`, else
            `SUPABASE_DB_URL`.

    Raises:
        RunNotFoundError: There is no such run.
        InterruptionNotFoundError: The run never had such an interruption.
        DecisionConflictError: It was decided otherwise, or the run was ended or taken over meanwhile.
        TypeError: A decision says neither yes nor no.
    """
    _check(run_id, decisions)
    async with opened(connection_string) as database, database.transaction() as transaction:
        # Whoever else decides about this run waits here.
        rows = await transaction.query(
            "select status, segment, workflow_id from timestep.runs where run_id = $1 for update", [run_id]
        )
        if not rows:
            raise RunNotFoundError(f'There is no run "{run_id}"')
        status, segment, workflow_id = str(rows[0][0]), int(str(rows[0][1])), rows[0][2]
        known = await _recorded(transaction, run_id)
        fresh = [decision for decision in decisions if _is_new(run_id, decision, known)]
        if fresh:
            await _require_open(transaction, run_id, status, workflow_id)
        for decision in fresh:
            await _record(transaction, run_id, decision, decided_by)
        decided = {decision.interruption_id for decision in fresh}
        pending = sum(
            row.status == "pending" and row.segment == segment and name not in decided for name, row in known.items()
        )
        if not fresh or pending > 0:
            return DecideResult(run_id, status, pending)
        await _go_on(transaction, run_id, segment + 1)
        return DecideResult(run_id, "queued", 0)


@dataclass(frozen=True)
class _Recorded:
    segment: int
    status: str
    always: bool
    message: str | None


async def _recorded(transaction: Transaction, run_id: str) -> dict[str, _Recorded]:
    rows = await transaction.query(
        "select interruption_id, segment, status, always, message from timestep.interruptions where run_id = $1",
        [run_id],
    )
    return {
        str(name): _Recorded(int(str(segment)), str(status), always is True, None if message is None else str(message))
        for name, segment, status, always, message in rows
    }


def _is_new(run_id: str, decision: Decision, known: dict[str, _Recorded]) -> bool:
    """Whether the decision has to be recorded; not when the same was."""
    name = decision.interruption_id
    recorded = known.get(name)
    if recorded is None:
        raise InterruptionNotFoundError(
            f'Cannot decide about "{name}" of run "{run_id}": the run has no such interruption. '
            "list_interruptions() tells what it waits for"
        )
    if recorded.status == "pending":
        return True
    wanted = _Recorded(
        recorded.segment, "approved" if decision.approve else "rejected", decision.always, decision.message
    )
    if recorded != wanted:
        raise DecisionConflictError(
            f'Cannot decide about "{name}" of run "{run_id}": it was {recorded.status} before, and a decision is final'
        )
    return False


async def _require_open(transaction: Transaction, run_id: str, status: str, workflow_id: object) -> None:
    if status != "interrupted":
        raise DecisionConflictError(f'Cannot decide about run "{run_id}": it is {status} and waits for nobody')
    if workflow_id is None:
        raise DecisionConflictError(
            f'Cannot decide about run "{run_id}": it was not started as a workflow, so that no worker would go on '
            "with it. Load it with RunStateStore, approve or reject, and run it"
        )
    claimed = await transaction.query(
        "select claimed_by from timestep.run_states where run_id = $1 and claimed_by is not null", [run_id]
    )
    if claimed:
        raise _being_resumed(run_id, claimed[0][0])


def _being_resumed(run_id: str, by: object) -> DecisionConflictError:
    return DecisionConflictError(
        f'Cannot decide about run "{run_id}": {by} has loaded it with RunStateStore and goes on with it'
    )


async def _record(transaction: Transaction, run_id: str, decision: Decision, decided_by: str | None) -> None:
    await transaction.query(
        """
        update timestep.interruptions
        set status = $3, always = $4::bool, message = $5, decided_at = now(), decided_by = $6
        where run_id = $1 and interruption_id = $2 and status = 'pending'
        """,
        [
            run_id,
            decision.interruption_id,
            "approved" if decision.approve else "rejected",
            decision.always,
            decision.message,
            decided_by,
        ],
    )


async def _go_on(transaction: Transaction, run_id: str, segment: int) -> None:
    """The run goes on; nobody who has loaded its state with RunStateStore can do so as well."""
    workflow_id = f"{run_id}:r{segment}"
    states = await transaction.query(
        """
        update timestep.run_states set claimed_at = coalesce(claimed_at, now()), claimed_by = coalesce(claimed_by, $2)
        where run_id = $1 returning claimed_by
        """,
        [run_id, workflow_id],
    )
    for (claimed_by,) in states:
        if claimed_by != workflow_id:
            raise _being_resumed(run_id, claimed_by)
    await transaction.query(
        """
        update timestep.runs
        set status = 'queued', segment = $2::int, language = null, deadline_at = null, updated_at = now()
        where run_id = $1
        """,
        [run_id, segment],
    )
    await transaction.query("select timestep.enqueue_run($1, $2)", [run_id, workflow_id])


def _check(run_id: str, decisions: Sequence[Decision]) -> None:
    for decision in decisions:
        # What is only like a yes or a no is neither.
        for what, value in (("approve", decision.approve), ("always", decision.always)):
            if not isinstance(value, bool):
                raise TypeError(
                    f'Cannot decide about "{decision.interruption_id}" of run "{run_id}": {what} is {value!r}, but has '
                    "to be True or False"
                )
    names = [decision.interruption_id for decision in decisions]
    if not names:
        raise ValueError(f'Cannot decide about run "{run_id}": there is no decision. Pass one')
    if len(set(names)) < len(names):
        raise ValueError(f'Cannot decide about run "{run_id}": an interruption is decided twice in one call')
    for decision in decisions:
        if decision.approve and decision.message is not None:
            raise ValueError(
                f'Cannot decide about "{decision.interruption_id}" of run "{run_id}": a message goes with a '
                "rejection only"
            )
