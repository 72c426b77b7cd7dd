"""Running an agent in a durable workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from agents import Agent, TResponseInputItem
from agents.memory import Session

from ..durable.registry import register_agent
from ..state._json import JsonObject
from ._database import dispatching
from ._executor_sql import DIRECT_QUEUE, claim_directly
from ._start_run import prepare_run, start_run
from .configure_dbos import use_configuration
from .launch_dbos import executing_engine
from .runs import AgentWorkflowResult, load_result


async def run_agent_workflow(
    agent: Agent[Any],
    input_items: str | Sequence[TResponseInputItem],
    session: Session | None = None,
    stream: bool = False,
    workflow_id: str | None = None,
    timeout_seconds: float | None = None,
    *,
    context: JsonObject | None = None,
    max_turns: int | None = None,
    owner_id: str | None = None,
) -> AgentWorkflowResult:
    """Runs an agent in a durable workflow: each model call, tool call, guardrail and session write is recorded.

    When this process dies, another one, or this program started again, goes on where it was. Starts at once, without
    a queue. A model or a tool that fails is a status, not an exception.

    Args:
        agent: The agent that starts. It is registered, as by `register_agent()`.
        input_items: A text, or items.
        session: The conversation: a `DatabaseSession` of the same database, or an `OpenAIConversationsSession`.
            Processes that go on with the run open it again by its id.
        stream: Whether the model's answers are streamed into the run's events, for `read_run_events()`.
        workflow_id: Names the run, and makes starting it idempotent: the same id again is the same run, never a
            second one. Default: a random one.
        timeout_seconds: How long the run may take; then it is cancelled. Time that a person takes to decide does not
            count: it starts again after each pause. Default: no limit.
        context: The run context that tools and guardrails share: plain data, as it has to outlive the process.
        max_turns: How many times the model may be called. Default: the SDK's, 10.
        owner_id: Whom the run belongs to: a user's id. Default: the service itself.

    Returns:
        What became of the run: it has ended, or is paused, `interrupted` for approvals, which `decide()` takes from
        any process, or `unknown_outcome` for a person to settle.

    Raises:
        TypeError: An argument is of another kind.
        ValueError: An argument is out of range.
        RunConflictError: There is a run of this `workflow_id` with another agent, input or session.
        SessionNotDurableError: Another process could not open the session.
        ContextNotSerializableError: The context holds what JSON cannot.
        DatabaseError: The database can't be opened.
    """
    register_agent(agent)
    prepared = await prepare_run(
        agent,
        input_items,
        workflow_id=workflow_id,
        stream=stream,
        timeout_seconds=timeout_seconds,
        context=context,
        max_turns=max_turns,
        owner_id=owner_id,
    ).with_session(session)
    application_name = use_configuration().name
    engine = await executing_engine()
    run_id = prepared.run.run_id
    async with dispatching() as database:
        token = str(uuid4())
        dispatch: JsonObject = {"applicationName": application_name, "queueName": DIRECT_QUEUE}
        async with database.transaction() as transaction:
            is_claimed = await start_run(transaction, prepared, dispatch) and (
                engine is not None
                and await claim_directly(transaction, run_id, engine.executor_id, token, application_name)
            )
        if engine is not None:
            if is_claimed:
                await asyncio.to_thread(engine.dispatch, [run_id], token)
            await engine.while_executing(run_id)
        return await load_result(database, run_id, agent)
