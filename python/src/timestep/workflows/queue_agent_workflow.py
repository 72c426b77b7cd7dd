"""Putting durable runs into a queue, from which workers of the TypeScript module take them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from agents import Agent, OpenAIConversationsSession, TResponseInputItem
from agents.memory import Session

from ..database.database_error import DatabaseError
from ..session.database_session import DatabaseSession
from ..state._json import JsonObject
from ..state._protocol_items import to_protocol_item
from .errors import QueueNotFoundError, RunConflictError, SessionNotDurableError
from .runs import AgentWorkflowResult, opened, read_status, wait_for_run

if TYPE_CHECKING:
    from ..database.database import Database, Transaction

_DEFAULT_QUEUE = "agents"
_PARTITIONED_QUEUE = "agents_by_partition"


class AgentWorkflowHandle:
    """A run that was put into a queue. `await` it to know that it is recorded."""

    def __init__(self, recording: asyncio.Task[str], connection_string: str | None) -> None:
        """`queue_agent_workflow()` makes them."""
        self._recording = recording
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
            return await wait_for_run(database, run_id)


def queue_agent_workflow(
    *,
    agent: Agent[Any] | str,
    input_items: str | Sequence[TResponseInputItem],
    session: Session | None = None,
    stream: bool = False,
    workflow_id: str | None = None,
    queue_name: str | None = None,
    priority: int | None = None,
    deduplication_id: str | None = None,
    partition_key: str | None = None,
    delay_seconds: float | None = None,
    context: JsonObject | None = None,
    application_name: str = "timestep",
    connection_string: str | None = None,
) -> AgentWorkflowHandle:
    """Puts a durable run into a queue. It is executed by a free worker of the TypeScript module.

    Args:
        agent: The agent, or its name: a worker must have registered an agent of this name.
        input_items: A text, or items.
        session: A `DatabaseSession` or an `OpenAIConversationsSession`.
        stream: Whether the model's answers are streamed into the run's events.
        workflow_id: Names the run: the same again is the same run. Default: a new one.
        queue_name: A queue that a worker has registered. Default: `agents`; with a partition key
            `agents_by_partition`.
        priority: Lower numbers start sooner.
        deduplication_id: While a run with this id is waiting or under way in the queue, the same id gives that run.
        partition_key: In a partitioned queue: what runs share a partition by. Default: the session's id.
        delay_seconds: How long the run waits before it is in the queue.
        context: The run context that tools and guardrails share.
        application_name: The workers' name, if they were given one (`configureDBOS({ name })`).
        connection_string: `postgresql://...`. Default: the environment's `PG_CONNECTION_URI`, else
            `SUPABASE_DB_URL`.

    Returns:
        A handle; whatever is wrong is raised by `await handle` and by its methods: `QueueNotFoundError`,
        `RunConflictError`, `SessionNotDurableError`, `StateTranslationError`.

    Raises:
        ValueError: An argument is out of range.
    """
    run_id = _checked(workflow_id, priority, delay_seconds)
    given = input_items if isinstance(input_items, str) else _protocol(input_items)
    # The text is compared when the same run is queued again, also by TypeScript: written as there.
    text = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
    options = {**({"stream": True} if stream else {}), **({"context": context} if context is not None else {})}
    dispatch: JsonObject = {
        "applicationName": application_name,
        **({"priority": priority} if priority is not None else {}),
        **({"deduplicationId": deduplication_id} if deduplication_id is not None else {}),
    }
    run = _Run(run_id, agent if isinstance(agent, str) else agent.name, text, json.dumps(options), dispatch)

    async def record() -> str:
        await run.refer_to(session)
        async with opened(connection_string) as database:
            await run.choose_queue(database, queue_name, partition_key)
            return await run.enqueue(database, delay_seconds)

    return AgentWorkflowHandle(asyncio.get_running_loop().create_task(record()), connection_string)


class _Run:
    """A run, ready to be recorded."""

    def __init__(self, run_id: str, agent_name: str, text: str, options: str, dispatch: JsonObject) -> None:
        self._run_id = run_id
        self._agent_name = agent_name
        self._text = text
        self._options = options
        self._dispatch = dispatch
        self._session_id: str | None = None

    async def refer_to(self, session: Session | None) -> None:
        """Notes by what another process can open the session again."""
        if isinstance(session, DatabaseSession):
            self._session_id, self._dispatch["sessionKind"] = session.session_id, "database"
        elif isinstance(session, OpenAIConversationsSession):
            # The conversation is made with the first use, and only then has an id.
            self._session_id = await session._get_session_id()
            self._dispatch["sessionKind"] = "openai_conversations"
        elif session is not None:
            raise SessionNotDurableError(
                f"Cannot start a durable run with a {type(session).__name__}: another process could not open it "
                "again to go on with the run. Use a DatabaseSession or an OpenAIConversationsSession"
            )

    async def choose_queue(self, database: Database, queue_name: str | None, partition_key: str | None) -> None:
        """Notes the queue and the partition."""
        name = queue_name or (_DEFAULT_QUEUE if partition_key is None else _PARTITIONED_QUEUE)
        try:
            rows = await database.query("select partition_queue from dbos.queues where name = $1", [name])
        except DatabaseError as error:
            raise QueueNotFoundError(
                "Cannot queue a run: no worker has used this database yet. Start one with the TypeScript module"
            ) from error
        if not rows:
            raise QueueNotFoundError(
                f'Cannot queue a run: there is no queue "{name}". A worker registers it with registerAgentQueue()'
            )
        self._dispatch["queueName"] = name
        is_partitioned = rows[0][0] is True
        if not is_partitioned and partition_key is not None:
            raise ValueError(f'Cannot queue a run with a partition key: queue "{name}" is not partitioned')
        if is_partitioned:
            key = partition_key if partition_key is not None else self._session_id
            if key is None:
                raise ValueError(
                    f'Cannot queue a run: queue "{name}" is partitioned, and the run has neither a partition key nor '
                    "a session"
                )
            self._dispatch["partitionKey"] = key

    async def enqueue(self, database: Database, delay_seconds: float | None) -> str:
        """Records the run and its place in the queue, or gives the run that holds its deduplication id."""
        deduplication_id = self._dispatch.get("deduplicationId")
        while True:
            try:
                async with database.transaction() as transaction:
                    await self._record(transaction, delay_seconds)
                return self._run_id
            except DatabaseError as error:
                if deduplication_id is None or error.sql_state != "23505":
                    raise
            holder = await database.query(
                """
                select r.run_id from dbos.workflow_status s join timestep.runs r on r.workflow_id = s.workflow_uuid
                where s.queue_name = $1 and s.deduplication_id = $2
                """,
                [str(self._dispatch["queueName"]), str(deduplication_id)],
            )
            if holder:
                return str(holder[0][0])
            # Without a holder it has ended in the meantime.

    async def _record(self, transaction: Transaction, delay_seconds: float | None) -> None:
        created = await transaction.query(
            """
            insert into timestep.runs (run_id, agent_name, session_id, status, input, options, dispatch)
            values ($1, $2, $3, 'queued', $4::text::json, $5::text::json, $6::text::json)
            on conflict (run_id) do nothing
            returning run_id
            """,
            [
                self._run_id,
                self._agent_name,
                self._session_id,
                self._text,
                self._options,
                json.dumps(self._dispatch),
            ],
        )
        if created:
            await transaction.query(
                "select timestep.enqueue_run($1, $1, now() + make_interval(secs => $2::text::float8))",
                [self._run_id, None if delay_seconds is None else str(delay_seconds)],
            )
            return
        rows = await transaction.query(
            """
            select agent_name = $2 and input::text = $3 and session_id is not distinct from $4
            from timestep.runs where run_id = $1
            """,
            [self._run_id, self._agent_name, self._text, self._session_id],
        )
        if rows[0][0] is not True:
            raise RunConflictError(
                f'Cannot create run "{self._run_id}": there is a run of this id with another agent, input or session. '
                "Use a new id for a new run"
            )


def _protocol(items: Sequence[TResponseInputItem]) -> list[JsonObject]:
    plain = [cast("dict[str, object]", item) for item in items]
    names = {str(item["call_id"]): str(item["name"]) for item in plain if item.get("type") == "function_call"}
    return [to_protocol_item(item, names.get) for item in plain]


def _checked(workflow_id: str | None, priority: int | None, delay_seconds: float | None) -> str:
    if workflow_id == "":
        raise ValueError("Cannot start a run: workflow_id is empty. Leave it out or fill it")
    if workflow_id is not None and re.search(r":[rt]\d+$", workflow_id):
        raise ValueError(
            f'Cannot start run "{workflow_id}": ids that end in :r or :t and a number are those of continuations'
        )
    if priority is not None and not 0 <= priority < 2**31:
        raise ValueError(f"Cannot queue a run: priority is {priority}, but has to be an integer from 0 to 2^31 - 1")
    if delay_seconds is not None and not 0 <= delay_seconds < float("inf"):
        raise ValueError(f"Cannot queue a run: delay_seconds is {delay_seconds}, but has to be 0 or more")
    return workflow_id if workflow_id is not None else str(uuid4())
