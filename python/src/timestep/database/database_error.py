"""The errors of the database itself, as opposed to those of what is kept in it."""

from __future__ import annotations

from typing import Literal

from ..errors import TimestepError

DatabaseErrorCode = Literal[
    "connection_string_invalid",
    "connection_string_missing",
    "host_not_found",
    "server_unreachable",
    "tls_failed",
    "authentication_failed",
    "database_not_found",
    "permission_missing",
    "too_many_connections",
    "connection_lost",
    "schema_too_new",
    "statement_failed",
    "closed",
]
"""What went wrong; the same names as in TypeScript, where `connection_string_missing` cannot happen."""


class DatabaseError(TimestepError):
    """The database can't be reached, opened or used. It never carries a password."""

    def __init__(self, code: DatabaseErrorCode, message: str, sql_state: str | None = None) -> None:
        super().__init__(message)
        self.code: DatabaseErrorCode = code
        self.sql_state = sql_state
        """The five characters of the SQLSTATE, for `statement_failed`."""
