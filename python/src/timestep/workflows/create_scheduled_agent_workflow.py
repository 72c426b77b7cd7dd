"""Running agents by the clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any, Literal

from agents import Agent, TResponseInputItem
from agents.memory import Session

from ..database.storable_name import assert_storable_name
from ..durable.create_run import agent_definition
from ..state._json import JsonObject
from ._database import dispatching
from ._start_run import PreparedRun, prepare_run
from .configure_dbos import use_configuration
from .errors import QueueNotFoundError


def create_scheduled_agent_workflow(
    crontab: str,
    agent: Agent[Any],
    input_items: str | Sequence[TResponseInputItem],
    session: Session | None = None,
    stream: bool = False,
    *,
    name: str | None = None,
    timezone: str = "UTC",
    missed: Literal["once", "skip"] = "once",
    queue_name: str = "agents",
    timeout_seconds: float | None = None,
    context: JsonObject | None = None,
    max_turns: int | None = None,
    owner_id: str | None = None,
) -> None:
    """Runs an agent by the clock. The schedule is kept in the database; it is there when this returns.

    It may be created before any worker is there and outlives them all. At each tick one run is queued, however many
    workers there are: by any of them, of either language, or by pg_cron while none is there, as long as the ticks last
    that are known in advance: 100 of them, ten minutes' at least, a year's at most. Workers that know the agent note
    further ones. The same name again changes the schedule, and leaves its next tick when crontab and time zone are
    the same.

    Args:
        crontab: Minute, hour, day of month, month, day of week; before them, if you like, second. All of them have to
            match, days of month and of week, too.
        agent: The agent that is run. It is registered, as by `register_agent()`.
        input_items: A text, or items.
        session: A `DatabaseSession` or an `OpenAIConversationsSession`.
        stream: Whether the model's answers are streamed into the runs' events.
        name: Names the schedule; runs are called `<name>:<tick>`. Default: the agent's name.
        timezone: The time zone that the crontab is meant in, such as `Europe/Berlin`.
        missed: What is done about ticks at which neither a worker nor pg_cron was there: `once` starts one run for
            all of them, `skip` none.
        queue_name: The queue that the runs go through.
        timeout_seconds: How long a run may take; then it is cancelled.
        context: The run context that tools and guardrails share.
        max_turns: How many times the model may be called. Default: the SDK's, 10.
        owner_id: Whom the runs belong to: a user's id. Default: the service itself.

    Raises:
        ValueError: The crontab or the time zone is not one, or another argument is out of range.
        QueueNotFoundError: There is no such queue.
        SessionNotDurableError: Another process could not open the session.
    """
    from ._schedule_ticks import Crontab, ticks_ahead

    called = name if name is not None else agent.name
    assert_storable_name("name of the schedule", called)
    assert_storable_name("queue_name", queue_name)
    ticks = ticks_ahead(Crontab(crontab, timezone), _now())
    prepared = prepare_run(
        agent,
        input_items,
        workflow_id=None,
        stream=stream,
        timeout_seconds=timeout_seconds,
        context=context,
        max_turns=max_turns,
        owner_id=owner_id,
    )

    async def record() -> None:
        run = await prepared.with_session(session)
        await _record(run, agent, called, crontab, timezone, missed, queue_name, ticks)

    _wait_for(record())


def _now() -> datetime:
    return datetime.now(tz=timezone.utc)


def _wait_for(work: Coroutine[Any, Any, None]) -> None:
    """On an event loop of its own: the caller's, if there is one, cannot be waited on without `await`."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


async def _record(
    prepared: PreparedRun,
    agent: Agent[Any],
    name: str,
    crontab: str,
    zone: str,
    missed: str,
    queue_name: str,
    ticks: list[datetime],
) -> None:
    run = prepared.run
    async with dispatching() as database:
        rows = await database.query("select partition_queue from dbos.queues where name = $1", [queue_name])
        if not rows:
            raise QueueNotFoundError(f'Cannot create schedule "{name}": there is no queue "{queue_name}"')
        dispatch: JsonObject = {
            "applicationName": use_configuration().name,
            "queueName": queue_name,
            **({"partitionKey": run.session_id or name} if rows[0][0] is True else {}),
            **prepared.dispatch,
        }
        described = agent_definition(agent)
        await database.query(
            _PUT,
            [
                name,
                crontab,
                zone,
                agent.name,
                described.fingerprint,
                run.given,
                run.session_id,
                run.owner_id,
                json.dumps(dispatch),
                run.options,
                missed,
                [tick.isoformat() for tick in ticks],
                described.text,
            ],
        )


_PUT = """
with agent as (
  insert into timestep.agents (agent_name, fingerprint, definition)
  values ($4, $5, $13::text::json) on conflict do nothing
)
select timestep.put_schedule(
  $1, $2, $3, $4, $5, $6::text::json, $7, $8, $9::text::json, $10::text::json, $11, $12::text[]::timestamptz[]
)
"""
