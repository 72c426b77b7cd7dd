"""Executing one segment of a run, from where it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from agents import Agent, ModelProvider, RunConfig, Runner, RunResult, RunResultStreaming, RunState, TResponseInputItem
from agents.memory import Session

from ..database.database_error import DatabaseError
from ..model.multi_model_provider import MultiModelProvider
from ..run.consume_result import consume_result
from ..state._protocol_items import from_protocol_item
from ..state.translation_error import StateTranslationError
from .claim_run import ClaimedRun, claim_run, leave_to_typescript
from .create_run import agent_definition, first_difference
from .durable_session import RunSession
from .errors import (
    ApprovalReusedError,
    ContextNotSerializableError,
    ExecutionStoppedError,
    ModelRateLimitedError,
    OtherLanguageError,
    RunDivergedError,
    ToolsUnavailableError,
    UnknownOutcome,
    UnsupportedToolError,
)
from .execution import Execution
from .finish_run import finish_unknown, finish_with_failure, finish_with_result
from .instrument import instrument_sdk
from .journal_writer import ownership_lost
from .pause_run import resume_pause
from .run_error import retry_after_seconds, to_run_failure
from .scope import Frame, Scope, inside

if TYPE_CHECKING:
    from ..database.database import Database

_WATCH_SECONDS = 1.0
"""How often to look whether the run was cancelled or taken over while nothing is written."""

_FAULTS_OF_RUN = (RunDivergedError, ContextNotSerializableError, UnsupportedToolError, ApprovalReusedError)
"""What would stop the execution again: the run's own code is at fault."""


@dataclass(frozen=True)
class RunPart:
    """One part of a run, and who executes it."""

    run_id: str
    segment: int
    """Which part: 0, then one more after every pause."""
    executor_id: str


async def execute_run(
    database: Database,
    part: RunPart,
    *,
    model_provider: ModelProvider | None = None,
    session: Session | None = None,
    stop: asyncio.Event | None = None,
) -> str | None:
    """Executes one segment of a run, from where it is: steps that were recorded are not done again.

    Errors of the agent, its tools and its model are part of the outcome. What is raised concerns this execution:
    the run stays as it is and can be executed again.

    Args:
        database: Where the run is recorded.
        part: What to execute.
        model_provider: Where models that are given by name come from. Default: a `MultiModelProvider`.
        session: The conversation. Default: the `DatabaseSession` of the run's session id, if the run has one.
        stop: Stops the execution when it is set.

    Returns:
        The run's status: `completed`, `interrupted`, `blocked`, `failed` or `unknown_outcome`; None when there was
        nothing to execute here: the run has ended, waits, or is in another segment.

    Raises:
        AgentNotRegisteredError: This process does not know the run's agent.
        OtherLanguageError: Only a process of the TypeScript module can execute this part.
        RunNotFoundError: There is no such run.
        OwnershipLostError: Another process took the run over meanwhile, or it was cancelled.
        ExecutionStoppedError: `stop` was set.
        ModelRateLimitedError: The model's provider asks to come back later.
        ToolsUnavailableError: An MCP server of the agent cannot be asked for its tools.
        DatabaseError: The database is out of reach.
    """
    instrument_sdk()
    claim = await claim_run(database, part.run_id, part.segment, part.executor_id)
    if claim is None:
        return None
    execution = claim.execution
    helpers = [asyncio.ensure_future(_watch(execution))]
    if stop is not None:
        helpers.append(asyncio.ensure_future(_fail_when_set(execution, stop)))
    try:
        return await _execute(claim, model_provider, session)
    finally:
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        execution.writer.dispose()


async def _watch(execution: Execution) -> None:
    """Looks from time to time whether the run is still this process's, so that it stops during a long call too."""
    owner = execution.owner
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        # Whether the database can be reached is for the next write to find out.
        with suppress(DatabaseError):
            rows = await execution.database.query(
                "select epoch = $2::int and status = 'running' from timestep.runs where run_id = $1",
                [owner.run_id, owner.epoch],
            )
            if not rows or rows[0][0] is not True:
                execution.fail(ownership_lost(owner))


async def _fail_when_set(execution: Execution, stop: asyncio.Event) -> None:
    await stop.wait()
    execution.fail(
        ExecutionStoppedError(
            f'Stopped executing run "{execution.owner.run_id}", as asked. It goes on when it is executed again'
        )
    )


