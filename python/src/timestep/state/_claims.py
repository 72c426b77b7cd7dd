"""Which saved run a state came from: so that one approval is one execution."""

from __future__ import annotations

import asyncio
import logging
import os
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from agents import Agent, RunResult, RunResultStreaming, RunState

from ._facts import NumberedCall, interruptions_of, usage_of
from ._snapshots import RunEnd, SavedRun, Snapshots
from .run_state_errors import RunStateConflictError

_log = logging.getLogger("timestep")


@dataclass
class Origin:
    """The saved run that a state came from, and whether its holder has begun to resume it."""

    snapshots: Snapshots
    agent: Agent[Any]
    """The agent that the run started with."""
    run: SavedRun
    interruptions: Sequence[NumberedCall]
    """What the run waited for when it was saved or loaded: decided since, it is not in the state any more."""
    is_taken: bool = False
    """Whether the right to resume was taken here."""
    is_resuming: bool = field(default=False)
    """Whether it is being resumed right now."""

    async def take(self, state: RunState[Any]) -> None:
        """Takes the right to resume the run; the same state can go on as often as it likes, one time after the other.

        Raises:
            RunStateConflictError: The run was resumed, saved or cleared since the state was loaded, or is being
                resumed with this very state.
        """
        if self.is_resuming:
            raise RunStateConflictError(
                f"The run {self.snapshots.place} could not be resumed: it is being resumed with the same state. "
                "Wait for its end"
            )
        self.is_resuming = True
        try:
            if not self.is_taken:
                await self._claim(state)
        except BaseException:
            self.is_resuming = False
            raise

    async def _claim(self, state: RunState[Any]) -> None:
        claim = f"{os.getpid()}:{uuid4()}"
        decided = [facts for facts in interruptions_of(state) if facts.status != "pending"]
        if not await self.snapshots.claim(self.run, claim, decided):
            raise RunStateConflictError(
                f"The run {self.snapshots.place} could not be resumed: it was resumed, saved again or cleared since "
                "it was loaded. Load it again to see where it is"
            )
        self.run = replace(self.run, claim=claim)
        self.is_taken = True

    def release(self) -> None:
        """Notes that resuming has failed or paused again: it can be tried again with the same state."""
        self.is_resuming = False

    async def settle(self, result: RunResult | RunResultStreaming) -> None:
        """Notes that the run has ended, unless it was cancelled before its end.

        The result is what counts: that it could not be noted is only logged.
        """
        self.release()
        if isinstance(result, RunResultStreaming) and result._cancel_mode != "none" and result.final_output is None:
            return
        end = RunEnd(result.final_output, usage_of(self.agent, result.context_wrapper.usage, result.raw_responses))
        try:
            if await self.snapshots.settle(self.run, end):
                return
            why = "somebody else has taken it over or cleared it; what it did may have been done twice"
        except Exception as error:
            why = str(error)
        _log.warning("The run %s has ended, but this could not be noted: %s", self.snapshots.place, why)


_origins: dict[int, tuple[weakref.ref[object], Origin]] = {}
_settling: set[asyncio.Task[None]] = set()


def _key(state: RunState[Any]) -> object:
    """What all states of one pause share: `result.to_state()` makes a new state each time."""
    answer = state._last_processed_response
    return answer if state._current_step is not None and answer is not None else state


def remember_origin(state: RunState[Any], origin: Origin) -> None:
    """Notes which saved run a state came from, for as long as the state lives."""
    holder = _key(state)
    key = id(holder)
    _origins[key] = (weakref.ref(holder, lambda _: _origins.pop(key, None)), origin)


def origin_of(state: RunState[Any]) -> Origin | None:
    """The saved run that a state came from, if it came from one."""
    holder = _key(state)
    reference, origin = _origins.get(id(holder), (None, None))
    return origin if reference is not None and reference() is holder else None


def settle_in_background(origin: Origin, result: RunResult | RunResultStreaming) -> None:
    """Notes the end of a run whose reader does not wait for it."""
    task = asyncio.get_running_loop().create_task(origin.settle(result))
    _settling.add(task)
    task.add_done_callback(_settling.discard)


async def settlements_under_way() -> None:
    """Waits until runs that have ended are noted as such."""
    here = asyncio.get_running_loop()
    tasks = [task for task in _settling if task.get_loop() is here]
    if tasks:
        await asyncio.wait(tasks)
