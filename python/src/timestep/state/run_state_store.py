"""Keeping paused runs: save one, load it in another process, or in the other language."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from agents import Agent, RunResult, RunResultStreaming, RunState

from ._claims import claim_of, remember_claim
from ._database_runs import DatabaseRuns
from ._facts import interruptions_of, usage_of
from ._file_runs import FileRuns
from ._losses import TranslationLoss
from ._run_rows import Slot
from .envelope import seal, unseal

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
        """
        if agent is None:
            raise TypeError(
                "The store could not be made: it needs the agent, as in RunStateStore(agent=agent) or "
                'RunStateStore("state.json", agent)'
            )
        if path is not None and (session_id is not None or connection_string is not None):
            raise TypeError("The store could not be made: a file has neither session_id nor connection_string")
        self._agent = agent
        self._runs: DatabaseRuns | FileRuns = (
            FileRuns(Path(path)) if path is not None else DatabaseRuns(Slot(agent.name, session_id), connection_string)
        )
        self.losses: tuple[TranslationLoss, ...] = ()
        """What the translation of the run that was loaded last left out without harm."""

    async def save(self, state: RunState[Any] | RunResult | RunResultStreaming) -> None:
        """Saves a paused run: its snapshot, what it waits for and what it used, all or nothing.

        Args:
            state: The state of the run, or its result.

        Raises:
            RunStateConflictError: There is another paused run, or somebody saved this one meanwhile.
        """
        paused = state if isinstance(state, RunState) else state.to_state()
        claim = await self._runs.save(
            seal(self._agent, paused),
            interruptions_of(paused),
            usage_of(self._agent, paused),
            claim_of(paused),
        )
        remember_claim(paused, claim)

    async def load(self, *, take_over: bool = False) -> RunState[Any]:
        """Loads the paused run, to decide and to hand it to `run_agent`, which resumes it once.

        Args:
            take_over: Also when somebody has begun to resume it: only when it is certain that they died.

        Raises:
            RunStateNotFoundError: There is none.
            RunStateConflictError: It is being resumed.
            RunStateGraphError: It belongs to other agents.
            RunStateMalformedError: What is saved is damaged.
            StateTranslationError: It cannot be carried over from the other language.
        """
        envelope, claim = await self._runs.load(take_over)
        opened = await unseal(self._agent, envelope)
        self.losses = opened.losses
        for loss in opened.losses:
            _log.info("The translation of a run left out %s (%s)", loss.what, loss.path)
        remember_claim(opened.state, claim)
        return opened.state

    async def clear(self) -> None:
        """Gives the paused run up, if there is one. Its record stays, but it cannot be loaded any more."""
        await self._runs.clear()

    async def close(self) -> None:
        """Lets go of the database. Closing again does nothing."""
        await self._runs.close()

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
