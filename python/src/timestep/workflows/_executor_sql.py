"""What executors do in plain SQL: saying that they are alive, taking runs over, letting go of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..durable.claim_run import LANGUAGE

if TYPE_CHECKING:
    from ..database.database import Database, Transaction

DIRECT_QUEUE = "agents_direct"
"""The queue of runs that start at once: it has no limits."""

_TAKE_OVER_AT_ONCE = 10
"""How many runs of dead processes one process takes over in one beat: the others want some, too."""


def application_version(application_name: str) -> str:
    """Constant: DBOS must not tie runs to a version of the code, as their agents' fingerprints look after that."""
    return f"timestep:{application_name}"


async def beat(database: Database, executor_id: str) -> None:
    """Says that the executor is alive."""
    await database.query(
        """
        insert into timestep.executors (executor_id) values ($1)
        on conflict (executor_id) do update set last_seen_at = now()
        """,
        [executor_id],
    )


async def sign_off(database: Database, executor_id: str) -> None:
    """Says that the executor is gone: what it had under way is anybody's at once."""
    await database.query("delete from timestep.executors where executor_id = $1", [executor_id])


async def take_over(
    database: Database,
    executor_id: str,
    owner_token: str,
    application_name: str,
    agent_names: list[str],
    timeout_seconds: float,
) -> list[str]:
    """Takes over runs that nobody alive executes, if this process knows their agents; gives their workflows."""
    rows = await database.query(
        f"select timestep.take_over($1, $2, $3, $4, $5, $6::interval, {_TAKE_OVER_AT_ONCE}, $7)",
        [
            executor_id,
            owner_token,
            application_name,
            application_version(application_name),
            agent_names,
            f"{timeout_seconds} seconds",
            LANGUAGE,
        ],
    )
    return [str(row[0]) for row in rows]


async def sweep(database: Database, timeout_seconds: float) -> None:
    """Mends what crashes left behind."""
    await database.query("select timestep.sweep($1::interval)", [f"{timeout_seconds} seconds"])


async def fire_schedules(database: Database) -> None:
    """Makes the runs of schedules that are due, whosever agents they are.

    Each tick once, however many processes do this.
    """
    await database.query("select timestep.fire_schedules()")


async def exceeds_limits(database: Database, workflow_id: str) -> bool:
    """Whether more is under way than a workflow's queue, or its partition, may have.

    DBOS counts what is under way and takes the first that waits: two processes that do so at once, while a run comes
    to the front, each take one. Whoever sees both, which at least the later of the two does, has to step back.
    """
    rows = await database.query(
        """
        select count(*) > q.concurrency
          or count(*) filter (where p.queue_partition_key = s.queue_partition_key) > q.partition_concurrency
        from dbos.workflow_status s
        join dbos.queues q on q.name = s.queue_name
        join dbos.workflow_status p on p.queue_name = s.queue_name and p.status = 'PENDING'
        where s.workflow_uuid = $1 and coalesce(q.concurrency, q.partition_concurrency) is not null
        group by q.concurrency, q.partition_concurrency
        """,
        [workflow_id],
    )
    return any(exceeded is True for (exceeded,) in rows)


async def has_partition(database: Database, workflow_id: str) -> bool:
    """Whether a workflow is in a partition of its queue."""
    rows = await database.query(
        "select 1 from dbos.workflow_status where workflow_uuid = $1 and queue_partition_key is not null", [workflow_id]
    )
    return len(rows) > 0


async def let_go(database: Database, workflow_id: str, executor_id: str) -> None:
    """Lets go of a workflow that this executor has claimed: anybody may take it over at once."""
    await database.query(
        """
        update dbos.workflow_status
        set executor_id = '', owner_xid = null, recovery_attempts = greatest(recovery_attempts - 1, 0)
        where workflow_uuid = $1 and executor_id = $2 and status = 'PENDING'
        """,
        [workflow_id, executor_id],
    )


async def put_back(
    database: Database,
    run_id: str,
    workflow_id: str,
    executor_id: str,
    *,
    delay_seconds: float | None,
    pause_queue: str | None = None,
) -> None:
    """Puts a run back into its queue, if the workflow is still this executor's.

    Args:
        database: The database.
        run_id: The run.
        workflow_id: The workflow that dispatches it.
        executor_id: This executor.
        delay_seconds: When it may start again; None: when a process that can execute it takes it over.
        pause_queue: The queue of which nothing else starts before, either.
    """
    async with database.transaction() as transaction:
        mine = await transaction.query(
            """
            select 1 from dbos.workflow_status
            where workflow_uuid = $1 and executor_id = $2 and status = 'PENDING' for update
            """,
            [workflow_id, executor_id],
        )
        if not mine:
            return
        if delay_seconds is None:
            await transaction.query(
                "select timestep.requeue_run($1, to_timestamp(timestep.until_agent_known() / 1000))", [run_id]
            )
            return
        delay = f"{delay_seconds} seconds"
        if pause_queue is not None:
            await transaction.query("select timestep.pause_queue($1, now() + $2::interval)", [pause_queue, delay])
        await transaction.query("select timestep.requeue_run($1, now() + $2::interval)", [run_id, delay])


async def claim_directly(
    transaction: Transaction, workflow_id: str, executor_id: str, owner_token: str, application_name: str
) -> bool:
    """What DBOS does when it takes a workflow out of its queue. Whether it was there to be taken."""
    rows = await transaction.query(
        """
        update dbos.workflow_status
        set status = 'PENDING', executor_id = $2, owner_xid = $3, application_version = $4,
          started_at_epoch_ms = (extract(epoch from now()) * 1000)::bigint, recovery_attempts = 1
        where workflow_uuid = $1 and status = 'ENQUEUED'
        returning workflow_uuid
        """,
        [workflow_id, executor_id, owner_token, application_version(application_name)],
    )
    return len(rows) > 0
