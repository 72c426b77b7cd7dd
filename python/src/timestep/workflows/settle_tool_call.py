"""Settling tool calls of which nobody knows whether they were completed."""

from __future__ import annotations

from ..durable.recorded_value import encode_value
from ._database import dispatching
from .errors import ToolCallNotSettledError


async def settle_tool_call(
    run_id: str,
    step_key: str,
    *,
    output: object = None,
    run_again: bool = False,
    connection_string: str | None = None,
) -> bool:
    """Settles a tool call of a run whose status is `unknown_outcome`. When the last one is settled the run goes on.

    Args:
        run_id: The run.
        step_key: The call: see `AgentWorkflowResult.unknown_tool_calls`.
        output: What a person found out that the call gave.
        run_again: Instead: the call took no effect, or may take it again. It is made again, with the same
            idempotency key.
        connection_string: `postgresql://...`. Default: as configured.

    Returns:
        Whether the run goes on.

    Raises:
        ToolCallNotSettledError: The run does not wait for this.
        ValueError: Both an output and `run_again` were given.
    """
    if run_again and output is not None:
        raise ValueError(f'Cannot settle call "{step_key}": pass either its output or run_again=True')
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
