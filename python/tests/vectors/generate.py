"""Runs every scenario with the Python SDK and keeps what it wrote at each pause.

`python -m tests.vectors.generate [--check] [--older]`, in `python/`: writes `<scenario>.python.json` in the
repository's `tests/vectors`; with `--check` nothing is written and a difference is an error. With `--older`, and an
older SDK installed, it does so for those scenarios that are marked, in `older/`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from importlib.metadata import version
from typing import Any

from agents import RunState

from tests.stage import VECTORS, Json, MemorySession, Stage, decide, interruption_id, load_scenarios, usage_of


def input_of(scenario: Json) -> Any:
    """What the run starts from, in this SDK's form."""
    value = scenario["input"]
    return value["python"] if isinstance(value, dict) else value


async def python_vector(scenario: Json) -> Json:
    """Runs a scenario from its beginning to its end, saved and loaded at each pause."""
    stage = Stage(scenario)
    session = None
    if "session" in scenario:
        session = MemorySession([{"role": "user", "content": text} for text in scenario["session"]])
    pauses: list[Json] = []
    result = await stage.run(input_of(scenario), session)
    for pause in scenario["pauses"]:
        assert result.interruptions, f"{scenario['name']} does not pause"
        state = result.to_state()
        if not pauses and "pendingInput" in scenario:
            state.add_input(scenario["pendingInput"])
        decide(state, pause.get("before"))
        # The SDK draws cache keys at random, and a vector has to be the same each time it is made.
        saved = re.sub(r'"agents-sdk:run:[0-9a-f]+"', '"agents-sdk:run:0"', state.to_string())
        pauses.append(
            {
                "state": json.loads(saved),
                "guardrailsSettled": True,
                **({"session": await session.get_items()} if session else {}),
                "pending": [interruption_id(item) for item in state.get_interruptions()],
                "modelCalls": stage.model_calls,
                "toolCalls": len(stage.executed),
            }
        )
        loaded = await RunState.from_string(stage.agent, saved)
        decide(loaded, pause.get("after"))
        result = await stage.run(loaded, session)
    assert not result.interruptions, f"{scenario['name']} pauses once more"
    return {
        "scenario": scenario,
        "language": "python",
        "sdk": {"name": "openai-agents", "version": version("openai-agents")},
        "pauses": pauses,
        "trail": {"requests": stage.requests, "executed": stage.executed},
        "finalOutput": result.final_output,
        "usage": usage_of(result.context_wrapper.usage),
        **({"session": await session.get_items()} if session else {}),
    }


async def main(check: bool, older: bool) -> None:
    """Writes or compares all vectors."""
    for scenario in load_scenarios():
        if scenario.get("only") == "typescript" or (older and "older" not in scenario):
            continue
        text = json.dumps(await python_vector(scenario), ensure_ascii=False, separators=(",", ":")) + "\n"
        file = VECTORS / ("older" if older else "") / f"{scenario['name']}.python.json"
        if not check:
            file.write_text(text)
        elif file.read_text() != text:
            raise SystemExit(f"{file} is not what the SDK writes")
        print("same " if check else "wrote", scenario["name"])


if __name__ == "__main__":
    asyncio.run(main("--check" in sys.argv, "--older" in sys.argv))
