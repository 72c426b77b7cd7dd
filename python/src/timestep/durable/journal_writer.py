"""Writing the journal: in order, fenced by the run's epoch, one transaction at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ..database.database_error import DatabaseError
from ..state._facts import ModelUsage
from .errors import OwnershipLostError
from .journal_row import JournalRow, RunOwner, pack

if TYPE_CHECKING:
    from ..database.database import Database, Transaction

_EVENT_INTERVAL_SECONDS = 0.05
"""At most this often are events written that nothing else waits for."""

_LONGEST_DELAY_SECONDS = 12.8
"""After waits of 50 ms, 100 ms, ... up to this long, together about 25 s, a lost connection is given up."""


@dataclass(frozen=True)
class SegmentEnd:
    """How a segment ended: a row of `timestep.runs`, and what was used in it."""

    status: str
    usage: list[ModelUsage]
    """Added to the rows of `timestep.usage`."""
    final_output: str | None = None
    """JSON text."""
    error: str | None = None
    """JSON text."""

    def to_text(self) -> str:
        """The end as `timestep.write_journal()` takes it."""
        text = json.dumps({"status": self.status, "usage": [used.to_json() for used in self.usage]})[:-1]
        for name, packed in (("finalOutput", self.final_output), ("error", self.error)):
            if packed is not None:
                text += f', "{name}": {pack(packed)}'
        return text + "}"


@dataclass
class _Entry:
    """Something to be written, in the order in which it happened."""

    kind: Literal["row", "published", "events"]
    row: JournalRow | None = None
    key: str = ""
    attempt: int = 1
    events: list[str] = field(default_factory=list)


class JournalWriter:
    """Writes what a run does.

    Whatever happens while one write is under way, or within one turn of the event loop, goes into the next together.
    """

    def __init__(
        self, database: Database, owner: RunOwner, position: int, on_failure: Callable[[BaseException], None]
    ) -> None:
        """Begins after a position.

        Args:
            database: Where the run is recorded.
            owner: Who writes.
            position: The last position that is taken.
            on_failure: Is told once, when a write failed or was refused; nothing is written from then on.
        """
        self._database = database
        self._owner = owner
        self._position = position
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._pending: list[_Entry] = []
        self._waiting: asyncio.Future[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._is_scheduled = False
        self._is_disposed = False
        self._event_timer: asyncio.TimerHandle | None = None
        self._events_written_at = float("-inf")
        self._failure: BaseException | None = None

    def write(self, row: JournalRow) -> asyncio.Future[None]:
        """Records a step. Done when it is committed; need not be awaited, a failure is told to `on_failure` too."""
        return self._add(_Entry("row", row=row))

    def publish(self, key: str) -> asyncio.Future[None]:
        """Gives a row that was written in somebody else's transaction its place in the stream of events."""
        return self._add(_Entry("published", key=key))

    def emit(self, key: str, attempt: int, event: str) -> None:
        """Appends an event of a step to the stream, as JSON text. Written soon, and before the next step."""
        last = self._pending[-1] if self._pending else None
        if last is not None and last.kind == "events" and (last.key, last.attempt) == (key, attempt):
            last.events.append(event)
        else:
            self._pending.append(_Entry("events", key=key, attempt=attempt, events=[event]))
        wait = self._events_written_at + _EVENT_INTERVAL_SECONDS - self._loop.time()
        if wait <= 0:
            self._schedule()
        elif self._event_timer is None:
            self._event_timer = self._loop.call_later(wait, self._start_writing)

    async def drain(self) -> None:
        """Waits until everything is committed."""
        while self._failure is None and (self._pending or self._writing is not None):
            self._start_writing()
            if self._writing is not None:
                await asyncio.shield(self._writing)
        if self._failure is not None:
            raise self._failure

    async def close(self, transaction: Database | Transaction, end: SegmentEnd) -> None:
        """Writes what is pending, and with it how the segment ended; nothing can be written after it.

        Raises:
            OwnershipLostError: The run is not this owner's any more.
        """
        if self._writing is not None:
            await asyncio.shield(self._writing)
        if self._failure is not None:
            raise self._failure
        write, _ = self._take()
        await _execute(transaction, self._owner, write, end.to_text())

    def dispose(self) -> None:
        """Stops timers. What is pending is dropped."""
        self._is_disposed = True
        self._pending = []
        if self._event_timer is not None:
            self._event_timer.cancel()

    def _add(self, entry: _Entry) -> asyncio.Future[None]:
        if self._waiting is None:
            self._waiting = self._loop.create_future()
            # Whoever does not wait is told by on_failure.
            self._waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
        waiting = self._waiting
        self._pending.append(entry)
        if self._failure is not None:
            waiting.set_exception(self._failure)
            self._waiting = None
        else:
            self._schedule()
        return waiting

    def _schedule(self) -> None:
        if self._is_scheduled or self._writing is not None:
            return
        self._is_scheduled = True
        self._loop.call_soon(self._start_scheduled)

    def _start_scheduled(self) -> None:
        self._is_scheduled = False
        self._start_writing()

    def _start_writing(self) -> None:
        if self._writing is not None or not self._pending or self._failure is not None:
            return
        self._writing = self._loop.create_task(self._write_all())
        self._writing.add_done_callback(self._end_writing)

    def _end_writing(self, _task: asyncio.Task[None]) -> None:
        self._writing = None
        if self._pending and not self._is_disposed:
            self._schedule()

    async def _write_all(self) -> None:
        while self._pending and self._failure is None:
            write, waiting = self._take()
            try:
                await self._insist(write)
            except Exception as error:
                self._failure = error
                for future in (waiting, self._waiting):
                    if future is not None and not future.done():
                        future.set_exception(error)
                self._waiting = None
                self._on_failure(error)
            else:
                if waiting is not None and not waiting.done():
                    waiting.set_result(None)

    async def _insist(self, write: _Write) -> None:
        """A connection that breaks is not the end: what was written already is not written again."""
        delay = _EVENT_INTERVAL_SECONDS
        while True:
            try:
                return await _execute(self._database, self._owner, write, None)
            except DatabaseError as error:
                if not is_connection_error(error) or delay > _LONGEST_DELAY_SECONDS or self._is_disposed:
                    raise
            await asyncio.sleep(delay)
            delay *= 2

    def _take(self) -> tuple[_Write, asyncio.Future[None] | None]:
        if self._event_timer is not None:
            self._event_timer.cancel()
            self._event_timer = None
        entries, waiting = self._pending, self._waiting
        self._pending, self._waiting = [], None
        return self._number(entries), waiting

    def _number(self, entries: list[_Entry]) -> _Write:
        """Gives the entries their positions; a batch of events has the position of its last one."""
        write = _Write()
        for entry in entries:
            if entry.kind == "events":
                self._position += len(entry.events)
                head = json.dumps({"position": self._position, "step": entry.key, "attempt": entry.attempt})[:-1]
                batch = pack(f"[{','.join(entry.events)}]")
                write.events.append(f'{head}, "events": {batch}}}')
                self._events_written_at = self._loop.time()
            elif entry.row is None:
                self._position += 1
                write.published.append(json.dumps({"key": entry.key, "position": self._position}))
            elif entry.row.status == "started":
                write.rows.append(entry.row.to_text(None))
            else:
                self._position += 1
                write.rows.append(entry.row.to_text(self._position))
        return write


