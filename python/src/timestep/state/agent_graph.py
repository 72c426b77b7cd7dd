"""The agents that a run can reach, with the names of their tools: what a snapshot is bound to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agents import Agent
from agents.handoffs import Handoff

from ._json import At, JsonObject
from ._sdk import agent_tools, iterate_agents
from .run_state_errors import RunStateMalformedError


@dataclass(frozen=True)
class GraphAgent:
    """An agent, by names."""

    name: str
    tools: tuple[str, ...]
    handoffs: tuple[str, ...]
    """Names of the agents it may hand over to."""
    agent_tools: tuple[tuple[str, str], ...] = ()
    """Those of its tools that are agents, each with the agent's name."""


@dataclass(frozen=True)
class AgentGraph:
    """The agents that a run can reach: by handoff, and as tools."""

    root: str
    agents: tuple[GraphAgent, ...]

    def find(self, name: str) -> GraphAgent | None:
        """The agent of a name, if there is exactly one."""
        found = [agent for agent in self.agents if agent.name == name]
        return found[0] if len(found) == 1 else None

    def owners(self, tool: str) -> list[str]:
        """The names of the agents that have a tool."""
        return [agent.name for agent in self.agents if tool in agent.tools]

    def inside(self, owner: str, tool: str) -> AgentGraph | None:
        """What a run inside a tool can reach, if the tool is an agent."""
        agent = self.find(owner)
        root = dict(agent.agent_tools).get(tool) if agent is not None else None
        return self._reachable_from(root) if root is not None else None

    def _reachable_from(self, root: str) -> AgentGraph:
        reached: dict[str, None] = {}
        waiting = [root]
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            reached[name] = None
            for agent in self.agents:
                if agent.name == name:
                    waiting += [*agent.handoffs, *(target for _, target in agent.agent_tools)]
        return AgentGraph(root, tuple(agent for agent in self.agents if agent.name in reached))

    def to_json(self) -> JsonObject:
        """The graph as both languages store it."""
        return {
            "root": self.root,
            "agents": [
                {"name": agent.name, "tools": list(agent.tools), "handoffs": list(agent.handoffs)}
                for agent in self.agents
            ],
        }


def agent_graph(agent: Agent[Any]) -> AgentGraph:
    """The graph of an agent, in a fixed order: the agent first, then what is one step away, and so on."""
    return AgentGraph(
        root=agent.name,
        agents=tuple(
            GraphAgent(
                name=reached.name,
                tools=tuple(tool.name for tool in reached.tools),
                handoffs=tuple(_target(target) for target in reached.handoffs),
                agent_tools=tuple(agent_tools(reached)),
            )
            for reached in iterate_agents(agent)
        ),
    )


def missing_from(given: AgentGraph, needed: JsonObject) -> str | None:
    """What `needed` has and `given` has not: the first difference in words, or None.

    What was added does no harm to a run that was begun without it.

    Raises:
        RunStateMalformedError: `needed` is no graph.
    """
    try:
        wanted = _parse(needed)
    except (KeyError, TypeError, AttributeError):
        raise RunStateMalformedError(
            "The saved run could not be loaded: the agents that it belongs to are damaged"
        ) from None
    if given.root != wanted.root:
        return f'it starts with the agent "{wanted.root}", not "{given.root}"'
    for agent in wanted.agents:
        # Several may be called the same: the SDK tells them apart.
        lacking = [_lacks(found, agent) for found in given.agents if found.name == agent.name]
        if not lacking:
            return f'there is no agent "{agent.name}" here'
        if None not in lacking:
            return lacking[0]
    return None


def _lacks(given: GraphAgent, wanted: GraphAgent) -> str | None:
    for tool in wanted.tools:
        if tool not in given.tools:
            return f'the agent "{wanted.name}" has no tool "{tool}" here'
    for target in wanted.handoffs:
        if target not in given.handoffs:
            return f'the agent "{wanted.name}" has no handoff to "{target}" here'
    return None


def _parse(graph: JsonObject) -> AgentGraph:
    agents = graph["agents"]
    if not isinstance(agents, list):
        raise TypeError
    return AgentGraph(
        str(graph["root"]),
        tuple(GraphAgent(agent["name"], tuple(agent["tools"]), tuple(agent["handoffs"])) for agent in agents),
    )


def _target(target: Agent[Any] | Handoff[Any, Any]) -> str:
    return target.agent_name if isinstance(target, Handoff) else target.name


def require_agent(graph: AgentGraph, at: At, name: str) -> str:
    """The name of an agent that a state mentions, if the target has exactly one of that name.

    Raises:
        StateTranslationError: `agent_not_found`, `duplicate_agent`.
    """
    if graph.find(name) is not None:
        return name
    if any(agent.name == name for agent in graph.agents):
        at.fail("duplicate_agent", f"Several agents here are called {name!r}. Give each its own name")
    known = ", ".join(repr(agent.name) for agent in graph.agents)
    at.fail("agent_not_found", f"The run needs the agent {name!r}, but there are only {known} here")
