"""Running an agent: one function for a fresh run and a resumed one, streamed or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar, overload

from agents import (
    Agent,
    ModelProvider,
    RunConfig,
    Runner,
    RunResult,
    RunResultStreaming,
    RunState,
    TResponseInputItem,
)
from agents.memory import Session

from ..model.multi_model_provider import MultiModelProvider
from ..state._claims import Origin, origin_of, remember_origin, settle_in_background
from .consume_result import consume_result

# The context of a run is whatever its tools agree on; neither this module nor the SDK looks into it.
AnyAgent = Agent[Any]
RunInput = str | list[TResponseInputItem] | RunState[Any]
AnyResult = RunResult | RunResultStreaming
T = TypeVar("T")


async def default_result_processor(result: AnyResult) -> AnyResult:
    """What `run_agent` does with a result unless it is told otherwise: the same as `consume_result`."""
    return await consume_result(result)


@overload
async def run_agent(
    agent: AnyAgent,
    run_input: RunInput,
    session: Session | None = None,
    stream: Literal[False] = False,
    result_processor: None = None,
    model_provider: ModelProvider | None = None,
) -> RunResult: ...


@overload
async def run_agent(
    agent: AnyAgent,
    run_input: RunInput,
    session: Session | None,
    stream: Literal[True],
    result_processor: None = None,
    model_provider: ModelProvider | None = None,
) -> RunResultStreaming: ...


@overload
async def run_agent(
    agent: AnyAgent,
    run_input: RunInput,
    session: Session | None = None,
    *,
    stream: Literal[True],
    result_processor: None = None,
    model_provider: ModelProvider | None = None,
) -> RunResultStreaming: ...


@overload
async def run_agent(
    agent: AnyAgent,
    run_input: RunInput,
    session: Session | None = None,
    stream: bool = False,
    result_processor: None = None,
    model_provider: ModelProvider | None = None,
) -> AnyResult: ...


@overload
async def run_agent(
    agent: AnyAgent,
    run_input: RunInput,
    session: Session | None,
    stream: Literal[True],
    result_processor: Callable[[RunResultStreaming], Awaitable[T]],
    model_provider: ModelProvider | None = None,
) -> T: ...


@overload
async def run_agent(
    agent: AnyAgent,
    run_input: RunInput,
    session: Session | None = None,
    *,
    stream: Literal[True],
    result_processor: Callable[[RunResultStreaming], Awaitable[T]],
    model_provider: ModelProvider | None = None,
) -> T: ...


@overload
async def run_agent(
    agent: AnyAgent,
    run_input: RunInput,
    session: Session | None = None,
    stream: Literal[False] = False,
    *,
    result_processor: Callable[[RunResult], Awaitable[T]],
    model_provider: ModelProvider | None = None,
) -> T: ...


@overload
async def run_agent(
    agent: AnyAgent,
    run_input: RunInput,
    session: Session | None,
    stream: bool,
    result_processor: Callable[[AnyResult], Awaitable[T]],
    model_provider: ModelProvider | None = None,
) -> T: ...


async def run_agent(
    agent: AnyAgent,
    run_input: RunInput,
    session: Session | None = None,
    stream: bool = False,
    result_processor: Callable[..., Awaitable[object]] | None = default_result_processor,
    model_provider: ModelProvider | None = None,
) -> object:
    """Runs an agent until it answers, or until it needs somebody's approval.

    Errors reach the caller as they are: those of the Agents SDK with their class (`MaxTurnsExceeded`,
    `InputGuardrailTripwireTriggered`, ...), also when the run streams.

    A state that `RunStateStore.load()` gave is claimed first, so that one approval is one execution, and
    settled when the run has ended.

    Args:
        agent: The agent that starts; it may hand over to others.
        run_input: A text, items, or the state of an interrupted run, which goes on where it stopped.
        session: The conversation: its history is read before the run and the new items are added to it.
            Without one the run remembers nothing.
        stream: Whether the model's answers are streamed.
        result_processor: Receives the result as soon as there is one, before a stream is read; the caller
            gets what it returns. None: the result is handed back untouched, a stream unread.
        model_provider: Where models that are given by name come from. Default: a `MultiModelProvider`, set up
            from the environment.

    Returns:
        The result, or what the processor made of it. A result that was interrupted has its `state` too.

    Raises:
        timestep.RunStateConflictError: The state is being resumed, or was, by somebody else.
    """
    origin = origin_of(run_input) if isinstance(run_input, RunState) else None
    if origin is not None and isinstance(run_input, RunState):
        await origin.take(run_input)
    provider = model_provider or MultiModelProvider()
    result: AnyResult | None = None
    try:
        run_config = RunConfig(model_provider=provider)
        if stream:
            result = Runner.run_streamed(agent, run_input, session=session, run_config=run_config)
        else:
            result = await Runner.run(agent, run_input, session=session, run_config=run_config)
        processed = await result_processor(result) if result_processor is not None else result
        if _is_over(result):
            await _conclude(result, origin)
        elif origin is not None and isinstance(result, RunResultStreaming):
            _conclude_later(result, origin)
        return processed
    except BaseException:
        # It stays claimed: nobody repeats it but who has this state.
        if origin is not None:
            origin.release()
        raise
    finally:
        # A stream that is still to be read needs its connections.
        if model_provider is None and (result is None or _is_over(result)):
            await provider.aclose()


def _is_over(result: AnyResult) -> bool:
    return isinstance(result, RunResult) or result.is_complete


async def _conclude(result: AnyResult, origin: Origin | None) -> None:
    """Notes the end of a run that has one."""
    if result.interruptions:
        state = result.to_state()
        # The TypeScript SDK's results have it, and so a line that saves `result.state` works in both.
        setattr(result, "state", state)  # noqa: B010 -- not declared by the SDK
        if origin is not None:
            origin.release()
            remember_origin(state, origin)
    elif origin is not None:
        await origin.settle(result)


def _conclude_later(result: RunResultStreaming, origin: Origin) -> None:
    """Notes the end of a stream that somebody else reads, when it has come."""

    def end(task: asyncio.Task[Any]) -> None:
        if task.cancelled() or task.exception() is not None:
            origin.release()  # Whoever reads the stream gets its error.
        elif result.interruptions:
            origin.release()
            remember_origin(result.to_state(), origin)
        else:
            settle_in_background(origin, result)

    if result.run_loop_task is not None:
        result.run_loop_task.add_done_callback(end)
