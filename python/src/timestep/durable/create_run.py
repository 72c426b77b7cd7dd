"""Recording runs, to be executed by any process."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents import Agent, FunctionTool, Handoff, Tool

from ..state._json import JsonObject
from ..state._json_text import json_text
from .errors import RunConflictError
from .mcp_server_name import shown_server_name

if TYPE_CHECKING:
    from ..database.database import Parameter, Transaction


@dataclass(frozen=True)
class NewRun:
    """A run to be recorded."""

    run_id: str
    agent: Agent[Any] | str
    """The agent that starts, or only its name."""
    given: str
    """The input as JSON text: a text, or protocol items."""
    session_id: str | None = None
    owner_id: str | None = None
    options: str = "{}"
    """JSON text: `stream`, `maxTurns`, `context`."""

    @property
    def agent_name(self) -> str:
        """The name of the agent that starts."""
        return self.agent if isinstance(self.agent, str) else self.agent.name


def run_parameters(run: NewRun) -> list[Parameter]:
    """A run as `timestep.start_run()` takes it, as its first eight parameters."""
    described = None if isinstance(run.agent, str) else agent_definition(run.agent)
    return [
        run.run_id,
        run.agent_name,
        described.fingerprint if described is not None else None,
        described.text if described is not None else None,
        run.session_id,
        run.owner_id,
        run.given,
        run.options,
    ]


async def assert_same_run(transaction: Transaction, run: NewRun) -> None:
    """Makes sure that a run that was known already is the same.

    Raises:
        RunConflictError: It has another agent, input, session or options.
    """
    rows = await transaction.query(
        """
        select agent_name = $2, input::text = $3, options::jsonb = $4::text::jsonb,
          session_id is not distinct from $5, owner_id is not distinct from $6
        from timestep.runs where run_id = $1
        """,
        [run.run_id, run.agent_name, run.given, run.options, run.session_id, run.owner_id],
    )
    names = ("agent", "input", "options", "session", "owner")
    different = [name for name, same in zip(names, rows[0], strict=True) if same is not True]
    if different:
        raise RunConflictError(
            f'Cannot create run "{run.run_id}": there is a run of this id with another {" and ".join(different)}. '
            "Use a new id for a new run"
        )


@dataclass(frozen=True)
class AgentDefinition:
    """What an agent, and every agent it can reach, was made of; and its identity."""

    fingerprint: str
    """SHA-256 of the text, in hexadecimal."""
    text: str
    """The agents by name, as JSON: instructions, models, tools with their schemas, handoffs, guardrails."""


def agent_definition(agent: Agent[Any]) -> AgentDefinition:
    """Describes an agent, so that a change of the code can be told from a run that was begun before it."""
    definition: dict[str, JsonObject] = {}
    waiting = [agent]
    seen: set[int] = set()
    while waiting:
        reached = waiting.pop(0)
        if id(reached) not in seen:
            seen.add(id(reached))
            definition[reached.name] = _describe(reached, waiting)
    text = json_text(definition)
    return AgentDefinition(hashlib.sha256(text.encode()).hexdigest(), text)


def first_difference(before: object, after: object, place: str = "") -> str | None:
    """Where two definitions first differ, such as `Assistant.tools[0].description`; None when they are the same."""
    pairs: dict[str, tuple[object, object]]
    if isinstance(before, dict) and isinstance(after, dict):
        pairs = {f"{place}.{key}" if place else key: (before.get(key), after.get(key)) for key in [*before, *after]}
    elif isinstance(before, list) and isinstance(after, list):
        longest = max(len(before), len(after))
        pairs = {
            f"{place}[{index}]": (dict(enumerate(before)).get(index), dict(enumerate(after)).get(index))
            for index in range(longest)
        }
    else:
        return None if before == after else place
    found = (first_difference(old, new, where) for where, (old, new) in pairs.items())
    return next((difference for difference in found if difference is not None), None)


def _describe(agent: Agent[Any], reached: list[Agent[Any]]) -> JsonObject:
    model = agent.model
    return {
        "instructions": _text_or_source(agent.instructions),
        "model": model if isinstance(model, str) or model is None else type(model).__name__,
        "outputType": None if agent.output_type is None else str(agent.output_type),
        "tools": [_describe_tool(tool, reached) for tool in agent.tools],
        "handoffs": [_describe_handoff(entry, reached) for entry in agent.handoffs],
        "mcpServers": [shown_server_name(server.name) for server in agent.mcp_servers],
        "inputGuardrails": [guardrail.get_name() for guardrail in agent.input_guardrails],
        "outputGuardrails": [guardrail.get_name() for guardrail in agent.output_guardrails],
    }


def _describe_tool(tool: Tool, reached: list[Agent[Any]]) -> JsonObject:
    if not isinstance(tool, FunctionTool):
        return {"type": type(tool).__name__, "name": tool.name}
    nested = tool._agent_instance
    if isinstance(nested, Agent):
        reached.append(nested)
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.params_json_schema,
        **({"agent": nested.name} if isinstance(nested, Agent) else {}),
    }


def _describe_handoff(entry: Agent[Any] | Handoff[Any, Any], reached: list[Agent[Any]]) -> JsonObject:
    if isinstance(entry, Agent):
        reached.append(entry)
        return {"agent": entry.name}
    target = entry._agent_ref() if entry._agent_ref is not None else None
    if isinstance(target, Agent):
        reached.append(target)
    return {
        "agent": entry.agent_name,
        "toolName": entry.tool_name,
        "description": entry.tool_description,
        "parameters": entry.input_json_schema,
    }


def _text_or_source(value: str | Callable[..., object] | None) -> str | None:
    """A text as it is; a function as its source, the best there is to tell one from another."""
    if value is None or isinstance(value, str):
        return value
    try:
        return inspect.getsource(value)
    except (OSError, TypeError):
        return getattr(value, "__qualname__", type(value).__name__)
