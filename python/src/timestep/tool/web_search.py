"""A tool with which an agent searches the web."""

from __future__ import annotations

import os
import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from agents import FunctionTool, RunContextWrapper
from agents.tool_context import ToolContext
from pydantic import AfterValidator, BaseModel, StringConstraints, ValidationError

from ._firecrawl import FirecrawlError, FirecrawlSearch, WebPage, search_firecrawl

_RESULT_LIMITS = {"low": 5, "medium": 10, "high": 20}


def _to_domain(value: str) -> str:
    """The host's name of what may be a URL or a pattern: `https://*.deno.com/blog` and `.deno.com` are `deno.com`."""
    host = re.sub(r"^\*?\.+", "", re.sub(r"^[a-z]+://", "", value.strip(), flags=re.IGNORECASE))
    name = "" if re.search(r'[\s"()]', host) else (urlsplit(f"https://{host}").hostname or "").rstrip(".")
    if "." not in name:
        raise ValueError(f"{value!r} is no domain")
    return name


class _Arguments(BaseModel):
    """Read more leniently than the schema promises: models that are not held to it leave out what is null."""

    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    user_location: Annotated[str, StringConstraints(strip_whitespace=True)] | None = None
    allowed_domains: list[Annotated[str, AfterValidator(_to_domain)]] | None = None
    search_context_size: Literal["low", "medium", "high"] | None = None


_PARAMETERS: dict[str, object] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "What to search for, as for a search engine."},
        "user_location": {
            "type": ["string", "null"],
            "description": "Where the user is, if results should fit: city, region, country. Else null.",
        },
        "allowed_domains": {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "description": 'The only domains to search, with their subdomains, e.g. ["deno.com"]. Null for all.',
        },
        "search_context_size": {
            "type": ["string", "null"],
            "enum": [*_RESULT_LIMITS, None],
            "description": "How many results: low for 5, medium or null for 10, high for 20.",
        },
    },
    "required": ["query", "user_location", "allowed_domains", "search_context_size"],
    "additionalProperties": False,
}


async def _search(_context: ToolContext[object] | RunContextWrapper[object], arguments: str) -> str:
    try:
        wanted = _Arguments.model_validate_json(arguments)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "object"
        return _failure(f"The argument {name} is wrong: {first['msg']}. Correct it and search again")
    api_key = os.environ.get("FIRECRAWL_API_KEY", "").strip()
    if not api_key:
        return _failure("The environment variable FIRECRAWL_API_KEY is not set. Do not search again, and tell the user")
    domains = wanted.allowed_domains or []
    search = FirecrawlSearch(
        query=_with_sites(wanted.query, domains),
        limit=_RESULT_LIMITS[wanted.search_context_size or "medium"],
        location=wanted.user_location,
    )
    api_url = (os.environ.get("FIRECRAWL_API_URL") or "https://api.firecrawl.dev").rstrip("/")
    try:
        pages = await search_firecrawl(search, api_key=api_key, api_url=api_url)
    except FirecrawlError as error:
        return _failure(str(error))
    return _list([page for page in pages if _is_allowed(page.url, domains)])


def _failure(why: str) -> str:
    return f"Error performing web search: {why}."


def _with_sites(query: str, domains: list[str]) -> str:
    if not domains:
        return query
    sites = " OR ".join(f"site:{domain}" for domain in domains)
    return f"{query} {sites}" if len(domains) == 1 else f"{query} ({sites})"


def _is_allowed(url: str, domains: list[str]) -> bool:
    """Search engines take `site:` as a wish; the promise is that no other domain comes through."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return not domains or any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _list(pages: list[WebPage]) -> str:
    if not pages:
        return "No search results found."
    return "\n\n".join(
        f"{index}. {_one_line(page.title) or 'Untitled'}\n   URL: {page.url}\n   {_one_line(page.description)}".rstrip()
        for index, page in enumerate(pages, start=1)
    )


def _one_line(value: str | None) -> str:
    return re.sub(r"\s+", " ", value or "").strip()


web_search: FunctionTool = FunctionTool(
    name="web_search",
    description="Search the web for current information. Gives titles, URLs and descriptions of pages.",
    params_json_schema=_PARAMETERS,
    on_invoke_tool=_search,
    strict_json_schema=True,
)
"""A tool with which an agent searches the web, over Firecrawl (https://firecrawl.dev).

The model gives a `query` and, if it wants, the `user_location`, the `allowed_domains` and how many results it
wants as `search_context_size`: `low` for 5, `medium` (the default) for 10, `high` for 20. It gets titles, URLs
and descriptions as text.

Needs the environment variable `FIRECRAWL_API_KEY`, when it is used; `FIRECRAWL_API_URL` is the address of a
Firecrawl of one's own. Whatever goes wrong is told to the model, and the run goes on.
"""
