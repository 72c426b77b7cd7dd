"""Settling tool calls of which nobody knows whether they were completed."""

from __future__ import annotations

from typing import Final

from ..durable.recorded_value import encode_value
from ._database import dispatching
from .errors import ToolCallNotSettledError

_NOT_GIVEN: Final = object()
"""None is an output, too."""


async def settle_tool_call(
    run_id: str,
    step_key: str,
    *,
    output: object = _NOT_GIVEN,
    run_again: bool = False,
    connection_string: str | None = None,
) -> bool:
    """Settles a tool call of a run whose status is `unknown_outcome`. When the last one is settled the run goes on.

    Args:
        run_id: The run.
        step_key: The call: see `AgentWorkflowResult.unknown_tool_calls`.
        output: It took effect, and this is what it gave; None if that was nothing.
        run_again: Instead: it took no effect, or may take it again. It is made again, with the same idempotency key.
        connection_string: `postgresql://...`. Default: as configured.

    Returns:
        Whether the run goes on.

    Raises:
        ToolCallNotSettledError: The run does not wait for this.
        TypeError: It is not said what became of the call: neither an output nor `run_again` is given, or both are.
    """
    is_given = output is not _NOT_GIVEN
    # Anything else, such as "no", would be taken for True.
    if run_again not in (True, False) or is_given is bool(run_again):
        raise TypeError(
            f'Cannot settle call "{step_key}" of run "{run_id}": output is '
            f"{'given' if is_given else 'not given'} and run_again is {run_again}. Pass output if it took "
            "effect, else run_again=True"
        )
    async with dispatching(connection_string) as database, database.transaction() as transaction:
        rows = await transaction.query("select status from timestep.runs where run_id = $1 for no key update", [run_id])
        if not rows or rows[0][0] != "unknown_outcome":
            why = f"the run is {rows[0][0]} and does not wait for it" if rows else "there is no run of this id"
            raise ToolCallNotSettledError(f'Cannot settle call "{step_key}" of run "{run_id}": {why}')
        settled = (
            await transaction.query(
                "delete from timestep.journal where run_id = $1 and key = $2 and status = 'started' returning key",
                [run_id, step_key],
            )
            if run_again
            else await transaction.query(
                """
                update timestep.journal set status = 'completed', output = $3::text::json, recorded_at = now()
                where run_id = $1 and key = $2 and status = 'started' returning key
                """,
                [run_id, step_key, encode_value(output)],
            )
        )
        if not settled:
            raise ToolCallNotSettledError(
                f'Cannot settle call "{step_key}" of run "{run_id}": no call of this key is open. It may be settled '
                "already"
            )
        open_calls = await transaction.query(
            "select 1 from timestep.journal where run_id = $1 and status = 'started' limit 1", [run_id]
        )
        if open_calls:
            return False
        await transaction.query(
            "update timestep.runs set status = 'queued', updated_at = now() where run_id = $1", [run_id]
        )
        await transaction.query(
            """
            select timestep.requeue_run(run_id) from timestep.runs where run_id = $1 and workflow_id is not null
            """,
            [run_id],
        )
    return True
