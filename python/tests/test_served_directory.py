"""What TypeScript keeps in a directory, used from Python through `timestep db`."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typing_extensions import LiteralString

from timestep import DatabaseError, DatabaseSession, RunStateStore, run_agent
from timestep.database.open_database import open_database

from .crossing import load_vector, normal_request
from .served import REPOSITORY, deno, served
from .stage import Stage, decide, usage_of
from .test_with_typescript import typescript


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the data is, for all tests of this module."""
    return tmp_path_factory.mktemp("pglite") / "data"


@pytest.fixture(scope="module")
def uri(directory: Path) -> Iterator[str]:
    """The address of the directory while it is served."""
    with served(directory) as address:
        yield address


def connect(uri: str) -> psycopg.Connection:
    return psycopg.connect(uri, autocommit=True)


def test_the_next_client_finds_nothing_of_the_one_before(uri: str) -> None:
    first = connect(uri)
    for _ in range(8):  # The driver prepares a statement that it sees again.
        first.execute("select %s::int", [1])
    first.execute("set search_path to pg_catalog")
    first.execute("create temp table left_behind (x int)")
    first.execute("select pg_advisory_lock(1)")
    first.execute("begin")
    first.execute("create table public.left_behind (x int)")
    first.close()  # Without a commit, which the end of a block would do.
    with connect(uri) as second:
        for _ in range(8):
            assert second.execute("select %s::text", ["x"]).fetchone() == ("x",)
        assert second.execute("show search_path").fetchone() != ("pg_catalog",)
        assert second.execute("select to_regclass('left_behind'), to_regclass('public.left_behind')").fetchone() == (
            None,
            None,
        )
        assert second.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (0,)


def test_a_second_client_is_told_why_it_cannot_connect(uri: str) -> None:
    with connect(uri) as first:
        with pytest.raises(psycopg.OperationalError, match="one client at a time"):
            connect(uri)
        assert first.execute("select 1").fetchone() == (1,)


async def test_a_second_program_is_told_why_it_cannot_connect(uri: str) -> None:
    database = open_database(uri)
    with connect(uri), pytest.raises(DatabaseError) as raised:
        await database.query("select 1")
    await database.close()
    assert raised.value.code == "too_many_connections"
    assert "timestep db" in str(raised.value)


def test_a_password_is_asked_for(uri: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(uri.replace("//postgres:", "//postgres:not-"))


def send_together(connection: psycopg.Connection, *statements: LiteralString) -> None:
    with connection.pipeline():
        for statement in statements:
            connection.execute(statement)


def test_a_broken_pipeline_is_one_error_and_the_client_goes_on(uri: str) -> None:
    with connect(uri) as connection:
        with pytest.raises(psycopg.errors.UndefinedColumn):
            send_together(connection, "select 1", "select nothing", "select 2")
        assert connection.execute("select 3").fetchone() == (3,)


def test_rows_cannot_be_copied_in(uri: str) -> None:
    with connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute("create temp table rows_to_come (x int)")
        with (
            pytest.raises(psycopg.errors.FeatureNotSupported),
            cursor.copy("copy rows_to_come /* all */ from stdin") as copy,
        ):
            copy.write_row([1])
        assert cursor.execute("select 'copy t from stdin', count(*) from rows_to_come").fetchone() == (
            "copy t from stdin",
            0,
        )


@pytest.mark.parametrize("sent", [b"?\0\0\0\4", b"Q\0\0\0\1", b"Q\0\0\1\0sel"], ids=["unknown", "too short", "half"])
def test_a_client_that_breaks_off_leaves_the_seat(uri: str, sent: bytes) -> None:
    with connect(uri) as connection, open(connection.fileno(), "wb", closefd=False, buffering=0) as socket:
        socket.write(sent)
    with connect(uri) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


async def test_all_of_a_program_shares_one_connection(uri: str) -> None:
    databases = [open_database(uri) for _ in range(3)]
    answers = await asyncio.gather(*(database.query("select $1::int", [n]) for n, database in enumerate(databases * 5)))
    assert answers == [[(n,)] for n in range(15)]
    for database in databases:
        await database.close()


def test_typescript_is_told_that_the_directory_is_in_use(uri: str, directory: Path) -> None:
    command = [deno(), "run", "-A", "src/cli/main.ts", "db", "--port", "0", "--database", f"pglite:{directory}"]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "another process has it open" in ended.stderr
    assert ended.stdout == ""
    assert uri


@pytest.mark.parametrize("name", ["with_session_paused_twice", "three_pending_decided_one_by_one"])
async def test_the_languages_take_turns_on_one_directory(name: str, tmp_path: Path) -> None:
    """TypeScript opens the directory, Python is served it, one pause after the other."""
    vector = load_vector(name)
    location = tmp_path / "data"
    outcome = typescript(name, 0, f"pglite:{location}")
    executed, requests = outcome["executed"], outcome["requests"]
    address = ""
    for number, pause in enumerate(vector["scenario"]["pauses"]):
        if number % 2 == 1:
            outcome = typescript(name, number + 1, f"pglite:{location}", outcome["modelCalls"])
            executed += outcome["executed"]
            requests += outcome["requests"]
            continue
        stage = Stage(vector["scenario"], outcome["modelCalls"])
        with served(location) as uri:
            # The same directory has the same address, but for the port.
            assert uri.split("@")[0] == (address or uri).split("@")[0]
            address = uri
            session = DatabaseSession("shared", connection_string=uri) if "session" in vector else None
            async with RunStateStore(agent=stage.agent, session_id="shared", connection_string=uri) as store:
                state = await store.load()
                decide(state, pause.get("after"))
                result = await run_agent(stage.agent, state, session)
                if result.interruptions:
                    await store.save(result)
            if session is not None:
                await session.close()
        executed += [list(call) for call in stage.executed]
        requests += stage.requests
        outcome = {
            "modelCalls": stage.model_calls,
            "finalOutput": result.final_output,
            "usage": usage_of(result.context_wrapper.usage),
        }
    assert outcome["finalOutput"] == vector["finalOutput"]
    assert outcome["usage"] == vector["usage"]
    assert executed == vector["trail"]["executed"]
    expected = [normal_request(request) for request in vector["trail"]["requests"]]
    assert [normal_request(request) for request in requests] == expected
