"""What of a paused run is kept as rows beside its snapshot: what it waits for, what it used."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents import Agent, RunState, ToolApprovalItem
from agents.models import get_default_model
from agents.usage import Usage

from ._json import JsonObject
from ._sdk import decision_about


@dataclass(frozen=True)
class InterruptionFacts:
    """A call that a paused run waits for, or on which somebody has decided."""

    interruption_id: str
    """The call's id, after the agent's name when the agent is used as a tool; names the interruption in its run."""
    kind: str
    """`function_call`, `hosted_tool_call` and so on: the type of the call's item in TypeScript."""
    agent_name: str
    tool_name: str
    call_id: str
    arguments: str | None
    """JSON text, as the model wrote it."""
    status: str
    """`pending`, `approved` or `rejected`."""
    always: bool
    """Whether the decision goes for every later call of the tool in the run."""
    message: str | None
    """What the model is told about a rejection."""

    def to_json(self) -> JsonObject:
        """The interruption as the functions of the schema take it."""
        return {
            "interruptionId": self.interruption_id,
            "kind": self.kind,
            "agentName": self.agent_name,
            "toolName": self.tool_name,
            "callId": self.call_id,
            "arguments": self.arguments,
            "status": self.status,
            "always": self.always,
            "message": self.message,
        }


@dataclass(frozen=True)
class ModelUsage:
    """Tokens used since a run's beginning."""

    model: str
    requests: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    total_tokens: int

    def to_json(self) -> JsonObject:
        """The usage as the functions of the schema take it."""
        return {
            "model": self.model,
            "requests": self.requests,
            "inputTokens": self.input_tokens,
            "cachedInputTokens": self.cached_input_tokens,
            "outputTokens": self.output_tokens,
            "reasoningTokens": self.reasoning_tokens,
            "totalTokens": self.total_tokens,
        }


def interruptions_of(state: RunState[Any], before: Sequence[ToolApprovalItem] = ()) -> list[InterruptionFacts]:
    """The calls that a run waits for, with the decisions that were taken so far.

    Args:
        state: Where the run is.
        before: Calls that it waited for earlier: decided since, they are not in the state any more.
    """
    numbered = [*_number(state, before), *_number(state, state.get_interruptions())]
    return [_facts(state, name, item) for name, item in dict(numbered).items()]


def _number(state: RunState[Any], items: Sequence[ToolApprovalItem]) -> list[tuple[str, ToolApprovalItem]]:
    """Gives calls their ids: with the agent's name when it is used as a tool, since two may give calls the same id."""
    seen: Counter[str] = Counter()
    numbered: list[tuple[str, ToolApprovalItem]] = []
    own = state._current_agent
    for item in items:
        call_id = _call_id(item)
        name = call_id if own is None or item.agent.name == own.name else f"{item.agent.name}:{call_id}"
        seen[name] += 1
        numbered.append((name if seen[name] == 1 else f"{name}#{seen[name]}", item))
    return numbered


def _facts(state: RunState[Any], name: str, item: ToolApprovalItem) -> InterruptionFacts:
    fields = _fields(item)
    kind, arguments = str(fields.get("type")), fields.get("arguments")
    decision = decision_about(state, item)
    status = "pending" if decision.is_approved is None else "approved" if decision.is_approved else "rejected"
    return InterruptionFacts(
        interruption_id=_storable(name),
        # The name that the TypeScript SDK has for it, so that a column has one vocabulary.
        kind="hosted_tool_call" if kind == "mcp_approval_request" else kind,
        agent_name=_storable(item.agent.name),
        tool_name=_storable(item.tool_name or str(fields.get("name"))),
        call_id=_storable(_call_id(item)),
        arguments=_storable(arguments) if isinstance(arguments, str) else None,
        status=status,
        always=decision.is_always,
        message=_storable(decision.message) if decision.message is not None else None,
    )


def _fields(item: ToolApprovalItem) -> Mapping[str, object]:
    raw = item.raw_item
    return raw if isinstance(raw, Mapping) else vars(raw)


def _call_id(item: ToolApprovalItem) -> str:
    fields = _fields(item)
    return str(fields.get("call_id") or fields.get("id"))


def usage_of(agent: Agent[Any], usage: Usage) -> ModelUsage:
    """The tokens that a run has used; the SDK does not say by which of several models."""
    return ModelUsage(
        model=_storable(_model_name(agent)),
        requests=usage.requests,
        input_tokens=usage.input_tokens,
        cached_input_tokens=usage.input_tokens_details.cached_tokens or 0,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.output_tokens_details.reasoning_tokens or 0,
        total_tokens=usage.total_tokens,
    )


def _model_name(agent: Agent[Any]) -> str:
    model = agent.model
    if isinstance(model, str) and model:
        return model
    if not model:
        return get_default_model()
    named = getattr(model, "model", None)
    return named if isinstance(named, str) else type(model).__name__


def _storable(text: str) -> str:
    """A text as the database can hold it: NULs and halves of characters as JSON escapes them."""
    return re.sub("[\0\ud800-\udfff]", lambda odd: f"\\u{ord(odd.group()):04x}", text)
