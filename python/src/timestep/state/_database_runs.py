"""Paused runs in the database."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
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
        self._known: rows.SavedRun | None = None

    async def save(
        self,
        envelope: Envelope,
        interruptions: Sequence[rows.Interruption],
        usage: rows.Usage,
        origin: Claim | None,
    ) -> Claim:
        """Saves a snapshot; gives the right to resume it."""
        known = origin.run if isinstance(origin, DatabaseClaim) else self._known
        async with self._open().transaction() as transaction:
            await rows.lock(transaction, self._slot)
            found = await rows.find(transaction, self._slot)
            if found is not None and (known is None or _id(found) != _id(known)):
                raise RunStateConflictError(
                    f"The run could not be saved: {self._where()} there is a paused run that this store has not "
                    "loaded, or that was saved again meanwhile. Load it, or clear() it first"
                )
            run_id = found.run_id if found is not None else None
            saved = await rows.insert(transaction, self._slot, run_id, envelope, interruptions, usage)
        self._known = saved
        return DatabaseClaim(saved, self._connection_string)

    async def load(self, take_over: bool) -> tuple[Envelope, Claim]:
        """The snapshot, and the right to resume it."""
        async with self._open().transaction() as transaction:
            found = await rows.find(transaction, self._slot)
            if found is None:
                raise RunStateNotFoundError(f"There is no paused run {self._where()}")
            if found.claimed_by is not None and not take_over:
                raise RunStateConflictError(
                    f"The run {self._where()} could not be loaded: it is being resumed, or the process that "
                    "resumed it died. If that is certain, load(take_over=True) resumes it once more"
                )
            envelope = await rows.read(transaction, found)
        self._known = found
        return envelope, DatabaseClaim(found, self._connection_string)

    async def clear(self) -> None:
        """Ends the paused run, if there is one; its rows stay."""
        async with self._open().transaction() as transaction:
            await rows.lock(transaction, self._slot)
            found = await rows.find(transaction, self._slot)
            if found is not None:
                await rows.clear(transaction, found)
        self._known = None

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


def _id(run: rows.SavedRun) -> tuple[str, int]:
    return run.run_id, run.version


class DatabaseClaim(Claim):
    """The right to resume one snapshot in the database."""

    def __init__(self, run: rows.SavedRun, connection_string: str | None) -> None:
        self.run = run
        self._connection_string = connection_string
        self._is_taken = False

    async def take(self, state: RunState[Any]) -> None:
        """Takes the right, once."""
        if self._is_taken:
            return
        by = f"{socket.gethostname()}:{os.getpid()}:{uuid4()}"
        database = open_database(self._connection_string)
        try:
            async with database.transaction() as transaction:
                if not await rows.claim(transaction, self.run, by):
                    raise RunStateConflictError(
                        f"The run {self.run.run_id!r} could not be resumed: it was resumed, saved again or cleared "
                        "since it was loaded. Load it again"
                    )
                await rows.decide(transaction, self.run, interruptions_of(state), by)
        finally:
            await database.close()
        self._is_taken = True

    async def settle(self) -> None:
        """Notes that the run has ended."""
        database = open_database(self._connection_string)
        try:
            async with database.transaction() as transaction:
                await rows.settle(transaction, self.run)
        finally:
            await database.close()
