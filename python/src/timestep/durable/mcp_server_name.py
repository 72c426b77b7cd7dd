"""Names of MCP servers."""

from __future__ import annotations

from urllib.parse import urlsplit

_DERIVED = ("sse: ", "streamable_http: ")


def shown_server_name(name: str) -> str:
    """An MCP server's name as it may be recorded and logged.

    Where it was given none, the Agents SDK makes one of the whole address, which may hold a key: of that, the host
    is left.
    """
    if not name.startswith(_DERIVED):
        return name
    kind, _, url = name.partition(": ")
    try:
        host = urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return f"{kind}: {host}"
