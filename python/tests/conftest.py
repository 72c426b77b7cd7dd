"""What the tests share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from timestep import configure_dbos, shutdown_dbos
from timestep.durable.registry import forget_agents

from . import crossing, postgres


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What crosses, as a table."""
    if crossing.MATRIX:
        for line in crossing.table():
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine is set up for must not matter."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "OLLAMA_", "FIRECRAWL_", "PG", "SUPABASE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OPENAI_AGENTS_DISABLE_TRACING", "1")


@pytest.fixture(scope="session")
def server_uri() -> Iterator[str]:
    """A Postgres server."""
    if not os.environ.get("TIMESTEP_TEST_PG_URI") and postgres.find_programs() is None:
        pytest.skip("there is no Postgres on this machine, and TIMESTEP_TEST_PG_URI is not set")
    with postgres.server() as uri, postgres.template(uri):
        yield uri


@pytest.fixture
def database_uri(server_uri: str) -> Iterator[str]:
    """A migrated database."""
    with postgres.fresh_database(server_uri) as uri:
        yield uri


@pytest.fixture
def empty_database_uri(server_uri: str) -> Iterator[str]:
    """A database without anything."""
    with postgres.fresh_database(server_uri, is_empty=True) as uri:
        yield uri


@pytest.fixture
async def uri(database_uri: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A database of one's own, configured; DBOS is shut down afterwards."""
    monkeypatch.setenv("PG_CONNECTION_URI", database_uri)
    forget_agents()
    configure_dbos(heartbeat_seconds=0.1, executor_timeout_seconds=30)
    yield database_uri
    await shutdown_dbos()
    configure_dbos()
    forget_agents()
