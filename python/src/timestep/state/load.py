"""Handing a saved state to the SDK, and seeing to it that the SDK took all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from agents import Agent, RunState

from ._json import JsonObject
from ._losses import TranslationLoss
from .agent_graph import agent_graph
from .run_state_errors import RunStateMalformedError
from .translate import translate_state
from .translation_error import StateTranslationError


@dataclass(frozen=True)
class LoadedState:
    """A state that can be resumed."""

    state: RunState[Any]
    losses: tuple[TranslationLoss, ...] = ()
    """What of it was left out without harm, when it came from the other language."""


async def load_typescript_state(agent: Agent[Any], text: str, *, guardrails_settled: bool) -> LoadedState:
    """Loads what the TypeScript SDK wrote.

    Raises:
        StateTranslationError: What the run needs cannot be carried over; nothing was changed or executed.
    """
    translation = translate_state(text, agent_graph(agent), guardrails_settled=guardrails_settled)
    return LoadedState(await _load(agent, translation.state), translation.losses)


async def load_python_state(agent: Agent[Any], text: str) -> RunState[Any]:
    """Loads what this SDK wrote.

    Raises:
        RunStateMalformedError: The SDK does not take it.
    """
    try:
        return await RunState.from_string(agent, text)
    except Exception as error:
        raise RunStateMalformedError(f"The saved run could not be loaded: {error}") from error


async def _load(agent: Agent[Any], translated: JsonObject) -> RunState[Any]:
    try:
        state: RunState[Any] = await RunState.from_json(agent, translated)
    except Exception as error:
        raise StateTranslationError(
            "load_incomplete", "", f"The Agents SDK refused the translated state: {error}"
        ) from error
    _check(translated, state.to_json(), "")
    return state


_COUNTED = (
    ("generated_items", ()),
    ("session_items", ()),
    ("model_responses", ()),
    ("current_step", ("data", "interruptions")),
    ("last_processed_response", ("functions",)),
    ("last_processed_response", ("new_items",)),
    ("last_processed_response", ("mcp_approval_requests",)),
    ("last_processed_response", ("interruptions",)),
)


def _check(given: JsonObject, loaded: JsonObject, where: str) -> None:
    """The SDK skips what it cannot read, with a line in the log: a finished tool would run once more.

    Raises:
        StateTranslationError: `load_incomplete`.
    """
    for key, rest in _COUNTED:
        path = ".".join((key, *rest))
        wanted, found = _length(given, key, rest), _length(loaded, key, rest)
        if wanted != found:
            _fail(where + path, f"{wanted} entries were given and {found} taken")
    ledger, taken = _ledger(given), _ledger(loaded)
    if any(taken.get(call_id) != record for call_id, record in ledger.items()):
        _fail(f"{where}context.tool_invocations", "a finished call does not count as finished")
    for index, (ours, theirs) in enumerate(zip(_functions(given), _functions(loaded), strict=True)):
        nested, taken_nested = ours.get("agent_run_state"), theirs.get("agent_run_state")
        if isinstance(nested, dict):
            place = f"{where}last_processed_response.functions[{index}].agent_run_state"
            if not isinstance(taken_nested, dict):
                _fail(place, "the nested run was not taken")
            _check(nested, taken_nested, f"{place}.")


def _fail(path: str, what: str) -> NoReturn:
    raise StateTranslationError(
        "load_incomplete",
        path,
        f"The Agents SDK did not take the whole state: {what}. Resume in the language that saved it",
    )


def _length(state: JsonObject, key: str, rest: tuple[str, ...]) -> int:
    value = state.get(key)
    for part in rest:
        value = value.get(part) if isinstance(value, dict) else None
    return len(value) if isinstance(value, list) else 0


def _ledger(state: JsonObject) -> JsonObject:
    context = state["context"]
    ledger = context.get("tool_invocations") if isinstance(context, dict) else None
    return ledger if isinstance(ledger, dict) else {}


def _functions(state: JsonObject) -> list[JsonObject]:
    response = state.get("last_processed_response")
    functions = response.get("functions") if isinstance(response, dict) else None
    return functions if isinstance(functions, list) else []
