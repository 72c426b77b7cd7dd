"""Token counts: the TypeScript SDK keeps details for each request, the Python SDK reads one sum."""

from __future__ import annotations

from ._json import At, JsonObject
from ._losses import Losses

_INPUT_DETAILS = ("cached_tokens", "cache_write_tokens")
_OUTPUT_DETAILS = ("reasoning_tokens",)


def to_python_usage(usage: At, losses: Losses) -> JsonObject:
    """A usage object in the form of a Python snapshot."""
    usage.object(
        "requests",
        "inputTokens",
        "outputTokens",
        "totalTokens",
        "inputTokensDetails",
        "outputTokensDetails",
        "requestUsageEntries",
    )
    entries = usage.get("requestUsageEntries")
    return {
        "requests": usage.need("requests").count(),
        **_tokens(usage, losses),
        "request_usage_entries": ([_request(entry, losses) for entry in entries.list()] if entries is not None else []),
    }


def _request(entry: At, losses: Losses) -> JsonObject:
    entry.object("inputTokens", "outputTokens", "totalTokens", "inputTokensDetails", "outputTokensDetails", "endpoint")
    if entry.get("endpoint") is not None:
        losses.add(entry, "endpoint", "which endpoint of the provider a request went to")
    return _tokens(entry, losses)


def _tokens(usage: At, losses: Losses) -> JsonObject:
    return {
        "input_tokens": usage.need("inputTokens").count(),
        "input_tokens_details": _sum(usage.get("inputTokensDetails"), _INPUT_DETAILS, losses),
        "output_tokens": usage.need("outputTokens").count(),
        "output_tokens_details": _sum(usage.get("outputTokensDetails"), _OUTPUT_DETAILS, losses),
        "total_tokens": usage.need("totalTokens").count(),
    }


def _sum(details: At | None, names: tuple[str, ...], losses: Losses) -> object:
    """The sum over all requests; a list in a list's place, because that is how each form is written."""
    sums = dict.fromkeys(names, 0)
    if details is None:
        return sums
    is_list = isinstance(details.value, list)
    for detail in details.list() if is_list else [details]:
        for key, value in detail.entries():
            if key in sums:
                sums[key] += value.count()
            elif value.count() > 0:
                losses.add(detail, key, "a count of tokens that the Python SDK does not keep")
    return [sums] if is_list else sums
