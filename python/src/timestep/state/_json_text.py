"""Writing JSON such that every reader takes it: the database, and the other language."""

from __future__ import annotations

import json
import re
from typing import Any

_TOKEN = re.compile(r'"(?:[^"\\]+|\\.)*"|NaN|-?Infinity')
"""Texts, so that nothing inside of them is taken for a number; and what Python writes although JSON has no such."""

_NUMBERS = {"Infinity": "1e999", "-Infinity": "-1e999", "NaN": "null"}
"""Too large for a float: read back, in either language, it is infinite again. For NaN there is none."""


def json_text(value: object, **options: Any) -> str:  # noqa: ANN401 -- those of json.dumps()
    """A value as JSON text.

    Infinite numbers, such as the logarithm of a probability of 0, come back as they were. NaN becomes null, as in
    TypeScript.

    Args:
        value: What `json.dumps()` takes.
        options: Those of `json.dumps()`.
    """
    return strict_json(json.dumps(value, **options))


def strict_json(text: str) -> str:
    """What Python's own writers of JSON have written, as `json_text()` gives it."""
    if "Infinity" not in text and "NaN" not in text:
        return text
    return _TOKEN.sub(lambda token: _NUMBERS.get(token[0], token[0]), text)


def has_nan(text: str) -> bool:
    """Whether what Python's own writers of JSON have written holds NaN."""
    return "NaN" in text and any(token[0] == "NaN" for token in _TOKEN.finditer(text))
