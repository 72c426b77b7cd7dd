"""What a saved run says about itself, besides the SDK's own JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from agents import Agent, RunState

from ._json import JsonObject
from ._json_text import has_nan, strict_json
from ._losses import TranslationLoss
from ._sdk import CURRENT_SCHEMA_VERSION
from .agent_graph import agent_graph, missing_from
from .load import load_python_state, load_typescript_state
from .run_state_errors import RunStateGraphError, RunStateMalformedError


@dataclass(frozen=True)
class Envelope:
    """A snapshot of a paused run. Both languages store these names."""

    language: str
    """`python` or `typescript`."""
    sdk_name: str
    sdk_version: str
    schema_version: str
    agent_graph: JsonObject
    guardrails_settled: bool
    """Whether the guardrails of the run's input had finished."""
    state: str
    """What the SDK wrote, untouched."""

    def description(self) -> JsonObject:
        """The envelope without the state."""
        return {key: value for key, value in asdict(self).items() if key != "state"}


def seal(agent: Agent[Any], state: RunState[Any]) -> Envelope:
    """Puts the state of a run into an envelope.

    Args:
        agent: The agent that the run started with.
        state: Where the run is.

    Raises:
        ValueError: It holds NaN: the SDK would not take what JSON can hold instead.
    """
    # Only ASCII: halves of characters and NULs stay escaped, which the database takes.
    text = json.dumps(state.to_json(), separators=(",", ":"))
    if has_nan(text):
        raise ValueError("The run could not be saved: its state holds NaN, which JSON has no form for")
    return Envelope(
        language="python",
        sdk_name="openai-agents",
        sdk_version=version("openai-agents"),
        schema_version=CURRENT_SCHEMA_VERSION,
        agent_graph=agent_graph(agent).to_json(),
        guardrails_settled=_are_guardrails_settled(agent, state),
        state=strict_json(text),
    )


def _are_guardrails_settled(agent: Agent[Any], state: RunState[Any]) -> bool:
    """Each guardrail of the input leaves a result when it has finished; a stream can be polled before."""
    return len(state._input_guardrail_results) >= len(agent.input_guardrails)


@dataclass(frozen=True)
class Opened:
    """A state that was taken out of its envelope."""

    state: RunState[Any]
    losses: tuple[TranslationLoss, ...]
    """What of it was left out without harm, when it came from the other language."""


async def unseal(agent: Agent[Any], envelope: Envelope) -> Opened:
    """Takes a state out of its envelope: as it is, or translated when the other language saved it.

    Raises:
        RunStateGraphError: It belongs to other agents.
        RunStateMalformedError: It is damaged.
        StateTranslationError: It cannot be carried over from the other language.
    """
    missing = missing_from(agent_graph(agent), envelope.agent_graph)
    if missing is not None:
        raise RunStateGraphError(
            f"The saved run could not be loaded: {missing}. Load it with the agents that it was saved with"
        )
    if envelope.language == "typescript":
        loaded = await load_typescript_state(agent, envelope.state, guardrails_settled=envelope.guardrails_settled)
        return Opened(loaded.state, loaded.losses)
    if envelope.language != "python":
        raise RunStateMalformedError(
            f"The saved run could not be loaded: its language is {envelope.language!r}, "
            "known are 'python' and 'typescript'"
        )
    return Opened(await load_python_state(agent, envelope.state), ())
