"""A Postgres server of the tests' own, and fresh databases on it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg

from timestep.database._migrate import migrations


def find_programs() -> Path | None:
    """The folder with `initdb` and `pg_ctl`, or None when Postgres is not installed."""
    root = Path("/usr/lib/postgresql")
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(":")]
    if root.is_dir():
        folders += [folder / "bin" for folder in sorted(root.iterdir(), reverse=True)]
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The URI of the server in `TIMESTEP_TEST_PG_URI`, or of one in a temporary directory."""
    given = os.environ.get("TIMESTEP_TEST_PG_URI")
    if given:
        yield given
        return
    programs = find_programs()
    assert programs is not None
    with tempfile.TemporaryDirectory(prefix="timestep-python-") as home:
        data = f"{home}/data"
        Path(f"{home}/password").write_text("secret")
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "postgres", home], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        _run(
            [
                f"{programs}/initdb",
                "-D",
                data,
                "-U",
                "timestep",
                "-A",
                "scram-sha-256",
                "--no-sync",
                f"--pwfile={home}/password",
                "-E",
                "UTF8",
                "--locale=C",
            ]
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"
        control = [f"{programs}/pg_ctl", "-D", data, "-s", "-w", "-l", f"{home}/log"]
        _run([*control, "-o", options, "start"])
        try:
            yield f"postgresql://timestep:secret@127.0.0.1:{port}/postgres"
        finally:
            _run([*control, "-m", "immediate", "stop"])


def _run(command: list[str]) -> None:
    """As the server's user: Postgres refuses root."""
    runner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if runner and shutil.which("setpriv") is None:
        runner = ["runuser", "-u", "postgres", "--"]
    subprocess.run([*runner, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")


# A name of its own: other tests may be run on the same server.
TEMPLATE = f"timestep_python_template_{uuid4().hex[:12]}"


@contextlib.contextmanager
def template(server_uri: str) -> Iterator[None]:
    """A migrated database to copy."""
    with psycopg.connect(server_uri, autocommit=True) as connection:
        connection.execute(f'create database "{TEMPLATE}"'.encode())
    try:
        with psycopg.connect(_with_database(server_uri, TEMPLATE), autocommit=True) as connection:
            for migration in migrations():
                connection.execute(migration.sql.encode())
        yield
    finally:
        with psycopg.connect(server_uri, autocommit=True) as connection:
            connection.execute(f'drop database "{TEMPLATE}" with (force)'.encode())


@contextlib.contextmanager
def fresh_database(server_uri: str, *, is_empty: bool = False) -> Iterator[str]:
    """The URI of a database of one's own: migrated, or without anything."""
    name = f"timestep_python_{uuid4().hex[:12]}"
    source = "template1" if is_empty else TEMPLATE
    with psycopg.connect(server_uri, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{source}"'.encode())
    try:
        yield _with_database(server_uri, name)
    finally:
        with psycopg.connect(server_uri, autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)'.encode())


def _with_database(uri: str, name: str) -> str:
    return urlunsplit(urlsplit(uri)._replace(path=f"/{name}"))
