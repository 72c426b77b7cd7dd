"""Rows of the journal, to be written and as they were recorded."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class RunOwner:
    """Who executes a run: what it writes counts only while the run's epoch is this one."""

    run_id: str
    segment: int
    epoch: int


@dataclass(frozen=True)
class JournalRow:
    """A step to be recorded."""

    key: str
    """Names the step within its run."""
    kind: str
    """`model`, `tool`, `guardrail`, `session`, `handoff` or `approval`."""
    status: str
    """`completed` or `failed`; `started` is written ahead of a call that must not be repeated."""
    name: str | None = None
    """The agent of a model call, the tool, the guardrail, ..."""
    fingerprint: str | None = None
    """Tells whether a step that is executed again is the same."""
    attempt: int = 1
    """Which try this was; only model calls that stream count them."""
    output: str | None = None
    """JSON text."""
    context_patch: str | None = None
    """JSON text."""

    def to_text(self, position: int | None) -> str:
        """The row as `timestep.write_journal()` takes it."""
        fields = {
            "key": self.key,
            "kind": self.kind,
            "status": self.status,
            "name": self.name,
            "fingerprint": self.fingerprint,
            "attempt": self.attempt,
            "position": position,
        }
        text = json.dumps({name: value for name, value in fields.items() if value is not None})[:-1]
        for name, packed in (("output", self.output), ("context_patch", self.context_patch)):
            if packed is not None:
                text += f', "{name}": {pack(packed)}'
        return text + "}"


@dataclass(frozen=True)
class RecordedStep:
    """A step that was recorded before: by this process or by the one that executed the run until now."""

    key: str
    kind: str
    status: str
    name: str | None
    fingerprint: str | None
    position: int | None
    output: object
    context_patch: object


_UNPACKABLE = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)
"""Escapes of NUL and of halves of characters; a few harmless texts look like them, too."""


def pack(text: str) -> str:
    """JSON text as `timestep.write_journal()` takes it: as it is, or in a text where it could not be unpacked."""
    return json.dumps(text) if text.startswith('"') or _UNPACKABLE.search(text) else text
