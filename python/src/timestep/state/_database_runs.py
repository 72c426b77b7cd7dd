"""Paused runs in the database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from agents import RunState

from ..database.database import Database, open_database
from . import _run_rows as rows
from ._claims import Claim
from ._facts import interruptions_of
from .envelope import Envelope
from .run_state_errors import RunStateConflictError, RunStateNotFoundError


class DatabaseRuns:
    """The paused run of one slot."""

    def __init__(self, slot: rows.Slot, connection_string: str | None) -> None:
        self._slot = slot
        self._connection_string = connection_string
        self._database: Database | None = None
        self._held: rows.SavedRun | None = None

    async def save(
        self,
        envelope: Envelope,
        interruptions: Sequence[rows.Interruption],
        usage: rows.Usage,
        origin: Claim | None,
    ) -> Claim:
        """Saves a snapshot; gives the right to resume it."""
        held = origin.run if isinstance(origin, DatabaseClaim) and origin.slot == self._slot else self._held
        saved = await rows.write(self._open(), self._slot, held, envelope, interruptions, usage)
        if saved is None:
            raise RunStateConflictError(
                f"The run {self._where()} could not be saved: there is a paused run that this store has not loaded, "
                "or that was saved or resumed since. Load it, or clear() it first"
            )
        self._held = saved
        return DatabaseClaim(self._slot, saved, self._connection_string)

    async def load(self, take_over: bool) -> tuple[Envelope, Claim]:
        """The snapshot, and the right to resume it."""
        found = await rows.read(self._open(), self._slot)
        if found is None:
            raise RunStateNotFoundError(f"There is no paused run {self._where()}")
        run, envelope = found
        if run.claim is not None and not take_over:
            raise RunStateConflictError(
                f"The run {self._where()} could not be loaded: it is being resumed, or who resumed it died (process "
                f"and attempt {run.claim}). If that is certain, load(take_over=True) resumes it once more"
            )
        self._held = run
        return envelope, DatabaseClaim(self._slot, run, self._connection_string)

    async def clear(self) -> None:
        """Ends the paused run, if there is one; its rows stay."""
        await rows.clear(self._open(), self._slot)
        self._held = None

    async def close(self) -> None:
        """Lets go of the database."""
        database, self._database = self._database, None
        if database is not None:
            await database.close()

    def _open(self) -> Database:
        if self._database is None:
            self._database = open_database(self._connection_string)
        return self._database

    def _where(self) -> str:
        session = f" in session {self._slot.session_id!r}" if self._slot.session_id is not None else ""
        return f"of agent {self._slot.agent_name!r}{session}"


class DatabaseClaim(Claim):
    """The right to resume one snapshot in the database."""

    def __init__(self, slot: rows.Slot, run: rows.SavedRun, connection_string: str | None) -> None:
        self.slot = slot
        self.run = run
        self._connection_string = connection_string
        self._is_taken = False

    async def take(self, state: RunState[Any]) -> None:
        """Takes the right, once."""
        if self._is_taken:
            return
        by = f"{os.getpid()}:{uuid4()}"
        database = open_database(self._connection_string)
        try:
            is_taken = await rows.claim(database, self.run, by, interruptions_of(state))
        finally:
            await database.close()
        if not is_taken:
            raise RunStateConflictError(
                f"The run {self.run.run_id!r} could not be resumed: it was resumed, saved again or cleared since it "
                "was loaded. Load it again to see where it is"
            )
        self.run = replace(self.run, claim=by)
        self._is_taken = True

    async def settle(self) -> None:
        """Notes that the run has ended."""
        database = open_database(self._connection_string)
        try:
            await rows.settle(database, self.run)
        finally:
            await database.close()
