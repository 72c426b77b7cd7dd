"""What of a paused run is kept as rows beside its snapshot: what it waits for, what it used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents import Agent, Handoff, ModelResponse, RunState, ToolApprovalItem
from agents.models import get_default_model
from agents.usage import Usage
from openai.types.responses import ResponseFunctionToolCall

from ._json import JsonObject
from ._sdk import decision_about
from .storable_id import storable_id, storable_text


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
    """What one model was used for; the counts are of tokens, but for `requests`."""

    model: str
    """The name that the agent has for it (`gpt-4.1`, `ollama/gpt-oss:20b`), under which its price is set."""
    requests: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    total_tokens: int = 0

    def plus(self, other: ModelUsage, sign: int = 1) -> ModelUsage:
        """The sum of both, under this one's name; the difference with `sign` -1."""
        return ModelUsage(
            model=self.model,
            requests=self.requests + sign * other.requests,
            input_tokens=self.input_tokens + sign * other.input_tokens,
            cached_input_tokens=self.cached_input_tokens + sign * other.cached_input_tokens,
            output_tokens=self.output_tokens + sign * other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + sign * other.reasoning_tokens,
            total_tokens=self.total_tokens + sign * other.total_tokens,
        )

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


def interruptions_of(state: RunState[Any], before: Sequence[NumberedCall] = ()) -> list[InterruptionFacts]:
    """The calls that a run waits for, with the decisions that were taken so far.

    Args:
        state: Where the run is.
        before: Calls that it waited for earlier: decided since, they are not in the state any more.
    """
    numbered = [*before, *number_calls(state)]
    return [_facts(state, name, item) for name, item in dict(numbered).items()]


NumberedCall = tuple[str, ToolApprovalItem]
"""A call that a run waits for, with the id that it is recorded by."""


def number_calls(state: RunState[Any]) -> list[NumberedCall]:
    """Gives the calls that a run waits for their ids: with the agent's name when it is used as a tool, since two may
    give calls the same id. To be kept, as the run may be another agent's when they are decided.
    """
    seen: Counter[str] = Counter()
    numbered: list[NumberedCall] = []
    own = state._current_agent
    for item in state.get_interruptions():
        call_id = storable_id(_call_id(item))
        is_own = own is None or item.agent.name == own.name
        name = call_id if is_own else f"{storable_text(item.agent.name)}:{call_id}"
        seen[name] += 1
        numbered.append((name if seen[name] == 1 else f"{name}#{seen[name]}", item))
    return numbered


def _facts(state: RunState[Any], name: str, item: ToolApprovalItem) -> InterruptionFacts:
    fields = _fields(item)
    kind, arguments = str(fields.get("type")), fields.get("arguments")
    decision = decision_about(state, item)
    status = "pending" if decision.is_approved is None else "approved" if decision.is_approved else "rejected"
    return InterruptionFacts(
        interruption_id=name,
        # The name that the TypeScript SDK has for it, so that a column has one vocabulary.
        kind="hosted_tool_call" if kind == "mcp_approval_request" else kind,
        agent_name=storable_text(item.agent.name),
        tool_name=storable_text(item.tool_name or str(fields.get("name"))),
        call_id=storable_id(_call_id(item)),
        arguments=storable_text(arguments) if isinstance(arguments, str) else None,
        status=status,
        always=decision.is_always,
        message=storable_text(decision.message) if decision.message is not None else None,
    )


def _fields(item: ToolApprovalItem) -> Mapping[str, object]:
    raw = item.raw_item
    return raw if isinstance(raw, Mapping) else vars(raw)


def _call_id(item: ToolApprovalItem) -> str:
    fields = _fields(item)
    return str(fields.get("call_id") or fields.get("id"))


def usage_of(agent: Agent[Any], usage: Usage, responses: Sequence[ModelResponse]) -> list[ModelUsage]:
    """The tokens that a run has used, model by model.

    What is used beside the run's own responses, by agents used as tools, counts for the model of the run's agent.

    Args:
        agent: The one that the run started with.
        usage: All that was used.
        responses: What the models of the run's agents answered, in order.
    """
    used: dict[str, ModelUsage] = {}

    def count(agent: Agent[Any], usage: ModelUsage, sign: int = 1) -> None:
        model = storable_text(_model_name(agent))
        used[model] = used.get(model, ModelUsage(model)).plus(usage, sign)

    count(agent, model_usage("", usage))
    asked = agent
    for response in responses:
        own = model_usage("", response.usage)
        count(agent, own, -1)
        count(asked, own)
        asked = _handed_over_to(asked, response) or asked
    return [row for row in used.values() if row.requests > 0 or row.total_tokens > 0]


def model_usage(model: str, usage: Usage) -> ModelUsage:
    """What the SDK has counted, as used by this model."""
    return ModelUsage(
        model=model,
        requests=usage.requests,
        input_tokens=usage.input_tokens,
        cached_input_tokens=usage.input_tokens_details.cached_tokens or 0,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.output_tokens_details.reasoning_tokens or 0,
        total_tokens=usage.total_tokens,
    )


def _handed_over_to(agent: Agent[Any], response: ModelResponse) -> Agent[Any] | None:
    """The agent to which a response hands over: of several calls that would, the SDK follows the first."""
    targets = dict(_handoff_target(entry) for entry in agent.handoffs)
    for item in response.output:
        name = item.name if isinstance(item, ResponseFunctionToolCall) else None
        if name in targets:
            return targets[name]
    return None


def _handoff_target(entry: Agent[Any] | Handoff[Any, Any]) -> tuple[str, Agent[Any] | None]:
    if isinstance(entry, Agent):
        return Handoff.default_tool_name(entry), entry
    target = entry._agent_ref() if entry._agent_ref is not None else None
    return entry.tool_name, target if isinstance(target, Agent) else None


def _model_name(agent: Agent[Any]) -> str:
    model = agent.model
    if isinstance(model, str) and model:
        return model
    if not model:
        return get_default_model()
    named = getattr(model, "model", None)
    return named if isinstance(named, str) else type(model).__name__
