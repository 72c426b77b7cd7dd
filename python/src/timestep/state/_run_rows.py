"""The rows of a paused run: the same SQL statements as in TypeScript."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

from ..database.database import Transaction
from .envelope import Envelope


@dataclass(frozen=True)
class Slot:
    """Where a store keeps its run: one agent, one conversation or none."""

    agent_name: str
    session_id: str | None


@dataclass(frozen=True)
class SavedRun:
    """A paused run, as its row says."""

    run_id: str
    version: int
    claimed_by: str | None
    """Who has begun to resume it."""


@dataclass(frozen=True)
class Interruption:
    """A call that waits for a decision, or has one."""

    interruption_id: str
    kind: str
    agent_name: str
    tool_name: str
    call_id: str | None
    arguments: str | None
    status: str
    message: str | None


@dataclass(frozen=True)
class Usage:
    """Tokens used since the beginning of a run."""

    model: str
    requests: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    total_tokens: int


async def find(transaction: Transaction, slot: Slot) -> SavedRun | None:
    """The run that is paused in a slot, locked until the end of the transaction."""
    rows = await transaction.query(
        """
        select s.run_id, s.version, s.claimed_by
        from timestep.runs r
        join timestep.run_states s on s.run_id = r.run_id and s.version = r.state_version
        where r.agent_name = $1 and r.session_id is not distinct from $2
          and r.status in ('interrupted', 'running') and s.cleared_at is null
        order by r.created_at desc
        limit 1
        for update of r
        """,
        [slot.agent_name, slot.session_id],
    )
    if not rows:
        return None
    run_id, version, claimed_by = rows[0]
    return SavedRun(str(run_id), cast(int, version), None if claimed_by is None else str(claimed_by))


async def lock(transaction: Transaction, slot: Slot) -> None:
    """Lets nobody else save in a slot until the end of the transaction, also while there is no row yet."""
    key = json.dumps(["timestep.run_states", slot.agent_name, slot.session_id], separators=(",", ":"))
    await transaction.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [key])


async def read(transaction: Transaction, run: SavedRun) -> Envelope:
    """The snapshot of a run."""
    rows = await transaction.query(
        """
        select language, sdk_name, sdk_version, schema_version, agent_graph, guardrails_settled, state::text
        from timestep.run_states
        where run_id = $1 and version = $2
        """,
        [run.run_id, run.version],
    )
    language, sdk_name, sdk_version, schema_version, graph, guardrails_settled, state = rows[0]
    return Envelope(
        language=str(language),
        sdk_name=str(sdk_name),
        sdk_version=str(sdk_version),
        schema_version=str(schema_version),
        agent_graph=graph if isinstance(graph, dict) else {},
        guardrails_settled=bool(guardrails_settled),
        state=str(state),
    )


async def insert(
    transaction: Transaction,
    slot: Slot,
    run_id: str | None,
    envelope: Envelope,
    interruptions: Sequence[Interruption],
    usage: Usage,
) -> SavedRun:
    """Writes a snapshot with its interruptions and usage, as the next version of a run or the first of a new one."""
    saved_id = run_id if run_id is not None else str(uuid4())
    if run_id is None:
        await transaction.query(
            """
            insert into timestep.runs (run_id, agent_name, session_id, status, state_version)
            values ($1, $2, $3, 'interrupted', 0)
            """,
            [saved_id, slot.agent_name, slot.session_id],
        )
    rows = await transaction.query(
        """
        update timestep.runs set status = 'interrupted', state_version = state_version + 1, updated_at = now()
        where run_id = $1
        returning state_version, segment
        """,
        [saved_id],
    )
    version, segment = cast("tuple[int, int]", rows[0])
    await transaction.query(
        """
        insert into timestep.run_states (
          run_id, version, language, sdk_name, sdk_version, schema_version, agent_graph, guardrails_settled, state
        ) values ($1, $2, $3, $4, $5, $6, $7::text::json, $8, $9::text::json)
        """,
        [
            saved_id,
            version,
            envelope.language,
            envelope.sdk_name,
            envelope.sdk_version,
            envelope.schema_version,
            json.dumps(envelope.agent_graph),
            envelope.guardrails_settled,
            envelope.state,
        ],
    )
    await _write_interruptions(transaction, saved_id, segment, interruptions)
    await _write_usage(transaction, saved_id, usage)
    return SavedRun(saved_id, version, claimed_by=None)


async def _write_interruptions(
    transaction: Transaction, run_id: str, segment: int, interruptions: Sequence[Interruption]
) -> None:
    columns = [
        [row.interruption_id for row in interruptions],
        [row.kind for row in interruptions],
        [row.agent_name for row in interruptions],
        [row.tool_name for row in interruptions],
        [row.call_id or "" for row in interruptions],
        [row.arguments or "" for row in interruptions],
        [row.status for row in interruptions],
        [row.message or "" for row in interruptions],
    ]
    await transaction.query(
        """
        insert into timestep.interruptions as i (
          run_id, interruption_id, segment, kind, agent_name, tool_name, call_id, arguments, status, message,
          decided_at
        )
        select $1, n.interruption_id, $2, n.kind, n.agent_name, n.tool_name, nullif(n.call_id, ''), n.arguments,
          n.status, nullif(n.message, ''), case when n.status <> 'pending' then now() end
        from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
          as n (interruption_id, kind, agent_name, tool_name, call_id, arguments, status, message)
        on conflict (run_id, interruption_id) do update
        set status = excluded.status, message = excluded.message, decided_at = excluded.decided_at
        where i.status = 'pending' and excluded.status <> 'pending'
        """,
        [run_id, segment, *columns],
    )


async def _write_usage(transaction: Transaction, run_id: str, usage: Usage) -> None:
    await transaction.query(
        """
        insert into timestep.usage (
          run_id, model, requests, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens
        ) values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (run_id, model) do update
        set requests = excluded.requests, input_tokens = excluded.input_tokens,
          cached_input_tokens = excluded.cached_input_tokens, output_tokens = excluded.output_tokens,
          reasoning_tokens = excluded.reasoning_tokens, total_tokens = excluded.total_tokens, updated_at = now()
        """,
        [
            run_id,
            usage.model,
            usage.requests,
            usage.input_tokens,
            usage.cached_input_tokens,
            usage.output_tokens,
            usage.reasoning_tokens,
            usage.total_tokens,
        ],
    )


async def claim(transaction: Transaction, run: SavedRun, by: str) -> bool:
    """Takes the right to resume a snapshot from who has it, as far as is known; false when that has changed."""
    rows = await transaction.query(
        """
        update timestep.run_states s set claimed_at = now(), claimed_by = $3
        from timestep.runs r
        where s.run_id = $1 and s.version = $2 and s.claimed_by is not distinct from $4 and s.cleared_at is null
          and r.run_id = s.run_id and r.state_version = s.version and r.status in ('interrupted', 'running')
        returning 1
        """,
        [run.run_id, run.version, by, run.claimed_by],
    )
    return bool(rows)


async def settle(transaction: Transaction, run: SavedRun) -> None:
    """Notes that a run has ended."""
    await transaction.query(
        """
        update timestep.runs set status = 'completed', finished_at = now(), updated_at = now()
        where run_id = $1 and state_version = $2 and status = 'interrupted'
        """,
        [run.run_id, run.version],
    )


async def clear(transaction: Transaction, run: SavedRun) -> None:
    """Ends a paused run without removing what it left."""
    await transaction.query(
        "update timestep.run_states set cleared_at = now() where run_id = $1 and cleared_at is null",
        [run.run_id],
    )
    await transaction.query(
        """
        update timestep.runs set status = 'cancelled', finished_at = now(), updated_at = now()
        where run_id = $1 and status = 'interrupted'
        """,
        [run.run_id],
    )


async def decide(transaction: Transaction, run: SavedRun, interruptions: Sequence[Interruption], by: str) -> None:
    """Notes the decisions with which a run goes on. A decision that is there already stays."""
    decided = [row for row in interruptions if row.status != "pending"]
    await transaction.query(
        """
        update timestep.interruptions i
        set status = n.status, message = nullif(n.message, ''), decided_at = now(), decided_by = $2
        from unnest($3::text[], $4::text[], $5::text[]) as n (interruption_id, status, message)
        where i.run_id = $1 and i.interruption_id = n.interruption_id and i.status = 'pending'
        """,
        [
            run.run_id,
            by,
            [row.interruption_id for row in decided],
            [row.status for row in decided],
            [row.message or "" for row in decided],
        ],
    )
