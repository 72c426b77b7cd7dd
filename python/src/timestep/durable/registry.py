"""The agents that this process can execute, by name."""

from __future__ import annotations

from typing import Any

from agents import Agent

from ..database.storable_name import assert_storable_name
from .errors import AgentNameConflictError

_agents: dict[str, Agent[Any]] = {}


def register_agent(agent: Agent[Any]) -> None:
    """Makes an agent known to this process, so that its durable runs can be executed and recovered here.

    Runs refer to agents by name. Its handoffs and its agents as tools are reached through it. Again with the
    same agent: nothing.

    Args:
        agent: The agent that runs start with.

    Raises:
        AgentNameConflictError: Another agent of the same name is registered.
        TypeError: It is no agent.
        ValueError: Its name can't be stored.
    """
    if not isinstance(agent, Agent):
        raise TypeError(f"Cannot register an agent: a {type(agent).__name__} is none. Pass an Agent")
    # Each look for work tells the database all names: one that it does not take would keep this process from any work.
    assert_storable_name("agent name", agent.name)
    known = _agents.setdefault(agent.name, agent)
    if known is not agent:
        raise AgentNameConflictError(
            f'Cannot register agent "{agent.name}": another agent of this name is registered, and runs find their '
            "agent by its name. Give one of them another name"
        )


def registered_agent(name: str) -> Agent[Any] | None:
    """The registered agent of this name, if there is one."""
    return _agents.get(name)


def registered_agent_names() -> list[str]:
    """The names of the agents that this process can execute."""
    return list(_agents)


def forget_agents() -> None:
    """Makes this process forget its agents; their runs wait then. For tests, and for code that is loaded anew."""
    _agents.clear()
