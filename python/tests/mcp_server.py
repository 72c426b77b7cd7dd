"""An MCP server over HTTP."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
from mcp.server import MCPServer


class CountingServer:
    """An MCP server over streamable HTTP with one tool: it counts what it is given."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.is_away = False
        """Whether it answers that it can't."""
        self.is_away_after_call = False
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}/mcp"

    async def start(self) -> None:
        """Begins to answer."""
        server = MCPServer("counter", log_level="ERROR")

        @server.tool()
        def count(what: str) -> str:
            "Counts."
            self.calls.append(what)
            self.is_away = self.is_away_after_call
            return f"counted {what}"

        app = server.streamable_http_app(stateless_http=True, json_response=True)

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and self.is_away:
                await send({"type": "http.response.start", "status": 503, "headers": []})
                await send({"type": "http.response.body", "body": b"Away."})
            else:
                await app(scope, receive, send)

        self._server = uvicorn.Server(uvicorn.Config(answer, port=self._port, log_level="error"))
        self._serving = asyncio.ensure_future(self._server.serve())
        while not self._server.started:  # noqa: ASYNC110 -- it has no event for that
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Ends: nobody listens any more."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
