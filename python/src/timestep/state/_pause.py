"""What a paused run must be for it to be carried over at all."""

from __future__ import annotations

from ._json import At

TYPESCRIPT_SCHEMA_VERSIONS = ("1.21", "1.22")
"""The versions of the TypeScript SDK's snapshots that are translated, of its releases 0.19 and 0.20: those that were
tested."""


_SESSION_FIELDS = (
    "currentTurnDeferredSessionItemIndexes",
    "currentTurnBlockedSessionStartIndex",
    "currentTurnExecutedWithSessionBinding",
    "pendingSessionHistoryTransaction",
    "pendingSessionWrite",
    "pendingLegacyCompactionSessionItems",
)
"""Fields that are there while a write to the session is unfinished."""


def check_version(root: At) -> None:
    """Refuses a snapshot of a version that was not tested.

    Raises:
        StateTranslationError: `unknown_schema_version`.
    """
    version = root.need("$schemaVersion")
    if version.value not in TYPESCRIPT_SCHEMA_VERSIONS:
        known = ", ".join(TYPESCRIPT_SCHEMA_VERSIONS)
        version.fail(
            "unknown_schema_version",
            f"The TypeScript SDK wrote schema version {version.value!r}; known here: {known}. "
            "Use versions of both SDKs that belong together",
        )


def refuse_what_is_not_a_pause(root: At, *, guardrails_settled: bool) -> None:
    """Refuses a run that is not paused for approvals with everything else settled.

    Raises:
        StateTranslationError: `not_interrupted`, `response_unprocessed`, `sandbox`, `session_write_pending`,
            `guardrails_unsettled`, `call_id_reused`.
    """
    step = root.get("currentStep")
    if step is None or step.need("type").value != "next_step_interruption":
        root.fail(
            "not_interrupted",
            "Only a run that waits for approvals can be carried over, and this one does not. "
            "Resume in the language that saved it",
        )
    step.need("data").object("interruptions")
    if root.get("lastProcessedResponse") is None:
        root.fail("response_unprocessed", "The last answer of the model was not processed yet")
    sandbox = root.get("sandbox")
    if sandbox is not None:
        sandbox.fail("sandbox", "The run has a sandbox, which belongs to the language that made it")
    for name in _SESSION_FIELDS:
        unfinished = root.get(name)
        if unfinished is not None:
            unfinished.fail(
                "session_write_pending",
                "The session has not been written to the end. Resume in the language that saved it",
            )
    compacted = root.get("currentTurnSessionWriteCompactedItemCount")
    if compacted is not None and compacted.value != root.need("currentTurnPersistedItemCount").value:
        compacted.fail("session_write_pending", "The session has not been compacted to the end")
    completed = root.get("initialInputGuardrailsCompleted")
    if not guardrails_settled or completed is None or not completed.flag():
        root.fail(
            "guardrails_unsettled",
            "It is not certain that the guardrails of the input had finished when the run was saved. "
            "Wait for the end of the run before saving it",
        )
    ambiguous = root.get("ambiguousToolInvocationCallIds")
    if ambiguous is not None and ambiguous.list():
        ambiguous.fail("call_id_reused", "Calls of tools cannot be told apart by their ids")
