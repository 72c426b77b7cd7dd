"""What a model is asked: on replay it has to be the same again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from ..state._json_text import json_text


@dataclass(frozen=True)
class ModelRequest:
    """What a model is asked, as far as it matters here."""

    items: Sequence[object]
    offered: set[str]
    """The names of the tools and handoffs that it may call."""

    def not_offered(self, output: Sequence[Mapping[str, object]]) -> list[str]:
        """The functions that an answer calls although it was not offered them: models invent some.

        On replay, what was not invented then and is not offered now tells that a tool or a handoff is gone.
        """
        called = [str(item["name"]) for item in output if item.get("type") == "function_call"]
        return [name for name in called if name not in self.offered]

    def fingerprint(self, sent_items: int) -> str:
        """Tells whether the same is asked: how many items are new in this request, and their hash.

        What was sent before is part of an earlier call's fingerprint, so that a run costs no more than its length.

        Args:
            sent_items: How many items of the last request were already part of a fingerprint.
        """
        added = self.items[sent_items:] if len(self.items) >= sent_items else self.items
        text = json_text(added, sort_keys=True, default=_plain_default)
        return f"{len(added)}:{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _plain_default(value: object) -> object:
    return value.model_dump(mode="json", exclude_unset=True) if isinstance(value, BaseModel) else str(value)
