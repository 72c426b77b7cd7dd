"""web_search against a Firecrawl that is scripted where HTTP would begin."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from agents.tool_context import ToolContext

from timestep import web_search

PAGES = [
    {"url": "https://deno.com/a", "title": " A\n b ", "description": "First."},
    {"url": "https://docs.deno.com/b", "title": None, "description": None},
    {"url": "https://evil.example", "title": "C", "description": "deno.com"},
]
Answer = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture
def firecrawl(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Firecrawl: keeps the requests, gives the answer that was set."""

    class Firecrawl:
        requests: list[httpx2.Request]
        answer: Answer = staticmethod(
            lambda request: httpx2.Response(200, json={"success": True, "data": {"web": PAGES}})
        )

    scripted = Firecrawl()

    async def handle(_transport: object, request: httpx2.Request) -> httpx2.Response:
        scripted.requests.append(request)
        response = scripted.answer(request)
        response.request = request
        return response

    scripted.requests = []
    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", handle)
    monkeypatch.setenv("FIRECRAWL_API_KEY", "fc-secret")
    return scripted


async def search(**arguments: object) -> str:
    """Calls the tool as the SDK does."""
    text = json.dumps({"query": "deno", **arguments})
    context = ToolContext(context=None, tool_name="web_search", tool_call_id="c", tool_arguments=text)
    return str(await web_search.on_invoke_tool(context, text))


async def test_pages_come_as_a_list(firecrawl: Any) -> None:
    assert await search() == (
        "1. A b\n   URL: https://deno.com/a\n   First.\n\n"
        "2. Untitled\n   URL: https://docs.deno.com/b\n\n"
        "3. C\n   URL: https://evil.example\n   deno.com"
    )
    body = json.loads(firecrawl.requests[0].content)
    assert (body["query"], body["limit"]) == ("deno", 10)
    assert firecrawl.requests[0].headers["authorization"] == "Bearer fc-secret"
    assert str(firecrawl.requests[0].url) == "https://api.firecrawl.dev/v2/search"


@pytest.mark.parametrize(("size", "limit"), [("low", 5), ("medium", 10), ("high", 20), (None, 10)])
async def test_the_context_size_says_how_many(firecrawl: Any, size: str | None, limit: int) -> None:
    await search(search_context_size=size, user_location="Oakland")
    body = json.loads(firecrawl.requests[0].content)
    assert (body["limit"], body["location"]) == (limit, "Oakland")


async def test_only_allowed_domains_come_through(firecrawl: Any) -> None:
    text = await search(allowed_domains=["https://*.deno.com./blog", ".jsr.io"])
    assert json.loads(firecrawl.requests[0].content)["query"] == "deno (site:deno.com OR site:jsr.io)"
    assert "docs.deno.com" in text
    assert "evil.example" not in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"query": " "}, "query is wrong"),
        ({"allowed_domains": ["no domain"]}, "is no domain"),
        ({"allowed_domains": [".gov"]}, "is no domain"),
        ({"search_context_size": "huge"}, "search_context_size is wrong"),
    ],
)
async def test_a_wrong_argument_is_told_to_the_model(firecrawl: Any, arguments: dict[str, Any], told: str) -> None:
    assert told in await search(**arguments)
    assert firecrawl.requests == []


async def test_a_missing_key_is_told_to_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRECRAWL_API_KEY", raising=False)
    assert "FIRECRAWL_API_KEY is not set" in await search()


def fail(_request: httpx2.Request) -> httpx2.Response:
    """Nobody answers."""
    raise httpx2.ConnectError("no route")


def late(_request: httpx2.Request) -> httpx2.Response:
    """Nobody answers in time."""
    raise httpx2.ReadTimeout("late")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda _: httpx2.Response(401, json={"error": "bad key fc-secret"}), "status 401: bad key \\*\\*\\*"),
        (lambda _: httpx2.Response(429, headers={"retry-after": "7"}), "in 7 seconds"),
        (lambda _: httpx2.Response(500, text="<html>"), "status 500. Search again later"),
        (lambda _: httpx2.Response(200, json={"success": False, "error": "busy"}), "answered: busy"),
        (lambda _: httpx2.Response(200, text="not json"), "could not be read"),
        (fail, "could not be reached at https://api.firecrawl.dev"),
        (late, "no answer within 60 seconds"),
    ],
)
async def test_a_failure_is_told_to_the_model(firecrawl: Any, answer: Answer, told: str) -> None:
    import re

    firecrawl.answer = answer
    text = await search()
    assert text.startswith("Error performing web search: ")
    assert re.search(told, text)
    assert "fc-secret" not in text


async def test_nothing_found_is_said(firecrawl: Any) -> None:
    firecrawl.answer = lambda _: httpx2.Response(200, json={"success": True, "data": {}})
    assert await search() == "No search results found."
