"""What models and users have named, such that the database can hold it."""

from __future__ import annotations

import base64
import hashlib
import re

_PLAIN = re.compile(r'[ !"$-.0-~]{0,128}')
"""Ids that are part of keys as they are: short ones, and without what divides keys."""


def storable_id(name: str) -> str:
    """An id as it can be part of a key.

    Models give calls ids of any kind and length, which no index takes: what is not short and plain is replaced by its
    hash. The same in TypeScript.
    """
    if _PLAIN.fullmatch(name):
        return name
    digest = hashlib.sha256(storable_text(name).encode()).digest()
    return f"sha256_{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def storable_text(text: str) -> str:
    """A text as the database can hold it: NULs and halves of characters as JSON escapes them."""
    return re.sub("[\0\ud800-\udfff]", lambda odd: f"\\u{ord(odd.group()):04x}", text)