async def _execute(claim: ClaimedRun, model_provider: ModelProvider | None, session: Session | None) -> str:
    execution = claim.execution
    provider = model_provider or MultiModelProvider()
    try:
        # A task of its own, so that a failure can cancel it whatever it waits for.
        execution.task = asyncio.ensure_future(_run_agent_loop(claim, provider, session))
        try:
            result = await execution.task
        except BaseException:
            execution.task.cancel()
            await asyncio.gather(execution.task, return_exceptions=True)
            raise
        execution.check()
        return await finish_with_result(claim, result)
    except (Exception, asyncio.CancelledError) as raised:
        # The SDK wraps what its callbacks raise; what stopped the execution is known better here.
        if isinstance(raised, asyncio.CancelledError) and execution.failure is None:
            raise
        return await _finish_failed(claim, execution.failure or raised)
    finally:
        if model_provider is None:
            await provider.aclose()


async def _run_agent_loop(
    claim: ClaimedRun, provider: ModelProvider, given_session: Session | None
) -> RunResult | RunResultStreaming:
    execution, options = claim.execution, claim.options
    owner = execution.owner
    session = given_session
    if session is None and claim.session_id is not None:
        session = RunSession(claim.session_id, connection_string=execution.database.uri)
    try:
        start: str | list[TResponseInputItem] | RunState[Any]
        settings: dict[str, Any] = {"run_config": RunConfig(model_provider=provider), "session": session}
        prefix = f"{owner.segment}."
        with inside(Frame(Scope(execution, prefix))):
            if owner.segment == 0:
                start, context = _input(claim.given), options.context
                settings["context"] = context
                if options.has_max_turns:
                    settings["max_turns"] = options.max_turns
            else:
                # A state brings its context and its limits along.
                start = await _resume(execution, claim.agent)
                context = start._context.context if start._context is not None else None
            execution.follow_context(prefix, context)
            if not options.stream:
                return await Runner.run(claim.agent, start, **settings)
            streamed = Runner.run_streamed(claim.agent, start, **settings)
            try:
                return await consume_result(streamed)
            except BaseException:
                streamed.cancel()
                if streamed.run_loop_task is not None:
                    await asyncio.gather(streamed.run_loop_task, return_exceptions=True)
                raise
    finally:
        if isinstance(session, RunSession):
            await session.close()


async def _resume(execution: Execution, agent: Agent[Any]) -> RunState[Any]:
    try:
        return await resume_pause(execution, agent)
    except StateTranslationError as error:
        # Nothing of this part was done yet.
        await leave_to_typescript(execution.database, execution.owner)
        other = OtherLanguageError(
            f'Cannot go on with run "{execution.owner.run_id}" in Python: {error}. A process of the TypeScript module '
            "can"
        )
        execution.fail(other)
        raise other from error


def _input(given: object) -> str | list[TResponseInputItem]:
    """The input as it was recorded: a text, or protocol items."""
    if isinstance(given, str):
        return given
    return [cast("TResponseInputItem", from_protocol_item(item)) for item in cast("list[object]", given)]


async def _finish_failed(claim: ClaimedRun, error: BaseException) -> str:
    """Ends the run with what went wrong in it; raises what only concerns this execution."""
    execution = claim.execution
    run_id = execution.owner.run_id
    if isinstance(error, UnknownOutcome):
        return await finish_unknown(claim)
    if isinstance(error, ToolsUnavailableError):
        await execution.writer.drain()
        raise error
    if execution.failure is error and not isinstance(error, _FAULTS_OF_RUN):
        raise error
    wait = retry_after_seconds(error)
    if wait is not None:
        await execution.writer.drain()
        raise ModelRateLimitedError(run_id, wait) from error
    failure = to_run_failure(error)
    if isinstance(error, RunDivergedError):
        change = await _agent_change(claim)
        if change is not None:
            failure.error["message"] = (
                f"{failure.error['message']}. The agent's code was changed since the run began, first at {change}"
            )
    return await finish_with_failure(claim, failure)


async def _agent_change(claim: ClaimedRun) -> str | None:
    """Where the code of the agent first differs from what the run was begun with."""
    if claim.agent_fingerprint is None:
        return None
    now = agent_definition(claim.agent)
    if now.fingerprint == claim.agent_fingerprint:
        return None
    rows = await claim.execution.database.query(
        "select definition from timestep.agents where agent_name = $1 and fingerprint = $2",
        [claim.agent.name, claim.agent_fingerprint],
    )
    if not rows or not isinstance(rows[0][0], Mapping):
        return None
    return first_difference(rows[0][0], json.loads(now.text))
