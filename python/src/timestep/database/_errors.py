"""What an error of the driver means."""

from __future__ import annotations

import psycopg

from .database_error import DatabaseError, DatabaseErrorCode

_BY_STATE: dict[str, tuple[DatabaseErrorCode, str]] = {
    "28P01": ("authentication_failed", "the user or the password is wrong"),
    "28000": ("authentication_failed", "the server lets this user in from nowhere or not from here"),
    "3D000": ("database_not_found", "the server has no database of that name"),
    "42501": ("permission_missing", "the role may not do what is needed"),
    "53300": ("too_many_connections", "the server has no connection left"),
}
_BY_TEXT: tuple[tuple[str, DatabaseErrorCode, str], ...] = (
    ("could not translate host name", "host_not_found", "the host's name has no address"),
    ("Name or service not known", "host_not_found", "the host's name has no address"),
    ("failed to resolve host", "host_not_found", "the host's name has no address"),
    ("password authentication failed", "authentication_failed", "the user or the password is wrong"),
    ("no password supplied", "authentication_failed", "the server wants a password"),
    ("no pg_hba.conf entry", "authentication_failed", "the server does not let this user in from here"),
    ("does not exist", "database_not_found", "the server has no such database or user"),
    (
        "one client at a time",
        "too_many_connections",
        "`timestep db` serves one client at a time, and another one is connected. Close that one first",
    ),
    ("too many", "too_many_connections", "the server has no connection left"),
    ("SSL", "tls_failed", "no encrypted connection could be made, or its certificate is not trusted"),
    ("certificate", "tls_failed", "the server's certificate is not trusted"),
)


def explain_connection(error: psycopg.Error, address: str) -> DatabaseError:
    """Why a connection could not be made. The driver's own text is left out: it may quote the address."""
    known = _BY_STATE.get(error.sqlstate or "")
    if known is None:
        text = str(error)
        known = next(((code, why) for part, code, why in _BY_TEXT if part in text), None)
    code, why = known or ("server_unreachable", "nothing answers there, or not in time")
    return DatabaseError(code, f"Cannot open the database at {address}: {why}. Check PG_CONNECTION_URI")


def explain_statement(error: psycopg.Error) -> DatabaseError:
    """Why a statement failed. Parameters and rows are left out: they hold what people said."""
    state = error.sqlstate
    if state is None and isinstance(error, psycopg.DataError):
        # Such as a NUL: it was not sent.
        return DatabaseError("statement_failed", f"A statement was not sent to the database: {error}")
    if state is None:
        return DatabaseError(
            "connection_lost",
            "The connection to the database broke: the statement under way may or may not have taken effect",
        )
    message = error.diag.message_primary or "no message"
    if state == "42501":
        return DatabaseError("permission_missing", f"The database does not allow it: {message}")
    return DatabaseError("statement_failed", f"The database refused a statement: {message} ({state})", state)
