"""The database: where it is, what is wrong with it, its schema."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from timestep import DatabaseError, DatabaseSession
from timestep.database._location import locate
from timestep.database._migrate import migrations
from timestep.database.open_database import open_database

from .postgres import find_programs


def test_the_environment_says_where_the_database_is() -> None:
    both = {"PG_CONNECTION_URI": "postgres://a/b", "SUPABASE_DB_URL": "postgresql://c/d"}
    assert locate(None, both) == "postgres://a/b"
    assert locate(None, {**both, "PG_CONNECTION_URI": ""}) == "postgresql://c/d"
    assert locate("postgres://e/f", both) == "postgres://e/f"


def test_without_a_database_the_error_says_what_to_do() -> None:
    with pytest.raises(DatabaseError, match="deno task db") as raised:
        locate(None, {})
    assert raised.value.code == "connection_string_missing"


@pytest.mark.parametrize(
    "uri", ["postgresql://127.0.0.1:1/secret@nohost/db", "postgresql://127.0.0.1:1?secret@nohost/db"]
)
async def test_nobody_is_shown_a_password_that_ends_its_address_too_early(uri: str) -> None:
    database = open_database(uri)
    with pytest.raises(DatabaseError) as raised:
        await database.query("select 1")
    assert "secret" not in str(raised.value) + repr(database)
    assert "127.0.0.1:1" not in str(raised.value)
    await database.close()


@pytest.mark.parametrize("text", ["mysql://user:secret@host/db", "secret", "", "pglite:memory"])
def test_another_kind_of_address_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(DatabaseError) as raised:
        locate(text, {})
    assert raised.value.code == "connection_string_invalid"
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": "secret-wrong"}, "authentication_failed"),
        ({"path": "/nowhere"}, "database_not_found"),
        ({"host": "no-such-host.invalid"}, "host_not_found"),
        ({"port": "closed"}, "server_unreachable"),
        ({"query": "sslmode=require"}, "tls_failed"),
    ],
    ids=str,
)
async def test_what_is_wrong_with_the_server_is_said(server_uri: str, change: dict[str, str], code: str) -> None:
    parts = urlsplit(server_uri)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1] if change.get("port") else parts.port
        uri = (
            f"postgresql://{parts.username}:{change.get('password', parts.password)}"
            f"@{change.get('host', parts.hostname)}:{port}{change.get('path', parts.path)}?{change.get('query', '')}"
        )
        with pytest.raises(DatabaseError) as raised:
            await DatabaseSession("s", connection_string=uri).get_items()
    assert raised.value.code == code
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None


async def test_several_may_migrate_at_once_and_again(empty_database_uri: str) -> None:
    async def first_use() -> None:
        # Each with connections of its own, as in processes of their own.
        await asyncio.to_thread(lambda: asyncio.run(one_session(empty_database_uri)))

    await asyncio.gather(*(first_use() for _ in range(5)))
    async with await psycopg.AsyncConnection.connect(empty_database_uri) as connection:
        cursor = await connection.execute("select version from timestep.migrations order by version")
        assert [row[0] for row in await cursor.fetchall()] == [migration.version for migration in migrations()]


async def one_session(uri: str) -> None:
    """Uses the database once."""
    async with DatabaseSession("s", connection_string=uri) as session:
        await session.get_items()


async def test_a_newer_schema_is_refused(database_uri: str) -> None:
    await one_session(database_uri)
    async with await psycopg.AsyncConnection.connect(database_uri, autocommit=True) as connection:
        await connection.execute("insert into timestep.migrations (version) values ('29990101000000')")
    with pytest.raises(DatabaseError, match="29990101000000") as raised:
        await one_session(database_uri)
    assert raised.value.code == "schema_too_new"


async def test_connections_are_shared_and_counted(database_uri: str) -> None:
    first, second = open_database(database_uri), open_database(database_uri)
    assert first is second
    await first.close()
    assert await second.query("select $1::int + 1", [1]) == [(2,)]
    await second.close()
    with pytest.raises(DatabaseError) as raised:
        await second.query("select 1")
    assert raised.value.code == "closed"


async def test_a_failed_statement_is_told_without_its_parameters(database_uri: str) -> None:
    database = open_database(database_uri)
    with pytest.raises(DatabaseError) as raised:
        await database.query("select $1::text::int", ["secret"])
    assert raised.value.code == "statement_failed"
    await database.close()


async def test_a_pooler_in_transaction_mode_is_no_obstacle(database_uri: str, tmp_path: Path) -> None:
    with pooler(database_uri, tmp_path) as pooled:
        sessions = [DatabaseSession("s", connection_string=pooled) for _ in range(3)]
        for turn in range(10):
            await asyncio.gather(*(s.add_items([{"role": "user", "content": str(turn)}]) for s in sessions))
        assert len(await sessions[0].get_items()) == 30
        for session in sessions:
            await session.close()


@contextlib.contextmanager
def pooler(uri: str, home: Path) -> Iterator[str]:
    """Debian's pgbouncer before a database."""
    program = Path("/usr/sbin/pgbouncer")
    if not program.exists() or find_programs() is None:
        pytest.skip("there is no pgbouncer on this machine")
    parts = urlsplit(uri)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "users.txt").write_text(f'"{parts.username}" "{parts.password}"\n')
    (home / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={parts.hostname} port={parts.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = plain\nauth_file = {home}/users.txt\npool_mode = transaction\n"
        f"unix_socket_dir =\ndefault_pool_size = 2\nlogfile = {home}/log\n"
    )
    subprocess.run(["chmod", "-R", "a+rwX", *map(str, [home, *home.parents][:3])], check=True)
    process = subprocess.Popen([str(program), "-u", "postgres", str(home / "pgbouncer.ini")], stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{port}{parts.path}"
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Waits until a program listens."""
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
    raise AssertionError("pgbouncer did not start")
