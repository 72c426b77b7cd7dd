"""Putting durable runs into a queue, from which free workers take them, in whichever language they are written."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from agents import Agent, TResponseInputItem
from agents.memory import Session

from ..database.database_error import DatabaseError
from ..database.storable_name import assert_storable_name
from ..state._json import JsonObject
from ._database import dispatching, opened
from ._start_run import PreparedRun, prepare_run, start_run
from .configure_dbos import current_configuration, use_configuration
from .errors import QueueNotFoundError
from .launch_dbos import executing_engine
from .runs import AgentWorkflowResult, load_result, read_status

if TYPE_CHECKING:
    from ..database.database import Database

_DEFAULT_QUEUE = "agents"
_PARTITIONED_QUEUE = "agents_by_partition"


class AgentWorkflowHandle:
    """A run that was put into a queue. `await` it to know that it is recorded."""

    def __init__(self, recording: asyncio.Task[str], agent: Agent[Any] | None, connection_string: str | None) -> None:
        """`queue_agent_workflow()` makes them."""
        self._recording = recording
        self._agent = agent
        self._connection_string = connection_string

    def __await__(self) -> Generator[Any, None, AgentWorkflowHandle]:
        """Waits until the run is recorded, and gives the handle."""
        yield from self._recording
        return self

    async def get_workflow_id(self) -> str:
        """The run's id: `run_id` everywhere else. Another run's that holds the deduplication id."""
        return await self._recording

    async def get_status(self) -> str:
        """What the run is doing."""
        run_id = await self._recording
        async with opened(self._connection_string) as database:
            return await read_status(database, run_id)

    async def get_result(self) -> AgentWorkflowResult:
        """Waits until the run has ended or is paused, and tells what became of it."""
        run_id = await self._recording
        async with opened(self._connection_string) as database:
            return await load_result(database, run_id, self._agent)


def queue_agent_workflow(
    agent: Agent[Any] | str,
    input_items: str | Sequence[TResponseInputItem],
    session: Session | None = None,
    stream: bool = False,
    workflow_id: str | None = None,
    *,
    queue_name: str | None = None,
    priority: int | None = None,
    deduplication_id: str | None = None,
    partition_key: str | None = None,
    delay_seconds: float | None = None,
    timeout_seconds: float | None = None,
    context: JsonObject | None = None,
    max_turns: int | None = None,
    owner_id: str | None = None,
    application_name: str | None = None,
    connection_string: str | None = None,
) -> AgentWorkflowHandle:
    """Puts a durable run into a queue. It is executed by a free worker that has registered the agent.

    With an agent, this process is one, unless `configure_dbos(execute=False)` says not to; with an agent's name it
    needs neither the agent's code nor DBOS.

    Args:
        agent: The agent, or its name: a worker, of either language, must have registered an agent of this name.
        input_items: A text, or items.
        session: A `DatabaseSession` or an `OpenAIConversationsSession`.
        stream: Whether the model's answers are streamed into the run's events.
        workflow_id: Names the run: the same again is the same run. Default: a new one.
        queue_name: A queue that a worker has registered. Default: `agents`, which starts at most 50 runs in any 60
            seconds; with a partition key `agents_by_partition`, which starts as many beside them, one run at a time for
            each key.
        priority: Lower numbers start sooner.
        deduplication_id: While a run with this id is waiting or under way in the queue, the same id gives that run.
        partition_key: In a partitioned queue: what runs share a partition by. Default: the session's id.
        delay_seconds: How long the run waits before it is in the queue.
        timeout_seconds: How long the run may take; then it is cancelled. Time in the queue, and that a person takes to
            decide, does not count.
        context: The run context that tools and guardrails share.
        max_turns: How many times the model may be called. Default: the SDK's, 10.
        owner_id: Whom the run belongs to: a user's id. Default: the service itself.
        application_name: The workers' name, if they were given one. Default: as configured.
        connection_string: `postgresql://...`. Default: as configured.

    Returns:
        A handle; whatever is wrong is raised by `await handle` and by its methods: `QueueNotFoundError`,
        `RunConflictError`, `SessionNotDurableError`.

    Raises:
        ValueError: An argument is out of range.
        StateTranslationError: An item of the input has no form in the database.
    """
    if priority is not None and not 0 <= priority < 2**31:
        raise ValueError(f"Cannot queue a run: priority is {priority}, but has to be an integer from 0 to 2^31 - 1")
    if delay_seconds is not None and not 0 <= delay_seconds < float("inf"):
        raise ValueError(f"Cannot queue a run: delay_seconds is {delay_seconds}, but has to be 0 or more")
    names = {"queue_name": queue_name, "deduplication_id": deduplication_id, "partition_key": partition_key}
    for what, given in {**names, "agent name": agent if isinstance(agent, str) else None}.items():
        if given is not None:
            assert_storable_name(what, given)
    prepared = prepare_run(
        agent,
        input_items,
        workflow_id=workflow_id,
        stream=stream,
        timeout_seconds=timeout_seconds,
        context=context,
        max_turns=max_turns,
        owner_id=owner_id,
    )
    dispatch: JsonObject = {
        "applicationName": application_name or current_configuration().name,
        **({"priority": priority} if priority is not None else {}),
        **({"deduplicationId": deduplication_id} if deduplication_id is not None else {}),
    }

    async def record() -> str:
        run = await prepared.with_session(session)
        async with dispatching(connection_string) as database:
            queue = await _choose_queue(database, run, queue_name, partition_key)
            # Before the run is recorded: what is wrong with this process should be known by then.
            if isinstance(agent, Agent) and use_configuration().execute and connection_string is None:
                await executing_engine()
            return await _enqueue(database, run, {**dispatch, **queue}, delay_seconds)

    recording = asyncio.get_running_loop().create_task(record())
    return AgentWorkflowHandle(recording, agent if isinstance(agent, Agent) else None, connection_string)


async def _choose_queue(
    database: Database, prepared: PreparedRun, queue_name: str | None, partition_key: str | None
) -> JsonObject:
    """The queue and the partition."""
    name = queue_name or (_DEFAULT_QUEUE if partition_key is None else _PARTITIONED_QUEUE)
    rows = await database.query("select partition_queue from dbos.queues where name = $1", [name])
    if not rows:
        raise QueueNotFoundError(
            f'Cannot queue a run: there is no queue "{name}". A worker registers it: registerAgentQueue()'
        )
    if rows[0][0] is not True:
        if partition_key is not None:
            raise ValueError(f'Cannot queue a run with a partition key: queue "{name}" is not partitioned')
        return {"queueName": name}
    key = partition_key if partition_key is not None else prepared.run.session_id
    if key is None:
        raise ValueError(
            f'Cannot queue a run: queue "{name}" is partitioned, and the run has neither a partition key nor a session'
        )
    return {"queueName": name, "partitionKey": key}


async def _enqueue(database: Database, prepared: PreparedRun, dispatch: JsonObject, delay_seconds: float | None) -> str:
    """Records the run and its place in the queue, or gives the run that holds its deduplication id."""
    deduplication_id = dispatch.get("deduplicationId")
    while True:
        try:
            async with database.transaction() as transaction:
                await start_run(transaction, prepared, dispatch, delay_seconds)
            return prepared.run.run_id
        except DatabaseError as error:
            if deduplication_id is None or error.sql_state != "23505":
                raise
        holder = await database.query(
            "select timestep.deduplication_holder($1, $2)",
            [str(dispatch["queueName"]), str(deduplication_id)],
        )
        if holder[0][0] is not None:
            return str(holder[0][0])
        # Without a holder it has ended in the meantime.
