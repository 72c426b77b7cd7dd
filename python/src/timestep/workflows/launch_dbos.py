"""Making this process a worker, and ending its work."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from .configure_dbos import release_configuration, use_configuration

if TYPE_CHECKING:
    from ._engine import Engine

_launching = threading.Lock()
_engine: Engine | None = None


def ensure_dbos_launched() -> None:
    """Makes this process a worker.

    It executes runs, those of queues and schedules too, and takes over the runs of processes that died, as far as
    their agents are registered here. Does nothing when it is one, or when `configure_dbos(execute=False)` says not
    to. `run_agent_workflow()` and `queue_agent_workflow()` do this themselves.

    Runs are executed on the event loop that is running when this is called, or that last started one; without one,
    on a loop and in a thread of their own.

    Raises:
        DatabaseError: The database can't be opened.
    """
    launched_engine()


def launched_engine() -> Engine | None:
    """The engine of this process, launched; None when it is configured not to execute runs."""
    global _engine
    configuration = use_configuration()
    if not configuration.execute:
        return None
    with _launching:
        if _engine is None:
            # DBOS takes time to load, which a program that only queues or decides need not spend.
            from ._engine import Engine

            engine = Engine(configuration)
            engine.launch()
            _engine = engine
        return _engine


async def executing_engine() -> Engine | None:
    """The engine of this process, launched without keeping the event loop, on which runs are executed from now on."""
    engine = await asyncio.to_thread(launched_engine)
    if engine is not None:
        engine.adopt_loop()
    return engine


async def shutdown_dbos() -> None:
    """Ends the work of this process.

    It claims no more runs and stops those under way, which other processes take over at once. DBOS can be configured
    and launched again afterwards.
    """
    await _stop(0.0)


async def hand_over(within_seconds: float) -> None:
    """For processes that are ended from outside: claims no more runs, and hands over what is not done in time.

    Args:
        within_seconds: When this process ends. Runs go on until about two seconds before.
    """
    await _stop(max(0.0, within_seconds - 2.0))


async def _stop(within_seconds: float) -> None:
    global _engine
    engine, _engine = _engine, None
    if engine is not None:
        await engine.stop(within_seconds)
    release_configuration()
