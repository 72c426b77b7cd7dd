"""Waiting until a run is over."""

from __future__ import annotations

from typing import TypeVar

from agents import RunResult, RunResultStreaming

AgentResult = TypeVar("AgentResult", RunResult, RunResultStreaming, RunResult | RunResultStreaming)


async def consume_result(result: AgentResult) -> AgentResult:
    """Waits until a run is over, and hands back its result.

    A streaming result is drained: its events are read and dropped, and everything that the run does in the
    background (guardrails that run in parallel, writes to the session) is waited for. Afterwards
    `final_output`, `interruptions` and the state are complete. A result without streaming is complete already
    and comes back at once. May be called more than once, and after the stream has been read.

    Args:
        result: What a run of an agent gave: with or without streaming.

    Returns:
        The same object.

    Raises:
        agents.AgentsException: The error of the run, as it is.
    """
    if isinstance(result, RunResultStreaming):
        async for _event in result.stream_events():
            pass  # Read so that the queue of events does not grow; there is nobody to show them to.
        failure = result.run_loop_exception
        if failure is not None:
            raise failure
    return result
