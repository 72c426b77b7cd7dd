"""The rows of a paused run, written and read as in TypeScript: by the functions of the schema."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import cast
from uuid import uuid4

from ..database.database import Database
from ._json import JsonObject
from .envelope import Envelope


@dataclass(frozen=True)
class Slot:
    """Where a store keeps its run: one agent, one conversation or none."""

    agent_name: str
    session_id: str | None


@dataclass(frozen=True)
class SavedRun:
    """A paused run, as far as somebody has seen it."""

    run_id: str
    version: int
    claim: str | None
    """Who has begun to resume it."""


@dataclass(frozen=True)
class Interruption:
    """A call that a paused run waits for, or on which somebody has decided."""

    interruption_id: str
    """The call's id; with a number behind it when agents used as tools gave several calls the same."""
    kind: str
    """`function_call`, `hosted_tool_call` and so on: the type of the call's item in TypeScript."""
    agent_name: str
    tool_name: str
    call_id: str | None
    arguments: str | None
    """JSON text, as the model wrote it."""
    status: str
    message: str | None
    """What the model is told about a rejection."""

    def to_json(self) -> JsonObject:
        """The interruption as the functions of the schema take it."""
        return {
            "interruptionId": self.interruption_id,
            "kind": self.kind,
            "agentName": self.agent_name,
            "toolName": self.tool_name,
            "callId": self.call_id,
            "arguments": self.arguments,
            "status": self.status,
            "message": self.message,
        }


@dataclass(frozen=True)
class Usage:
    """Tokens used since a run's beginning."""

    model: str
    requests: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    total_tokens: int

    def to_json(self) -> JsonObject:
        """The usage as the functions of the schema take it."""
        return {
            "model": self.model,
            "requests": self.requests,
            "inputTokens": self.input_tokens,
            "cachedInputTokens": self.cached_input_tokens,
            "outputTokens": self.output_tokens,
            "reasoningTokens": self.reasoning_tokens,
            "totalTokens": self.total_tokens,
        }


async def read(database: Database, slot: Slot) -> tuple[SavedRun, Envelope] | None:
    """The paused run of a slot."""
    rows = await database.query(
        """
        select s.run_id, s.version, s.claimed_by, s.language, s.sdk_name, s.sdk_version, s.schema_version,
          s.agent_graph, s.guardrails_settled, s.state::text
        from timestep.runs r
        join timestep.run_states s on s.run_id = r.run_id and s.version = r.state_version
        where r.agent_name = $1 and r.session_id is not distinct from $2
          and r.status in ('interrupted', 'running') and s.cleared_at is null
        order by r.created_at desc
        limit 1
        """,
        [slot.agent_name, slot.session_id],
    )
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


async def write(
    database: Database,
    slot: Slot,
    held: SavedRun | None,
    envelope: Envelope,
    interruptions: Sequence[Interruption],
    usage: Usage,
) -> SavedRun | None:
    """Saves a snapshot in place of `held`, or as a new run; None when there is another paused run than `held`."""
    described = {key: value for key, value in asdict(envelope).items() if key != "state"}
    rows = await database.query(
        """
        select run_id, version from timestep.save_run_state(
          $1, $2, $3, $4::int, $5, $6, $7::text::json, $8, $9::text::json, $10::text::json
        )
        """,
        [
            slot.agent_name,
            slot.session_id,
            held.run_id if held is not None else None,
            held.version if held is not None else None,
            held.claim if held is not None else None,
            str(uuid4()),
            json.dumps(described),
            envelope.state,
            json.dumps([row.to_json() for row in interruptions]),
            json.dumps([usage.to_json()]),
        ],
    )
    return SavedRun(str(rows[0][0]), cast(int, rows[0][1]), None) if rows else None


async def claim(database: Database, run: SavedRun, by: str, interruptions: Sequence[Interruption]) -> bool:
    """Takes the right to resume a run from who has it, and notes the decisions; False when `run` is not as seen."""
    decided = [row.to_json() for row in interruptions if row.status != "pending"]
    rows = await database.query(
        "select timestep.claim_run_state($1, $2::int, $3, $4, $5::text::json)",
        [run.run_id, run.version, run.claim, by, json.dumps(decided)],
    )
    return rows[0][0] is True


async def settle(database: Database, run: SavedRun) -> None:
    """Notes that a run which was claimed has ended."""
    await database.query(
        """
        update timestep.runs r set status = 'completed', finished_at = now(), updated_at = now()
        from timestep.run_states s
        where r.run_id = $1 and r.state_version = $2::int and r.status in ('interrupted', 'running')
          and s.run_id = r.run_id and s.version = r.state_version and s.claimed_by = $3
        """,
        [run.run_id, run.version, run.claim],
    )


async def clear(database: Database, slot: Slot) -> None:
    """Gives the paused run of a slot up; its record stays."""
    async with database.transaction() as transaction:
        found = await transaction.query(
            """
            select r.run_id from timestep.runs r
            where r.agent_name = $1 and r.session_id is not distinct from $2 and r.status in ('interrupted', 'running')
              and exists (select from timestep.run_states s where s.run_id = r.run_id and s.cleared_at is null)
            for update
            """,
            [slot.agent_name, slot.session_id],
        )
        for (run_id,) in found:
            await transaction.query(
                "update timestep.run_states set cleared_at = now() where run_id = $1", [str(run_id)]
            )
            await transaction.query(
                """
                update timestep.runs set status = 'cancelled', finished_at = now(), updated_at = now()
                where run_id = $1
                """,
                [str(run_id)],
            )
