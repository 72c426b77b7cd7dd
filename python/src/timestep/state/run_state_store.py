"""Keeping paused runs: save one, load it in another process, or in the other language."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from agents import Agent, RunResult, RunResultStreaming, RunState

from ..database.storable_name import assert_storable_name
from ._claims import Origin, origin_of, remember_origin, settlements_under_way
from ._database_snapshots import DatabaseSnapshots
from ._facts import interruptions_of, number_calls, usage_of
from ._file_snapshots import FileSnapshots
from ._losses import TranslationLoss
from ._snapshots import SavedRun, Snapshot, Snapshots
from .envelope import seal, unseal
from .run_state_errors import RunStateConflictError, RunStateNotFoundError

_log = logging.getLogger("timestep")


class RunStateStore:
    """Keeps the paused run of an agent: in the database, or in a file.

    What either language saved, both can load: a run that TypeScript saved is translated when it is loaded.

    Example:
        ```python
        async with RunStateStore(agent=agent, session_id="customer-42") as store:
            result = await run_agent(agent, "Pay the invoice", session)
            if result.interruptions:
                await store.save(result.to_state())

            state = await store.load()  # here, in another process, or in TypeScript
            for interruption in state.get_interruptions():
                state.approve(interruption)
            result = await run_agent(agent, state, session)
        ```
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        agent: Agent[Any] | None = None,
        *,
        session_id: str | None = None,
        connection_string: str | None = None,
    ) -> None:
        """Says where the run is kept; nothing is opened before it is used.

        Args:
            path: A file. Default: the database.
            agent: The agent that runs start with.
            session_id: The conversation that the run belongs to: there is one paused run for each agent and
                conversation. Default: none. Only for the database.
            connection_string: `postgresql://...`. Default: the environment's `PG_CONNECTION_URI`, else
                `SUPABASE_DB_URL`. Only for the database.

        Raises:
            TypeError: There is no agent; or arguments for the database together with a path.
            ValueError: The session's identifier is empty, or cannot be stored.
        """
        if agent is None:
            raise TypeError(
                "The store could not be made: it needs the agent, as in RunStateStore(agent=agent) or "
                'RunStateStore("state.json", agent)'
            )
        if path is not None and (session_id is not None or connection_string is not None):
            raise TypeError("The store could not be made: a file has neither session_id nor connection_string")
        if session_id == "":
            raise ValueError("Cannot use an empty session_id: leave it out for none")
        if session_id is not None:
            assert_storable_name("session_id", session_id)
        self._agent = agent
        self._snapshots: Snapshots = (
            FileSnapshots(Path(path))
            if path is not None
            else DatabaseSnapshots(agent.name, session_id, connection_string)
        )
        self._held: SavedRun | None = None
        self.losses: tuple[TranslationLoss, ...] = ()
        """What the translation of the run that was loaded last left out without harm."""

    async def save(self, state: RunState[Any] | RunResult | RunResultStreaming) -> None:
        """Saves a paused run: its snapshot, what it waits for and what it used, all or nothing.

        A run that has ended can be saved, too; it is not in the way of the next.

        Args:
            state: The state of the run, or its result.

        Raises:
            RunStateConflictError: There is another paused run, or somebody saved or resumed this one meanwhile.
        """
        saved = state if isinstance(state, RunState) else state.to_state()
        if saved._context is None:
            raise ValueError("The run could not be saved: its state has no context. Give a state of the Agents SDK")
        origin = origin_of(saved)
        snapshot = Snapshot(
            envelope=seal(self._agent, saved),
            is_ended=saved._current_step is None,
            interruptions=interruptions_of(saved, origin.interruptions if origin is not None else ()),
            usage=usage_of(self._agent, saved._context.usage, saved._model_responses),
        )
        await settlements_under_way()
        if origin is not None and origin.snapshots.place == self._snapshots.place:
            run = await self._snapshots.replace(snapshot, origin.run)
        else:
            run = await self._snapshots.add(snapshot, self._held)
        if run is None:
            raise RunStateConflictError(
                f"The run {self._snapshots.place} could not be saved: there is a paused run that this store has not "
                "loaded, or this one was saved, resumed or cleared since. Load it, or clear() it first"
            )
        self._remember(saved, run)

    async def load(self, *, take_over: bool = False) -> RunState[Any]:
        """Loads the paused run, to decide and to hand it to `run_agent`, which resumes it once.

        Args:
            take_over: Also when somebody has begun to resume it: only when it is certain that they died. What they
                did since is not known, and is done again.

        Raises:
            RunStateNotFoundError: There is none.
            RunStateConflictError: It is being resumed.
            RunStateGraphError: It needs agents, tools or handoffs that the store's agent does not have.
            RunStateMalformedError: What is saved is damaged, or of an unknown version.
            StateTranslationError: It cannot be carried over from the other language.
        """
        await settlements_under_way()
        found = await self._snapshots.read()
        if found is None:
            raise RunStateNotFoundError(f"There is no paused run {self._snapshots.place}")
        run, envelope = found
        if run.claim is not None and not take_over:
            raise RunStateConflictError(
                f"The run {self._snapshots.place} could not be loaded: it is being resumed, or whoever resumed it "
                f"failed or died (process and attempt {run.claim}). When nobody is at it any more, "
                "load(take_over=True) resumes it once more"
            )
        opened = await unseal(self._agent, envelope)
        self.losses = opened.losses
        for loss in opened.losses:
            _log.info("The translation of a run left out %s (%s)", loss.what, loss.path)
        self._remember(opened.state, run)
        return opened.state

    def _remember(self, state: RunState[Any], run: SavedRun) -> None:
        self._held = run
        remember_origin(state, Origin(self._snapshots, self._agent, run, number_calls(state)))

    async def clear(self) -> None:
        """Gives the paused run up, if there is one. Its record stays, but it cannot be loaded any more."""
        await settlements_under_way()
        await self._snapshots.clear()
        self._held = None

    async def close(self) -> None:
        """Lets go of the database. Closing again does nothing."""
        await settlements_under_way()
        await self._snapshots.close()

    async def __aenter__(self) -> RunStateStore:
        """Gives the store itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Lets go of the database."""
        await self.close()
