"""Ending runs for good."""

from __future__ import annotations

from ._database import dispatching
from .runs import read_status


async def cancel_run(run_id: str, *, connection_string: str | None = None) -> bool:
    """Ends a run for good, in whatever process it is: the model call in flight is aborted within about a second.

    Args:
        run_id: The run.
        connection_string: `postgresql://...`. Default: as configured.

    Returns:
        Whether this ended it; not when it had ended before.

    Raises:
        RunNotFoundError: There is no such run.
    """
    async with dispatching(connection_string) as database:
        await read_status(database, run_id)
        rows = await database.query("select timestep.cancel_run($1)", [run_id])
    return rows[0][0] is True
