"""The events of runs, live and afterwards."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from ..durable.recorded_value import decode_value, plain
from ._database import opened
from .runs import read_status

if TYPE_CHECKING:
    from ..database.database import Database

_FIRST_POLL_SECONDS = 0.01
_LAST_POLL_SECONDS = 0.04
_QUEUED_POLL_SECONDS = 0.2
_PAGE = 500
"""At most so many rows are read at once."""


@dataclass(frozen=True)
class RunEvent:
    """What happens in a run, for whoever watches it; the same as in TypeScript."""

    position: int
    """The event's place in the run's stream: give the last one to `after` to go on from there."""
    type: Literal["model_delta", "reset", "model_response", "tool_output", "tool_error", "handoff", "guardrail"]
    """A `reset` says that the step begins again: what came of its earlier attempts counts no more."""
    step: str
    """The step that it belongs to; also of events that the step gave before it was over."""
    attempt: int
    """Which try of the step: a model call that was cut off is made again."""
    name: str | None = None
    """The agent, the tool or the guardrail."""
    call_id: str | None = None
    """The call, of a tool."""
    data: object = None
    """A model's delta or output items, in the terms of the TypeScript SDK; a tool's output or error; a verdict."""


async def read_run_events(
    run_id: str, *, after: int = 0, connection_string: str | None = None
) -> AsyncGenerator[RunEvent, None]:
    """The events of a run in order, from any process, until the run has ended or waits.

    Those that are there, and then new ones as they come. Read again with `after`, each event comes once. Of a step
    that was cut off and made again, who has seen part of the first attempt gets a `reset`; who has not gets only the
    second.

    Args:
        run_id: The run.
        after: The position of the last event that was received. Default: from the beginning.
        connection_string: `postgresql://...`. Default: as configured.

    Raises:
        RunNotFoundError: There is no such run.
    """
    async with opened(connection_string) as database:
        attempts = _Attempts(database, run_id, after)
        await attempts.load()
        position, wait = after, _FIRST_POLL_SECONDS
        while True:
            # Asked before the events: what a run that has ended has written is there then.
            status = await read_status(database, run_id)
            rows = await _read_page(database, run_id, position)
            for row in rows:
                for event in row.events(position):
                    if await attempts.counts(event):
                        yield event
                position = row.position
            if len(rows) == _PAGE:
                continue
            if status not in ("queued", "running"):
                return
            wait = _FIRST_POLL_SECONDS if rows else min(wait * 1.3, _LAST_POLL_SECONDS)
            await asyncio.sleep(_QUEUED_POLL_SECONDS if status == "queued" else wait)


@dataclass(frozen=True)
class _Row:
    position: int
    step: str
    attempt: int
    batch: list[object] | None
    kind: str | None
    status: str | None
    name: str | None
    output: object

    def events(self, after: int) -> list[RunEvent]:
        """The events of the row that come after a position. A batch has the position of its last one."""
        if self.batch is None:
            return [self._step_event()]
        first = self.position - len(self.batch) + 1
        events = [self._delta(first + index, event) for index, event in enumerate(self.batch)]
        return [event for event in events if event.position > after]

    def _delta(self, position: int, event: object) -> RunEvent:
        if isinstance(event, dict) and event.get("type") == "reset":
            return RunEvent(position, "reset", self.step, self.attempt)
        return RunEvent(position, "model_delta", self.step, self.attempt, data=event)

    def _step_event(self) -> RunEvent:
        base = (self.step, self.attempt, self.name)
        if self.kind == "model":
            output = self.output if isinstance(self.output, dict) else {}
            return RunEvent(self.position, "model_response", *base, data=output.get("output"))
        if self.kind == "handoff":
            return RunEvent(self.position, "handoff", self.step, self.attempt, str(self.output))
        if self.kind == "guardrail":
            return RunEvent(self.position, "guardrail", *base, data=self.output)
        call_id = _call_id_of(self.step)
        if self.status == "failed":
            return RunEvent(self.position, "tool_error", *base, call_id, self.output)
        return RunEvent(self.position, "tool_output", *base, call_id, plain(decode_value(self.output)))


def _call_id_of(step: str) -> str:
    """The call's id in the key `tool:<place>:<id>`, where agents used as tools have `<call>/` in their places."""
    call_id = step.removeprefix("tool:").rpartition("/")[2].partition(":")[2]
    return re.sub(r"#\d+$", "", call_id)


async def _read_page(database: Database, run_id: str, after: int) -> list[_Row]:
    rows = await database.query(
        f"""
        select position, step, attempt, events, null as kind, null as status, null as name, null::json as output
        from timestep.run_events where run_id = $1 and position > $2::bigint
        union all
        select position, key, attempt, null, kind, status, name, output
        from timestep.journal
        where run_id = $1 and position > $2::bigint and kind in ('model', 'tool', 'handoff', 'guardrail')
        order by position limit {_PAGE}
        """,
        [run_id, after],
    )
    # Columns of these types: see supabase/migrations.
    return [_Row(*cast("tuple[Any, ...]", row)) for row in rows]


@dataclass
class _Attempts:
    """Sorts out what came of attempts that were made again."""

    database: Database
    run_id: str
    after: int
    last: dict[str, int] = field(default_factory=dict)
    """The last attempt of each step that was made again before the reading began."""
    seen: set[str] = field(default_factory=set)
    """The steps of which something was given out."""

    async def load(self) -> None:
        """Looks for steps that were made again."""
        rows = await self.database.query(
            """
            select step, max(attempt) from timestep.run_events
            where run_id = $1 and attempt > 1 group by step
            """,
            [self.run_id],
        )
        self.last = {str(step): cast(int, attempt) for step, attempt in rows}

    async def counts(self, event: RunEvent) -> bool:
        """Whether a reader who has received all before it should get this event."""
        if event.attempt < self.last.get(event.step, 0):
            return False
        if event.type == "reset":
            was_seen = event.step in self.seen or await self._was_seen_before(event)
            self.seen.discard(event.step)
            return was_seen
        if event.type == "model_delta":
            self.seen.add(event.step)
        return True

    async def _was_seen_before(self, event: RunEvent) -> bool:
        """Whether the reader has had something of an earlier attempt when it read up to `after`."""
        if self.after == 0:
            return False
        rows = await self.database.query(
            """
            select 1 from timestep.run_events
            where run_id = $1 and step = $2 and attempt < $3::int
              and position - json_array_length(events) < $4::bigint limit 1
            """,
            [self.run_id, event.step, event.attempt, self.after],
        )
        return len(rows) > 0
