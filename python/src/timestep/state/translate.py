"""Translation of a paused run that the TypeScript SDK saved, into what the Python SDK would have saved."""

from __future__ import annotations

from dataclasses import dataclass

from ._approvals import to_python_approvals
from ._calls import Calls, account
from ._guardrails import to_python_guardrail_results
from ._history import approvals_behind, call_ids, generated_items, ownership_of
from ._json import At, JsonObject, parse
from ._losses import Losses, TranslationLoss
from ._pause import check_version, refuse_what_is_not_a_pause
from ._raw_items import to_python_item
from ._response import Response, to_python_response
from ._run_items import agent_name, to_python_approval
from ._sdk import CURRENT_SCHEMA_VERSION
from ._usage import to_python_usage
from .agent_graph import AgentGraph, require_agent


@dataclass(frozen=True)
class Translation:
    """A translated state."""

    state: JsonObject
    """What the Python SDK reads."""
    losses: tuple[TranslationLoss, ...]
    """What was left out without harm."""


def translate_state(text: str, graph: AgentGraph, *, guardrails_settled: bool) -> Translation:
    """Translates a paused run of the TypeScript SDK for the agents here.

    Nothing is changed or executed.

    Args:
        text: What the SDK wrote.
        graph: The agents that will go on with the run.
        guardrails_settled: Whether the guardrails of the run's input had finished when it was saved.

    Raises:
        StateTranslationError: What the run needs cannot be carried over; its `code` says what.
    """
    root = parse(text)
    losses = Losses()
    state = _translate(root, graph, losses, guardrails_settled, [])
    return Translation(state, tuple(losses.found))


_FIELDS = (
    "$schemaVersion",
    "currentTurn",
    "currentAgent",
    "originalInput",
    "pendingInput",
    "modelResponses",
    "context",
    "toolUseTracker",
    "maxTurns",
    "currentAgentSpan",
    "noActiveAgentRun",
    "inputGuardrailResults",
    "initialInputGuardrailsCompleted",
    "outputGuardrailResults",
    "toolInputGuardrailResults",
    "toolOutputGuardrailResults",
    "currentTurnInProgress",
    "currentStep",
    "lastModelResponse",
    "generatedItems",
    "currentResponseGeneratedItemOwnership",
    "pendingAgentToolRuns",
    "pendingAgentToolRunAliases",
    "lastProcessedResponse",
    "currentTurnPersistedItemCount",
    "currentTurnSessionInputItems",
    "completedToolInvocations",
    "completedToolInvocationEvidence",
    "ambiguousToolInvocationCallIds",
    "conversationId",
    "previousResponseId",
    "reasoningItemIdPolicy",
    "trace",
    "sandbox",
    "currentTurnSessionWriteCompactedItemCount",
    "currentTurnDeferredSessionItemIndexes",
    "currentTurnBlockedSessionStartIndex",
    "currentTurnExecutedWithSessionBinding",
    "pendingSessionHistoryTransaction",
    "pendingSessionWrite",
    "pendingLegacyCompactionSessionItems",
)


def _translate(root: At, graph: AgentGraph, losses: Losses, guardrails_settled: bool, around: list[At]) -> JsonObject:
    """Translates a run; `around` has the contexts of the runs around it, the outermost first."""
    check_version(root)
    root.object(*_FIELDS)
    refuse_what_is_not_a_pause(root, guardrails_settled=guardrails_settled)
    current_agent = require_agent(graph, root.need("currentAgent"), agent_name(root.need("currentAgent")))
    interruptions = [
        to_python_approval(item) for item in root.need("currentStep").need("data").need("interruptions").list()
    ]
    contexts = [*around, root.need("context")]
    response = to_python_response(
        root,
        graph,
        current_agent,
        lambda nested, inside: _translate(nested, inside, losses, guardrails_settled, contexts),
    )
    items = approvals_behind(response.new_items, generated_items(root, graph, interruptions), interruptions)
    calls = account([(at, item) for _, at, item in items], response.pending | call_ids(interruptions))
    generated = [item for _, _, item in items]
    positions = [position for position, _, _ in items]
    ownership = ownership_of(root, response, generated, interruptions)
    conversation = {
        "conversation_id": _optional_text(root, "conversationId"),
        "previous_response_id": _optional_text(root, "previousResponseId"),
    }
    responses = [_model_response(answer, losses) for answer in root.need("modelResponses").list()]
    return {
        "$schemaVersion": CURRENT_SCHEMA_VERSION,
        "current_turn": root.need("currentTurn").count(),
        "current_agent": {"name": current_agent},
        "original_input": _input(root.need("originalInput")),
        "pending_input": _items(root.get("pendingInput")),
        "model_responses": responses,
        "context": _context(contexts, graph, calls, losses),
        "tool_use_tracker": _tool_use(root),
        "max_turns": _max_turns(root),
        "no_active_agent_run": True,
        **to_python_guardrail_results(root),
        **conversation,
        "auto_previous_response_id": False,
        "generated_prompt_cache_key": None,
        "reasoning_item_id_policy": _optional_text(root, "reasoningItemIdPolicy"),
        "nested_history_owned_session_item_refs": [],
        "generated_session_item_indexes": list(range(len(generated))),
        **({"current_response_generated_item_ownership": ownership} if ownership is not None else {}),
        "generated_items": generated,
        "session_items": generated,
        "current_step": {
            "type": "next_step_interruption",
            "data": {
                "interruptions": interruptions,
                "response_accepted": False,
                "llm_end_hooks_started": True,
            },
        },
        "last_model_response": responses[-1] if responses else None,
        "last_processed_response": {**response.processed, "interruptions": interruptions},
        "current_turn_persisted_item_count": _persisted(root, positions, response, generated),
        "trace": _trace(root, losses),
    }


