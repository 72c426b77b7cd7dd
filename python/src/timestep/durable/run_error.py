"""Errors that end runs, as plain data."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from agents import InputGuardrailTripwireTriggered, OutputGuardrailTripwireTriggered
from agents.exceptions import (
    MaxTurnsExceeded,
    ToolInputGuardrailTripwireTriggered,
    ToolOutputGuardrailTripwireTriggered,
)

from .recorded_value import plain

_LONGEST_MESSAGE = 2000
"""Longer messages are cut: they tend to contain whole responses."""


@dataclass(frozen=True)
class RunFailure:
    """How a run ended by an error."""

    status: str
    """`blocked` by a guardrail, or `failed`."""
    error: dict[str, object]


def to_run_failure(error: BaseException) -> RunFailure:
    """Makes data of the error that ended a run: nothing of the run's state, and nothing that looks like a key."""
    for tripwire in (error, error.__cause__):
        blocked = _blocked(tripwire)
        if blocked is not None:
            return RunFailure("blocked", {**_describe(error if tripwire is None else tripwire), **blocked})
    return RunFailure("failed", _describe(error))


def _blocked(error: BaseException | None) -> dict[str, object] | None:
    if isinstance(error, InputGuardrailTripwireTriggered | OutputGuardrailTripwireTriggered):
        result = error.guardrail_result
        return _verdict(result.guardrail.get_name(), result.output.output_info)
    if isinstance(error, ToolInputGuardrailTripwireTriggered | ToolOutputGuardrailTripwireTriggered):
        return _verdict(error.guardrail.get_name(), error.output.output_info)
    return None


def _verdict(guardrail: str, output_info: object) -> dict[str, object]:
    return {"guardrail": guardrail, **({"outputInfo": plain(output_info)} if output_info is not None else {})}


def _describe(error: BaseException) -> dict[str, object]:
    # Names of classes differ between the languages, and are lost in bundles; codes are not.
    code = "max_turns_exceeded" if isinstance(error, MaxTurnsExceeded) else getattr(error, "code", None)
    return {
        "name": type(error).__name__,
        "message": without_secrets(str(error))[:_LONGEST_MESSAGE],
        **({"code": code} if isinstance(code, str) else {}),
    }


_SECRETS = (
    (
        r"(?i)\b(sk|tsk|fc|pk|rk|key|gsk|xai|hf|r8|pplx|nvapi|gh[a-z]|glpat|xox[a-z])[-_][\w*.-]{6,}",
        r"\1-[redacted]",
    ),
    (r"\b(AIza|AKIA|eyJ)[\w-]{6,}(?:\.[\w-]+)*", r"\1[redacted]"),
    (r"(?i)\b(Bearer|Basic)\s+[\w.~+/=-]+", r"\1 [redacted]"),
    (r"\b(\w+://[^\s:/@]*):[^\s@]{0,2000}@", r"\1:[redacted]@"),
    (
        r"(?i)((?:api|access|secret|private|auth|client)[ _-]?(?:key|token|secret)|password|passwd|authorization"
        r"|[?&](?:key|token|sig))([\"']?\s*(?:(?:provided|is)\s*)?[:=]\s*[\"']?)"
        r"(?!Bearer|Basic|[\w-]*\[redacted)[^\s\"',&[\]}]+",
        r"\1\2[redacted]",
    ),
)
"""What becomes of what looks like a secret, in this order; the same as in TypeScript. Messages quote what callers send,
at any length: no pattern may look through the same text again and again."""


def without_secrets(message: str) -> str:
    """A message without what looks like a secret: providers like to quote the key that they refuse."""
    for secret, instead in _SECRETS:
        message = re.sub(secret, instead, message)
    return message


def retry_after_seconds(error: BaseException | None) -> float | None:
    """How long a provider that limits requests said to wait; None when it did not say, or the error is another one."""
    for _ in range(5):
        if error is None:
            return None
        headers = getattr(getattr(error, "response", None), "headers", None)
        if getattr(error, "status_code", None) == 429 and isinstance(headers, Mapping):
            return _wait(headers)
        error = error.__cause__
    return None


def _wait(headers: Mapping[str, str]) -> float | None:
    milliseconds, after = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds is not None:
            return max(0.0, float(milliseconds) / 1000)
        return max(0.0, float(after)) if after is not None else None
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(after or "").timestamp() - time.time())
    except ValueError:
        return None
