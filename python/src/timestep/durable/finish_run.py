"""How a segment of a run ended, recorded together with the last of its steps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .claim_run import ClaimedRun
from .journal_writer import SegmentEnd
from .pause_run import prepare_pause, write_pause
from .recorded_value import plain
from .run_error import RunFailure

if TYPE_CHECKING:
    from agents import RunResult, RunResultStreaming


async def finish_with_result(claim: ClaimedRun, result: RunResult | RunResultStreaming) -> str:
    """Records that the SDK came to an end of its part: an answer, or a pause.

    Raises:
        OwnershipLostError: Another process took the run over meanwhile; nothing is written then.
    """
    execution = claim.execution
    usage = list(execution.usage.values())
    if not result.interruptions:
        final_output = json.dumps(plain(result.final_output))
        await execution.writer.close(execution.database, SegmentEnd("completed", usage, final_output))
        return "completed"
    # Before the transaction, which takes what is still to be written: should this fail, that is the run's end.
    pause = prepare_pause(claim.agent, result.to_state())
    async with execution.database.transaction() as transaction:
        await execution.writer.close(transaction, SegmentEnd("interrupted", usage))
        await write_pause(transaction, execution.owner, pause)
    return "interrupted"


async def finish_with_failure(claim: ClaimedRun, failure: RunFailure) -> str:
    """Records that the run was blocked or failed."""
    execution = claim.execution
    end = SegmentEnd(failure.status, list(execution.usage.values()), error=json.dumps(failure.error))
    await execution.writer.close(execution.database, end)
    return failure.status


async def finish_unknown(claim: ClaimedRun) -> str:
    """Records that a person has to settle a tool call. The segment goes on later, and is counted as a whole then."""
    execution = claim.execution
    await execution.writer.close(execution.database, SegmentEnd("unknown_outcome", []))
    return "unknown_outcome"
