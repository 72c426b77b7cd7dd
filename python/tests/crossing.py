"""Going on in Python with a run that TypeScript paused, and comparing it with one that never crossed."""

from __future__ import annotations

import json
from typing import Any

from agents import RunState

from timestep.state._protocol_items import from_protocol_item
from timestep.state.load import load_typescript_state

from .stage import VECTORS, Json, MemorySession, Stage, decide, usage_of


def typescript_vectors() -> list[str]:
    """The names of all vectors that TypeScript made."""
    return sorted(path.name.split(".")[0] for path in VECTORS.glob("*.typescript.json"))


def older_vectors() -> list[str]:
    """The names of the vectors that older SDKs made, of which there are the same of each language."""
    return [f"older/{path.name.split('.')[0]}" for path in sorted((VECTORS / "older").glob("*.typescript.json"))]


REFUSED: dict[str, str] = json.loads((VECTORS / "refused.json").read_text())
"""Scenarios that cannot cross, in either direction, and why. Every other one must."""

MATRIX: dict[tuple[str, int], str] = {}
"""How each pause of each scenario went on here: `passed`, `refused (code)` or `wrong`."""


def table() -> list[str]:
    """The matrix, to be printed."""
    counts = {word: sum(cell.startswith(word) for cell in MATRIX.values()) for word in ("passed", "refused", "wrong")}
    title = f"TypeScript -> Python: {', '.join(f'{count} {word}' for word, count in counts.items())}"
    return [title, *(f"  {f'{name}, pause {number + 1}':50} {cell}" for (name, number), cell in sorted(MATRIX.items()))]


def load_vector(name: str, language: str = "typescript") -> Json:
    """A vector."""
    vector: Json = json.loads((VECTORS / f"{name}.{language}.json").read_text())
    return vector


async def cross(vector: Json, number: int) -> Json:
    """Resumes the run at one of its pauses, and pauses from there on in Python; gives what can be compared."""
    scenario, pause = vector["scenario"], vector["pauses"][number]
    stage = Stage(scenario, pause["modelCalls"])
    loaded = await load_typescript_state(stage.agent, json.dumps(pause["state"]), guardrails_settled=True)
    session = MemorySession([from_protocol_item(item) for item in pause["session"]]) if "session" in pause else None
    decide(loaded.state, scenario["pauses"][number].get("after"))
    result = await stage.run(loaded.state, session)
    for later in scenario["pauses"][number + 1 :]:
        assert result.interruptions, "the run should pause once more"
        state = result.to_state()
        decide(state, later.get("before"))
        state = await RunState.from_string(stage.agent, state.to_string())
        decide(state, later.get("after"))
        result = await stage.run(state, session)
    return {
        "interruptions": len(result.interruptions),
        "finalOutput": result.final_output,
        "executed": [list(call) for call in stage.executed],
        "usage": usage_of(result.context_wrapper.usage),
        "requests": [normal_request(request) for request in stage.requests],
        "session": [_without_id(normal_item(item)) for item in await session.get_items()] if session else None,
    }


def uncrossed(vector: Json, number: int) -> Json:
    """The same of the run that never left TypeScript."""
    pause, trail = vector["pauses"][number], vector["trail"]
    session = vector.get("session")
    return {
        "interruptions": 0,
        "finalOutput": vector["finalOutput"],
        "executed": [_as_typescript_counts(call) for call in trail["executed"][pause["toolCalls"] :]],
        "usage": vector["usage"],
        "requests": [normal_request(request) for request in trail["requests"][pause["modelCalls"] :]],
        "session": (
            [_without_id(normal_item(from_protocol_item(item))) for item in session] if session is not None else None
        ),
    }


def normal_request(request: Json) -> Json:
    """A request, without what the SDKs word differently."""
    return {**request, "input": [normal_item(item) for item in request["input"]]}


def normal_item(item: Json) -> Json:
    """An item of a request, without what the SDKs word differently; see tests/vectors/README.md."""
    plain = {key: value for key, value in item.items() if value is not None}
    if plain.get("type") == "message" and plain.get("role") != "assistant":
        del plain["type"]
    if plain.get("type") == "function_call_output":
        plain.pop("status", None)
        if str(plain["output"]).startswith('{"assistant"'):
            plain["output"] = json.loads(plain["output"])
    return plain


def _without_id(item: Json) -> Json:
    """The TypeScript SDK keeps no ids of items in a session that the other one keeps."""
    return {key: value for key, value in item.items() if key != "id"}


def _as_typescript_counts(call: list[Any]) -> list[Any]:
    return call
