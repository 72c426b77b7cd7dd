"""Searching the web with Firecrawl's v2 API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel, ValidationError

TIMEOUT_SECONDS = 60.0
"""Firecrawl's own default."""

_ADVICE = {
    400: "Word the query differently",
    401: "Somebody has to check FIRECRAWL_API_KEY; do not search again",
    402: "Its credits are used up, and somebody has to buy more; do not search again",
    403: "Somebody has to check FIRECRAWL_API_KEY; do not search again",
    408: "Search again with a simpler query",
}


class FirecrawlError(Exception):
    """A search failed; the message says why and what to do, and never has the key."""


class WebPage(BaseModel):
    """A page that was found."""

    url: str
    title: str | None = None
    description: str | None = None


class _Pages(BaseModel):
    web: list[WebPage] | None = None


class _Answer(BaseModel):
    success: bool
    data: _Pages


class _Refusal(BaseModel):
    error: str


@dataclass(frozen=True)
class FirecrawlSearch:
    """A search to do."""

    query: str
    limit: int
    """How many results at most, 1 to 100."""
    location: str | None
    """Where the person who asks is, e.g. `Oakland, California, United States`."""


async def search_firecrawl(search: FirecrawlSearch, *, api_key: str, api_url: str) -> list[WebPage]:
    """Searches the web.

    Raises:
        FirecrawlError: If the search failed, for whatever reason.
    """
    body: dict[str, object] = {
        "query": search.query,
        "limit": search.limit,
        "timeout": int(TIMEOUT_SECONDS * 1000),
    }
    if search.location:
        body["location"] = search.location
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
            response = await client.post(
                f"{api_url}/v2/search", json=body, headers={"authorization": f"Bearer {api_key}"}
            )
    except httpx2.TimeoutException:
        raise FirecrawlError(
            f"Firecrawl gave no answer within {TIMEOUT_SECONDS:.0f} seconds. Search again with a simpler query"
        ) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
        raise FirecrawlError(f"Firecrawl could not be reached at {_origin(api_url)}. Search again later") from None
    if response.is_error:
        raise FirecrawlError(_refusal(response).replace(api_key, "***"))
    try:
        answer = _Answer.model_validate_json(response.content)
        if not answer.success:
            raise FirecrawlError(_malformed(response).replace(api_key, "***"))
    except ValidationError:
        raise FirecrawlError(_malformed(response).replace(api_key, "***")) from None
    return answer.data.web or []


def _refusal(response: httpx2.Response) -> str:
    error = _said(response)
    said = f": {error}" if error is not None else ""
    advice = _ADVICE.get(response.status_code, "Search again later")
    if response.status_code == 429:
        wait = response.headers.get("retry-after")
        advice = f"It was asked too often; search again {f'in {_shorten(wait)} seconds' if wait else 'later'}"
    return f"Firecrawl answered with status {response.status_code}{said}. {advice}"


def _malformed(response: httpx2.Response) -> str:
    error = _said(response)
    if error is not None:
        return f"Firecrawl answered: {error}. Search again later"
    return "Firecrawl's answer could not be read. Search again later"


def _said(response: httpx2.Response) -> str | None:
    try:
        return _shorten(_Refusal.model_validate_json(response.content).error)
    except ValidationError:
        return None


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the address in FIRECRAWL_API_URL"
    if not parts.hostname:
        return "the address in FIRECRAWL_API_URL"
    return f"{parts.scheme}://{parts.hostname}{port}"


def _shorten(message: str) -> str:
    line = re.sub(r"\s+", " ", message).strip().removesuffix(".")
    return line if len(line) <= 300 else f"{line[:300]}..."
