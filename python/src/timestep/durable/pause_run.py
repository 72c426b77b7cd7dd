"""What a run is paused with, and going on from there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from agents import Agent, RunState

from ..state._facts import InterruptionFacts, interruptions_of
from ..state.envelope import Envelope, seal, unseal
from .errors import RunNotFoundError
from .execution import Execution
from .journal_row import RunOwner

if TYPE_CHECKING:
    from ..database.database import Transaction


@dataclass(frozen=True)
class Pause:
    """What a run is paused with: its snapshot, and what it waits for."""

    envelope: Envelope
    interruptions: list[InterruptionFacts]


def prepare_pause(agent: Agent[Any], state: RunState[Any]) -> Pause:
    """What to record of a pause.

    Args:
        agent: The agent that the run started with.
        state: Where the run is.

    Raises:
        ValueError: The state holds what JSON cannot.
    """
    return Pause(seal(agent, state), interruptions_of(state))


async def write_pause(transaction: Transaction, owner: RunOwner, pause: Pause) -> None:
    """Records what a run is paused with.

    Args:
        transaction: The transaction in which the run's segment was ended.
        owner: Whose run it is.
        pause: What `prepare_pause()` gave.
    """
    await transaction.query(
        """
        with run as (
          update timestep.runs set state_version = state_version + 1 where run_id = $1
          returning state_version, segment
        )
        select timestep.write_run_state($1, state_version, segment, $2, $3, $4) from run
        """,
        [
            owner.run_id,
            json.dumps(pause.envelope.description()),
            pause.envelope.state,
            json.dumps([facts.to_json() for facts in pause.interruptions]),
        ],
    )


@dataclass(frozen=True)
class _Decision:
    interruption_id: str
    segment: int
    agent_name: str
    call_id: str | None
    status: str
    always: bool
    message: str | None


async def resume_pause(execution: Execution, agent: Agent[Any]) -> RunState[Any]:
    """The state with which a segment begins: as the one before was paused, with the decisions made.

    Raises:
        StateTranslationError: TypeScript saved it, and it cannot be carried over.
        RunStateGraphError: The agent lacks what the run has used.
        RunStateMalformedError: The snapshot is damaged.
    """
    run_id, segment = execution.owner.run_id, execution.owner.segment
    rows = await execution.database.query(
        """
        select s.language, s.sdk_name, s.sdk_version, s.schema_version, s.agent_graph, s.guardrails_settled,
          s.state::text
        from timestep.run_states s join timestep.runs r on r.run_id = s.run_id and r.state_version = s.version
        where r.run_id = $1
        """,
        [run_id],
    )
    if not rows:
        raise RunNotFoundError(f'Cannot go on with run "{run_id}": the snapshot of its pause is gone')
    opened = await unseal(agent, Envelope(*cast("tuple[str, str, str, str, dict[str, object], bool, str]", rows[0])))
    recorded = await execution.database.query(
        """
        select interruption_id, segment, agent_name, call_id, status, always, message
        from timestep.interruptions where run_id = $1
        """,
        [run_id],
    )
    decisions = [_Decision(*cast("tuple[str, int, str, str | None, str, bool, str | None]", row)) for row in recorded]
    for decision in decisions:
        if decision.status == "approved" and not decision.always and decision.call_id is not None:
            is_earlier = decision.segment < segment - 1
            execution.approve(decision.agent_name, decision.call_id, is_earlier=is_earlier)
    _decide(opened.state, {made.interruption_id: made for made in decisions if made.segment == segment - 1})
    return opened.state


def _decide(state: RunState[Any], decisions: dict[str, _Decision]) -> None:
    facts = interruptions_of(state)
    for item, known in zip(state.get_interruptions(), facts, strict=True):
        made = decisions.get(known.interruption_id)
        if made is None:
            continue
        if made.status == "approved":
            state.approve(item, always_approve=made.always)
        elif made.status == "rejected":
            state.reject(item, always_reject=made.always, rejection_message=made.message)
