"""Names that the database can store and tell apart."""

from __future__ import annotations

import re

_MAX_BYTES = 1000
"""The bytes that a name may have in UTF-8: two of them fit into an entry of an index, which has at most 2,704."""


def assert_storable_name(what: str, name: object) -> None:
    """Refuses names that the database could not store or tell apart; the same ones as TypeScript.

    Args:
        what: Names the parameter in the error.
        name: The name.

    Raises:
        TypeError: It is no text.
        ValueError: It is empty, longer than 1,000 bytes in UTF-8, or has a NUL or half of a surrogate pair.
    """
    if not isinstance(name, str):
        raise TypeError(f"Cannot use the {what} {name!r}: it must be a text, not a {type(name).__name__}")
    if name.strip() == "" or re.search("[\0\ud800-\udfff]", name):
        raise ValueError(f"Cannot use the {what} {name!r}: it must not be empty, nor have a NUL or half of a character")
    size = len(name.encode())
    if size > _MAX_BYTES:
        raise ValueError(
            f"Cannot use the {what} {name[:20]!r}...: it has {size} bytes in UTF-8, and may have {_MAX_BYTES}. Use its "
            "hash"
        )