@dataclass
class _Write:
    """What is pending, in the form of the statement that writes it: JSON texts."""

    rows: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    published: list[str] = field(default_factory=list)


async def write_row(transaction: Transaction, owner: RunOwner, row: JournalRow) -> None:
    """Records a step in somebody else's transaction, without a place in the stream of events: see `publish()`.

    Raises:
        OwnershipLostError: The run is not this owner's any more.
    """
    await _execute(transaction, owner, _Write(rows=[row.to_text(None)]), None)


async def _execute(queryable: Database | Transaction, owner: RunOwner, write: _Write, end: str | None) -> None:
    texts = [f"[{','.join(entries)}]" if entries else None for entries in (write.rows, write.events, write.published)]
    if end is None and not any(texts):
        return
    rows = await queryable.query(
        "select timestep.write_journal($1, $2::int, $3::int, $4, $5, $6, $7)",
        [owner.run_id, owner.epoch, owner.segment, *texts, end],
    )
    if rows[0][0] is not True:
        raise ownership_lost(owner)


def is_connection_error(error: DatabaseError) -> bool:
    """Whether the same statement may succeed over another connection, or a little later."""
    return error.code in ("connection_lost", "server_unreachable", "too_many_connections") or (
        error.sql_state is not None and error.sql_state.startswith(("08", "57P"))
    )


def ownership_lost(owner: RunOwner) -> OwnershipLostError:
    """The error of a write that was refused because the run is not this owner's any more."""
    return OwnershipLostError(
        f'Cannot record a step of run "{owner.run_id}": it has ended, or another process has taken it over since '
        f"(this one's epoch is {owner.epoch}). Nothing was written; stop"
    )
