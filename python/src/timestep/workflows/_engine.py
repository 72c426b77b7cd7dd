"""This process as an executor of runs: DBOS launched, and a heartbeat that claims what is to be done.

What is used of the inside of DBOS, besides its tables, is here and in `_system_database`; it is pinned exactly.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from dbos import DBOS, DBOSConfig
from dbos._core import execute_dequeued_workflow

from ..database.database_error import DatabaseError
from ..database.open_database import open_database
from ..durable.execute_run import RunPart
from ..durable.registry import registered_agent_names
from ._agent_run import AgentRun
from ._database import ensure_prepared
from ._executor_sql import application_version, beat, fire_schedules, sign_off, sweep, take_over
from ._schedule_renewal import renew_schedules
from .configure_dbos import Configuration

if TYPE_CHECKING:
    from ..database.database import Database

T = TypeVar("T")

_log = logging.getLogger("timestep")

_BEATS_PER_SWEEP = 5
"""Every how many heartbeats to look for what crashes left behind."""

_STOPPING_SECONDS = 2.0
"""How long a run that was told to stop may take to do so."""

_POOL_SIZE = 4
"""DBOS uses few connections at a time: its polls are short."""

_current: Engine | None = None
_is_registered = False


class Engine:
    """This process as an executor of runs.

    Runs are executed on the event loop that was running when DBOS was launched, or that last started a run; when
    that is over, on one of DBOS's own. The heartbeat has a thread of its own, so that a loop that is busy for a
    while loses no runs.
    """

    def __init__(self, configuration: Configuration) -> None:
        """To be launched."""
        # DBOS takes an executor that comes back under its old id for the same one; here nobody comes back.
        self.executor_id = str(uuid4())
        self.configuration = configuration
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="timestep-heartbeat", daemon=True)
        self._database: Database | None = None
        self._heartbeat: Future[None] | None = None
        self._is_claiming = True
        self._is_stopping = False
        self._running: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Event, Future[None]]] = {}

    def launch(self) -> None:
        """Launches DBOS.

        Raises:
            DatabaseError: The database can't be opened.
        """
        global _current
        self._thread.start()
        try:
            uri = self._call(self._open()).result()
            _register_workflow()
            _current = self
            DBOS(config=self._dbos_config(uri))
            DBOS.launch()
        except BaseException:
            _current = None
            DBOS.destroy()
            self._end()
            raise
        self._heartbeat = self._call(self._beat_on())

    def adopt_loop(self) -> None:
        """Executes runs on the event loop that is running now."""
        self._dbos._background_event_loop.set_main_loop()

    def dispatch(self, workflow_ids: list[str], owner_token: str) -> None:
        """Executes workflows that this executor has claimed. Not to be called on the event loop."""
        if not workflow_ids:
            return
        dbos = self._dbos
        for status in dbos._sys_db.get_workflow_statuses(workflow_ids):
            execute_dequeued_workflow(dbos, status, owner_token)

    async def while_executing(self, workflow_id: str) -> None:
        """Waits while this executor executes the workflow, so that its end need not be looked for."""
        running = self._running.get(workflow_id)
        if running is not None:
            await asyncio.wrap_future(running[2])

    async def execute(self, run_id: str, segment: int) -> dict[str, str]:
        """The body of every workflow."""
        workflow_id = DBOS.workflow_id or run_id
        stop = asyncio.Event()
        if self._is_stopping:
            stop.set()
        ended: Future[None] = Future()
        self._running[workflow_id] = (asyncio.get_running_loop(), stop, ended)
        database = open_database(self.configuration.connection_string)
        part = RunPart(run_id, segment, self.executor_id)
        run = AgentRun(database, self.configuration, part, workflow_id, stop, lambda: self._is_stopping)
        try:
            report = await run.execute()
        except asyncio.CancelledError:
            # The loop ends: nothing can be waited for on it any more.
            self._call(self._let_go(part, workflow_id))
            raise
        finally:
            self._running.pop(workflow_id, None)
            ended.set_result(None)
            await database.close()
        if report == "stopped":
            # Had it an end in DBOS, that would wait for the outcome of whoever takes the run over.
            raise asyncio.CancelledError
        return {"status": report}

    async def stop(self, within_seconds: float = 0.0) -> None:
        """Claims nothing more, lets what is under way go on for a while, and lets go of the rest."""
        global _current
        dbos = self._dbos
        self._is_claiming = False
        for event in dbos.background_thread_stop_events:
            event.set()
        if within_seconds > 0:
            await self._ended(within_seconds)
        self._is_stopping = True
        for loop, stop, _ in list(self._running.values()):
            with suppress(RuntimeError):  # The loop is closed, and its runs with it.
                loop.call_soon_threadsafe(stop.set)
        await self._ended(_STOPPING_SECONDS)
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        await asyncio.to_thread(DBOS.destroy)
        _current = None
        await asyncio.to_thread(self._end)

    async def _ended(self, within_seconds: float) -> None:
        waiting = [asyncio.wrap_future(ended) for _, _, ended in self._running.values()]
        if waiting:
            await asyncio.wait(waiting, timeout=within_seconds)

    def _end(self) -> None:
        with suppress(DatabaseError):
            self._call(self._close()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def _dbos(self) -> Any:  # noqa: ANN401 -- the instance that only DBOS itself is meant to use
        from dbos._dbos import _get_dbos_instance

        return _get_dbos_instance()

    def _call(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _open(self) -> str:
        self._database = open_database(self.configuration.connection_string)
        await ensure_prepared(self._database)
        await beat(self._database, self.executor_id)
        return self._database.uri

    async def _close(self) -> None:
        database, self._database = self._database, None
        if database is None:
            return
        try:
            # Should this fail, the silence says the same a little later.
            await sign_off(database, self.executor_id)
        finally:
            await database.close()

    async def _let_go(self, part: RunPart, workflow_id: str) -> None:
        if self._database is not None:
            run = AgentRun(self._database, self.configuration, part, workflow_id, asyncio.Event(), lambda: True)
            await run.let_go()

    def _dbos_config(self, uri: str) -> DBOSConfig:
        return {
            "name": self.configuration.name,
            "system_database_url": uri,
            "sys_db_pool_size": _POOL_SIZE,
            "executor_id": self.executor_id,
            "application_version": application_version(self.configuration.name),
            "run_migrations": False,
            # Costs a connection that a pooler in transaction mode does not give; queues don't use it.
            "use_listen_notify": False,
            # A setting of the session, which such a pooler would give to somebody else.
            "sys_db_idle_transaction_timeout_sec": 0,
            "enable_otlp": False,
            "log_level": "ERROR",
        }

    async def _beat_on(self) -> None:
        number, is_failing = 0, False
        while True:
            try:
                await self._beat(number)
                is_failing = False
            except Exception as error:
                # Reported once until one succeeds again: the database may be away for a while.
                if not is_failing and self._is_claiming:
                    _log.warning("Cannot reach the database to say that this process is alive: %s", error)
                is_failing = True
            number += 1
            await asyncio.sleep(self.configuration.heartbeat_seconds)

    async def _beat(self, number: int) -> None:
        database, configuration = self._database, self.configuration
        if database is None:
            return
        await beat(database, self.executor_id)
        if not self._is_claiming:
            return
        token = str(uuid4())
        names = registered_agent_names()
        timeout = configuration.executor_timeout_seconds
        taken = await take_over(database, self.executor_id, token, configuration.name, names, timeout)
        if taken:
            # Not waited for: the loop that executes runs may be busy.
            dispatched = self._loop.run_in_executor(None, self.dispatch, taken, token)
            dispatched.add_done_callback(_report)
        is_sweeping = number % _BEATS_PER_SWEEP == 0
        if is_sweeping:
            # First, as what was missed is known then.
            await renew_schedules(database)
        await fire_schedules(database)
        if is_sweeping:
            await sweep(database, timeout)


def _report(dispatched: asyncio.Future[None]) -> None:
    error = None if dispatched.cancelled() else dispatched.exception()
    if error is not None:
        _log.warning("Cannot begin with runs that were taken over: %s", error)


def _register_workflow() -> None:
    """DBOS finds the function by its name, in every process and language. Registrations outlive a shutdown."""
    global _is_registered
    if _is_registered:
        return
    _is_registered = True

    # Nothing is ever given up for having been dispatched often: take_over() makes it wait longer instead.
    @DBOS.workflow(name="agentRun", max_recovery_attempts=2**30)
    async def agent_run(run_id: str, segment: int) -> dict[str, str]:
        if _current is None:
            raise RuntimeError(f'Cannot execute run "{run_id}": DBOS is not launched')
        return await _current.execute(run_id, segment)
