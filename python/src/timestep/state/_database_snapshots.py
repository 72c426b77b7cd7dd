"""The paused run of an agent in a session, in the database: by the same statements as in TypeScript."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from pydantic_core import to_json

from ..database.open_database import open_database
from ..database.used_database import UsedDatabase
from ._facts import InterruptionFacts
from ._json_text import strict_json
from ._snapshots import RunEnd, SavedRun, Snapshot
from .envelope import Envelope

if TYPE_CHECKING:
    from ..database.database import Database, Parameter

_READ = """
select run_id, version, claimed_by, language, sdk_name, sdk_version, schema_version, agent_graph, guardrails_settled,
  state
from timestep.find_run_state($1, $2)
"""
_CLEAR = """
with cleared as (
  update timestep.run_states s set cleared_at = now()
  from timestep.runs r
  where r.agent_name = $1 and coalesce(r.session_id, '') = coalesce($2, '') and r.state_version > 0
    and r.status in ('interrupted', 'running', 'completed') and s.run_id = r.run_id and s.cleared_at is null
  returning s.run_id
)
select timestep.cancel_run(run_id) from cleared
"""
_ADD = """
select timestep.add_run_state($1, $2, $3, null, null, $4, $5::int, $6, $7, $8, $9, $10, $11)
"""
_REPLACE = """
select timestep.replace_run_state($1, $2, $3, $4::int, $5, $6, $7, $8, $9, $10)
"""


class DatabaseSnapshots:
    """The paused run of an agent in a session, in the database."""

    def __init__(self, agent_name: str, session_id: str | None, connection_string: str | None) -> None:
        self._agent_name = agent_name
        self._session_id = session_id
        self._connection_string = connection_string
        self._database = UsedDatabase(connection_string)

    @property
    def place(self) -> str:
        """Where the run is."""
        session = f" in session {self._session_id!r}" if self._session_id is not None else ""
        return f"of agent {self._agent_name!r}{session}"

    async def read(self) -> tuple[SavedRun, Envelope] | None:
        """The paused run."""
        rows = await self._database.open().query(_READ, [self._agent_name, self._session_id])
        if not rows:
            return None
        run_id, version, claim, language, sdk_name, sdk_version, schema_version, graph, settled, state = rows[0]
        envelope = Envelope(
            language=str(language),
            sdk_name=str(sdk_name),
            sdk_version=str(sdk_version),
            schema_version=str(schema_version),
            agent_graph=graph if isinstance(graph, dict) else {},
            guardrails_settled=bool(settled),
            state=str(state),
        )
        return SavedRun(str(run_id), cast(int, version), None if claim is None else str(claim)), envelope

    async def replace(self, snapshot: Snapshot, held: SavedRun) -> SavedRun | None:
        """Saves a snapshot in the place of `held`."""
        seen: list[Parameter] = [held.run_id, held.version, held.claim]
        parameters: list[Parameter] = [self._agent_name, self._session_id, *seen, *_written(snapshot)]
        [[saved]] = await self._database.open().query(_REPLACE, parameters)
        return SavedRun(held.run_id, held.version + 1, None) if saved is True else None

    async def add(self, snapshot: Snapshot, held: SavedRun | None) -> SavedRun | None:
        """Saves a snapshot as a new run."""
        run_id = str(uuid4())
        seen: list[Parameter] = [None, None, None] if held is None else [held.run_id, held.version, held.claim]
        parameters: list[Parameter] = [run_id, self._agent_name, self._session_id, *seen, *_written(snapshot)]
        [[saved]] = await self._database.open().query(_ADD, parameters)
        return SavedRun(run_id, 1, None) if saved is True else None

    async def claim(self, run: SavedRun, claim: str, decisions: list[InterruptionFacts]) -> bool:
        """Takes the right to resume a run, and notes the decisions."""
        decided = json.dumps([facts.to_json() for facts in decisions])
        async with self._opened() as database:
            rows = await database.query(
                "select timestep.claim_run_state($1, $2::int, $3, $4, $5)",
                [run.run_id, run.version, run.claim, claim, decided],
            )
        return rows[0][0] is True

    async def settle(self, run: SavedRun, end: RunEnd) -> bool:
        """Notes that a run has ended."""
        output = strict_json(to_json(end.final_output, fallback=str).decode())
        async with self._opened() as database:
            rows = await database.query(
                "select timestep.settle_run_state($1, $2::int, $3, $4, $5)",
                [run.run_id, run.version, run.claim, output, json.dumps([used.to_json() for used in end.usage])],
            )
        return rows[0][0] is True

    async def clear(self) -> None:
        """Gives the paused run up."""
        await self._database.open().query(_CLEAR, [self._agent_name, self._session_id])

    async def close(self) -> None:
        """Lets go of the database."""
        await self._database.close()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Database]:
        """For who goes on with a state after its store was closed."""
        database = open_database(self._connection_string)
        try:
            yield database
        finally:
            await database.close()


def _written(snapshot: Snapshot) -> list[Parameter]:
    return [
        "completed" if snapshot.is_ended else "interrupted",
        json.dumps(snapshot.envelope.description()),
        snapshot.envelope.state,
        json.dumps([facts.to_json() for facts in snapshot.interruptions]),
        json.dumps([used.to_json() for used in snapshot.usage]),
    ]
