"""The error of a state that cannot be carried over from the other language."""

from __future__ import annotations

from typing import Literal, get_args

from ..errors import TimestepError

TranslationCode = Literal[
    "agent_not_found",
    "call_id_reused",
    "call_unaccounted",
    "duplicate_agent",
    "guardrail_tripped",
    "guardrails_unsettled",
    "handoff_pending",
    "history_filtered",
    "load_incomplete",
    "local_mcp_call",
    "lone_surrogate",
    "malformed_state",
    "not_interrupted",
    "response_unprocessed",
    "sandbox",
    "session_write_pending",
    "tool_not_found",
    "unknown_schema_version",
    "unsupported_approval",
    "unsupported_call",
    "unsupported_item",
]
"""Why a state cannot be carried over. The list is part of the interface: codes are added, never renamed."""

TRANSLATION_CODES: frozenset[str] = frozenset(get_args(TranslationCode))


class StateTranslationError(TimestepError):
    """A saved state cannot be carried over from the other language without changing its meaning.

    Nothing was changed or executed: the run can still be resumed in the language that saved it.
    """

    def __init__(self, code: TranslationCode, path: str, message: str) -> None:
        super().__init__(f"{message} (at {path or 'the top'}; {code})")
        self.code: TranslationCode = code
        self.path = path
        """Where in the saved state, as in `generatedItems[3].rawItem`."""