def _persisted(root: At, positions: list[int], response: Response, generated: list[JsonObject]) -> int:
    """How many items of the current answer the session holds; the TypeScript SDK counts from the beginning."""
    count = root.get("currentTurnPersistedItemCount")
    if count is None or count.count() == 0:
        return 0
    saved = [
        index
        for index, position in enumerate(positions)
        if position < count.count() and generated[index]["type"] != "tool_approval_item"
    ]
    before = [index for index in range(response.start) if generated[index]["type"] != "tool_approval_item"]
    if not set(before) <= set(saved):
        count.fail("session_write_pending", "The session does not hold all that the run had done before")
    return len([index for index in saved if index >= response.start])


def _input(value: At) -> object:
    return value.value if isinstance(value.value, str) else _items(value)


def _items(value: At | None) -> list[JsonObject]:
    return [to_python_item(item) for item in value.list()] if value is not None else []


def _model_response(response: At, losses: Losses) -> JsonObject:
    response.object("usage", "output", "responseId", "requestId", "providerData")
    if response.get("providerData") is not None:
        losses.add(response, "providerData", "the provider's own copy of an answer")
    return {
        "usage": to_python_usage(response.need("usage"), losses),
        "output": [to_python_item(item) for item in response.need("output").list()],
        "response_id": _optional_text(response, "responseId"),
        "request_id": _optional_text(response, "requestId"),
    }


def _context(contexts: list[At], graph: AgentGraph, calls: Calls, losses: Losses) -> JsonObject:
    context = contexts[-1]
    context.object(
        "usage",
        "approvals",
        "hostedMcpApprovals",
        "functionApprovals",
        "legacyFunctionApprovals",
        "approvalInvocations",
        "context",
        "toolInput",
    )
    tool_input = context.get("toolInput")
    return {
        "usage": to_python_usage(context.need("usage"), losses),
        **to_python_approvals(contexts, graph),
        "tool_invocations": calls.ledger(),
        "context": context.need("context").object(),
        "context_meta": {
            "original_type": "mapping",
            "serialized_via": "mapping",
            "requires_deserializer": False,
            "omitted": False,
        },
        **({"tool_input": tool_input.value} if tool_input is not None else {}),
    }


def _tool_use(root: At) -> JsonObject:
    return {agent: [tool.text() for tool in tools.list()] for agent, tools in root.need("toolUseTracker").entries()}


def _max_turns(root: At) -> int | None:
    max_turns = root.get("maxTurns")
    return max_turns.count() if max_turns is not None else None


def _trace(root: At, losses: Losses) -> JsonObject | None:
    if root.get("currentAgentSpan") is not None:
        losses.add(root, "currentAgentSpan", "the open span of the trace")
    trace = root.get("trace")
    if trace is None:
        return None
    trace.object("object", "id", "workflow_name", "group_id", "metadata", "tracing_api_key")
    trace_id = trace.need("id").text()
    if trace_id == "no-op":
        return None
    return {
        "object": "trace",
        "id": trace_id,
        "workflow_name": trace.need("workflow_name").text(),
        "group_id": _optional_text(trace, "group_id"),
        "metadata": trace.object().get("metadata"),
    }


def _optional_text(at: At, key: str) -> str | None:
    found = at.get(key)
    return found.text() if found is not None else None
