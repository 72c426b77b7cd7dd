"""Where the database is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .database_error import DatabaseError

_VARIABLES = ("PG_CONNECTION_URI", "SUPABASE_DB_URL")


def locate(connection_string: str | None, environment: Mapping[str, str]) -> str:
    """Decides where the database is: the explicit string, else the environment's.

    Raises:
        DatabaseError: `connection_string_missing`, `connection_string_invalid`.
    """
    source = "connection_string"
    text = connection_string
    if text is None:
        source = next((name for name in _VARIABLES if environment.get(name)), "")
        text = environment.get(source) if source else None
    if text is None:
        raise DatabaseError(
            "connection_string_missing",
            "Cannot open the database: neither connection_string nor the environment variable "
            "PG_CONNECTION_URI says where it is. Set PG_CONNECTION_URI=postgresql://user:password@host/database; "
            "or, for the database that the TypeScript module keeps in a directory (PGlite), run "
            "`deno task db` beside this program and set PG_CONNECTION_URI to the address that it prints",
        )
    if re.match(r"postgres(ql)?://", text, re.IGNORECASE):
        return text
    if text.startswith("pglite:"):
        raise DatabaseError(
            "connection_string_invalid",
            f"Cannot open the database: {source} names a PGlite directory, which only TypeScript can open. "
            "Run `deno task db` beside this program and use the address that it prints",
        )
    raise DatabaseError(
        "connection_string_invalid",
        # The value is not shown: it may hold a password.
        f"Cannot open the database: {source} does not begin with postgres:// (or postgresql://). "
        "Use postgresql://user:password@host:5432/database",
    )
