"""What of a paused run is kept as rows beside its snapshot: what it waits for, what it used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agents import Agent, RunState, ToolApprovalItem
from agents.models import get_default_model

from ._run_rows import Interruption, Usage
from ._sdk import decision_about


def interruptions_of(state: RunState[Any]) -> list[Interruption]:
    """The calls that a run waits for, with the decisions that were taken so far."""
    rows: list[Interruption] = []
    seen: Counter[str] = Counter()
    for item in state.get_interruptions():
        row = _interruption(state, item)
        seen[row.interruption_id] += 1
        count = seen[row.interruption_id]
        rows.append(row if count == 1 else replace(row, interruption_id=f"{row.interruption_id}#{count}"))
    return rows


def _interruption(state: RunState[Any], item: ToolApprovalItem) -> Interruption:
    raw = item.raw_item
    fields: Mapping[str, object] = raw if isinstance(raw, Mapping) else vars(raw)
    call_id = str(fields.get("call_id") or fields.get("id"))
    arguments = fields.get("arguments")
    kind = str(fields.get("type"))
    is_approved, message = decision_about(state, item)
    return Interruption(
        interruption_id=call_id,
        # The name that the TypeScript SDK has for it, so that a column has one vocabulary.
        kind="hosted_tool_call" if kind == "mcp_approval_request" else kind,
        agent_name=item.agent.name,
        tool_name=item.tool_name or str(fields.get("name")),
        call_id=call_id,
        arguments=arguments if isinstance(arguments, str) else None,
        status="pending" if is_approved is None else "approved" if is_approved else "rejected",
        message=message if is_approved is False else None,
    )


def usage_of(agent: Agent[Any], state: RunState[Any]) -> Usage:
    """The tokens used since the run's beginning."""
    context = state._context
    if context is None:
        raise ValueError("The run could not be saved: its state has no context. Give a state of the Agents SDK")
    used = context.usage
    return Usage(
        model=_model_name(agent),
        requests=used.requests,
        input_tokens=used.input_tokens,
        cached_input_tokens=used.input_tokens_details.cached_tokens or 0,
        output_tokens=used.output_tokens,
        reasoning_tokens=used.output_tokens_details.reasoning_tokens or 0,
        total_tokens=used.total_tokens,
    )


def _model_name(agent: Agent[Any]) -> str:
    model = agent.model
    if isinstance(model, str) and model:
        return model
    if not model:
        return get_default_model()
    named = getattr(model, "model", None)
    return named if isinstance(named, str) else type(model).__name__
