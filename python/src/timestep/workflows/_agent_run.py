"""The body of the workflow that dispatches a run."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents import OpenAIConversationsSession

from ..database.database_error import DatabaseError
from ..durable.errors import (
    AgentNotRegisteredError,
    ExecutionStoppedError,
    ModelRateLimitedError,
    OtherLanguageError,
    OwnershipLostError,
)
from ..durable.execute_run import RunPart, execute_run
from ._executor_sql import DIRECT_QUEUE, exceeds_limits, has_partition, let_go, put_back
from .configure_dbos import Configuration

if TYPE_CHECKING:
    from ..database.database import Database

_log = logging.getLogger("timestep")

_FIRST_RETRY_SECONDS = 1.0
"""An error that nobody expected puts the run back for a while, twice as long each time."""

_LAST_RETRY_SECONDS = 300.0

_told: set[str] = set()
"""The agents whose runs this process could not execute, of which it has said so."""


@dataclass
class AgentRun:
    """One part of a run, executed in the workflow that dispatches it."""

    database: Database
    configuration: Configuration
    part: RunPart
    workflow_id: str
    stop: asyncio.Event
    """Stops the execution."""
    is_stopping: Callable[[], bool]
    """Whether that is because the process ends: the run is let go of then, for others to take over."""

    async def execute(self) -> str:
        """Executes it. Never raises: what happened is in the database.

        Returns:
            What became of this execution; `stopped` when the workflow was let go of.
        """
        try:
            rows = await self.database.query(
                """
                select session_id, dispatch from timestep.runs
                where run_id = $1 and segment = $2 and workflow_id = $3 and status in ('queued', 'running')
                """,
                [self.part.run_id, self.part.segment, self.workflow_id],
            )
            if not rows:
                return "superseded"  # A workflow that was replaced has nothing to do.
            session_id, dispatch = rows[0]
            return await self._execute(
                None if session_id is None else str(session_id), dispatch if isinstance(dispatch, dict) else {}
            )
        except Exception as error:
            if self.is_stopping():
                return await self.let_go()
            delay = self._retry_seconds()
            _log.warning('Cannot execute run "%s" now, it is tried again in %s s: %s', self.part.run_id, delay, error)
            with suppress(DatabaseError):
                # Later ones of its partition, such as of its session, must not go before it: it waits in its place.
                if await has_partition(self.database, self.workflow_id):
                    with suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(self.stop.wait(), delay)
                    delay = 0.0
            if self.is_stopping():
                return await self.let_go()
            return await self._put_back("retried", delay)

    async def let_go(self) -> str:
        """This process lets go of the workflow, for others to take over."""
        # Should this fail, the executor's silence says the same a little later.
        with suppress(DatabaseError):
            await let_go(self.database, self.workflow_id, self.part.executor_id)
        return "stopped"

    async def _execute(self, session_id: str | None, dispatch: dict[str, object]) -> str:
        if dispatch.get("queueName") != DIRECT_QUEUE and await exceeds_limits(self.database, self.workflow_id):
            return await self._put_back("one_too_many", 0.0)
        session = None
        if dispatch.get("sessionKind") == "openai_conversations" and session_id is not None:
            session = OpenAIConversationsSession(conversation_id=session_id)
        deadline = await self._start_deadline(dispatch.get("timeoutSeconds"))
        try:
            status = await execute_run(
                self.database,
                self.part,
                model_provider=self.configuration.model_provider,
                session=session,
                stop=self.stop,
            )
            return status or "superseded"
        except OwnershipLostError:
            return "superseded"
        except ExecutionStoppedError:
            return await self.let_go() if self.is_stopping() else "superseded"
        except ModelRateLimitedError as error:
            queue = str(dispatch.get("queueName"))
            return await self._put_back(
                "rate_limited", error.retry_after_seconds, None if queue == DIRECT_QUEUE else queue
            )
        except (AgentNotRegisteredError, OtherLanguageError) as error:
            if str(error) not in _told:
                _told.add(str(error))
                _log.warning("%s", error)
            return await self._put_back(error.code, None)
        finally:
            if deadline is not None:
                deadline.cancel()

    async def _start_deadline(self, timeout_seconds: object) -> asyncio.Task[None] | None:
        """Starts, or after a crash goes on with, the time that the part was given."""
        if not isinstance(timeout_seconds, int | float):
            return None
        rows = await self.database.query(
            """
            update timestep.runs set deadline_at = coalesce(deadline_at, now() + $2::interval)
            where run_id = $1 returning (extract(epoch from deadline_at - now()))::float8
            """,
            [self.part.run_id, f"{timeout_seconds} seconds"],
        )
        left = rows[0][0] if rows else None
        return asyncio.ensure_future(self._end(left if isinstance(left, float) else 0.0, timeout_seconds))

    async def _end(self, left: float, timeout_seconds: float) -> None:
        await asyncio.sleep(max(0.0, left))
        error = f'{{"name":"TimeoutError","message":"The run took longer than {timeout_seconds} seconds."}}'

        async def cancel() -> None:
            await self.database.query("select timestep.cancel_run($1, $2::text::json)", [self.part.run_id, error])

        await self._insist(cancel)
        self.stop.set()

    async def _put_back(self, report: str, delay_seconds: float | None, pause_queue: str | None = None) -> str:
        async def put() -> None:
            await put_back(
                self.database,
                self.part.run_id,
                self.workflow_id,
                self.part.executor_id,
                delay_seconds=delay_seconds,
                pause_queue=pause_queue,
            )

        return report if await self._insist(put) else await self.let_go()

    async def _insist(self, action: Callable[[], Awaitable[None]]) -> bool:
        """Does what has to be done until the database lets it; False when the process is told to end meanwhile."""
        delay = _FIRST_RETRY_SECONDS
        while True:
            try:
                await action()
                return True
            except DatabaseError:
                with suppress(TimeoutError, asyncio.TimeoutError):
                    await asyncio.wait_for(self.stop.wait(), delay)
            if self.is_stopping():
                return False
            delay = min(2 * delay, _LAST_RETRY_SECONDS)

    def _retry_seconds(self) -> float:
        """Workflows that replace others are numbered, so the number tells how often it was tried."""
        tries = re.search(r":t(\d+)$", self.workflow_id)
        return float(min(_FIRST_RETRY_SECONDS * 2 ** min(int(tries[1]) if tries else 0, 16), _LAST_RETRY_SECONDS))
