"""Where durable runs are kept, and how this process executes them."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents import ModelProvider

from ..database.storable_name import assert_storable_name
from .errors import DBOSConfiguredLateError


@dataclass(frozen=True)
class Configuration:
    """The options with their defaults."""

    connection_string: str | None = field(default=None, repr=False)
    name: str = "timestep"
    execute: bool = True
    model_provider: ModelProvider | None = None
    heartbeat_seconds: float = 1.0
    executor_timeout_seconds: float = 10.0


_configuration = Configuration()
_is_used = False


def configure_dbos(
    *,
    connection_string: str | None = None,
    name: str = "timestep",
    execute: bool = True,
    model_provider: ModelProvider | None = None,
    heartbeat_seconds: float = 1.0,
    executor_timeout_seconds: float = 10.0,
) -> None:
    """Says where durable runs are kept and how they are executed here. Optional, and only before the first use.

    Args:
        connection_string: `postgresql://...`. Default: the environment's `PG_CONNECTION_URI`, else
            `SUPABASE_DB_URL`.
        name: The application. Processes execute the runs of their own application only, in whichever language
            they are written.
        execute: Whether this process executes runs. When not, it starts, decides and reads them, and leaves them
            to the workers.
        model_provider: Where the models that agents name by a string come from. Default: a `MultiModelProvider`.
        heartbeat_seconds: How often this process says that it is alive.
        executor_timeout_seconds: After how long a silence other processes take over the runs of this one, and this
            one those of others. At least twice `heartbeat_seconds`.

    Raises:
        DBOSConfiguredLateError: DBOS is in use already, with other options.
        ValueError: A time is out of range, or the name cannot be stored.
    """
    global _configuration
    if not heartbeat_seconds > 0 or not 2 * heartbeat_seconds <= executor_timeout_seconds < float("inf"):
        raise ValueError(
            f"Cannot configure DBOS: heartbeat_seconds is {heartbeat_seconds} and executor_timeout_seconds "
            f"{executor_timeout_seconds}. The first has to be positive, the second at least twice as long"
        )
    assert_storable_name("name of the application", name)
    wanted = Configuration(
        connection_string, name, execute, model_provider, heartbeat_seconds, executor_timeout_seconds
    )
    if _is_used and wanted != _configuration:
        raise DBOSConfiguredLateError(
            "Cannot configure DBOS: it is in use with other options. Configure it first, or after shutdown_dbos()"
        )
    _configuration = wanted


def current_configuration() -> Configuration:
    """What was configured."""
    return _configuration


def use_configuration() -> Configuration:
    """What was configured. From now on it stays, until `release_configuration()`."""
    global _is_used
    _is_used = True
    return _configuration


def release_configuration() -> None:
    """Lets the configuration be changed again."""
    global _is_used
    _is_used = False
