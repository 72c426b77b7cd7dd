"""Plays Python's part of conversations that cross, one request a line: see `_python_peer.ts`.

`cd python && .venv/bin/python ../tests/state/python_peer.py`
"""

import asyncio
import json
import sys
from typing import Any

sys.path[:0] = [".", "src"]

from agents import RunState
from timestep import StateTranslationError
from timestep.state._protocol_items import from_protocol_item
from timestep.state.load import load_typescript_state

from tests.stage import MemorySession, Stage, decide, usage_of
from tests.vectors.generate import input_of


async def begin(request: Any) -> Any:
    """Runs a conversation to its first pause, and what would have come without crossing."""
    stage, session = Stage(request["scenario"]), session_of(request)
    result = await run(stage, input_of(request["scenario"]), session)
    if not result.interruptions:
        return {"unrunnable": "it does not pause"}
    state = result.to_state()
    decide(state, request["before"])
    text = state.to_string()
    began = {"state": text, "modelCalls": stage.model_calls, "session": session.items.copy() if session else None}
    stage.requests.clear()
    stage.executed.clear()
    state = await RunState.from_string(stage.agent, text)
    return {**began, "rest": await rest(stage, state, session, request["decisions"])}


async def resume(request: Any) -> Any:
    """Goes on with what TypeScript saved, to the end."""
    stage = Stage(request["scenario"], request["modelCalls"])
    loaded = await load_typescript_state(stage.agent, request["state"], guardrails_settled=True)
    items = request.get("session")
    session = MemorySession([from_protocol_item(item) for item in items]) if items is not None else None
    return {"rest": await rest(stage, loaded.state, session, request["decisions"])}


async def keep(request: Any) -> Any:
    """Loads what TypeScript saved and saves it as the Python SDK does."""
    stage = Stage(request["scenario"], request["modelCalls"])
    loaded = await load_typescript_state(stage.agent, request["state"], guardrails_settled=True)
    return {"state": loaded.state.to_string()}


class Unrunnable(Exception):
    """The conversation holds half of a character: Python can neither send nor receive that."""


async def run(stage: Stage, start: Any, session: Any) -> Any:
    """Runs to the next pause or the end."""
    try:
        return await stage.run(start, session)
    except UnicodeEncodeError as error:
        raise Unrunnable(repr(error)) from error


async def rest(stage: Stage, state: Any, session: Any, decisions: Any) -> Any:
    """What happens from a pause on."""
    for _ in range(9):
        decide(state, decisions)
        result = await run(stage, state, session)
        if not result.interruptions:
            break
        state = result.to_state()
    assert not result.interruptions, f"it waits on and on: {result.interruptions}"
    return {
        "finalOutput": result.final_output,
        "executed": [name for name, _ in stage.executed],
        "requests": stage.requests,
        "usage": usage_of(result.context_wrapper.usage),
        "session": session.items if session else None,
    }


def session_of(request: Any) -> Any:
    """The session of a conversation that begins."""
    texts = request["scenario"].get("session")
    return MemorySession([{"role": "user", "content": text} for text in texts]) if texts is not None else None


async def main() -> None:
    """Answers line by line."""
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = await {"begin": begin, "resume": resume, "keep": keep}[request["task"]](request)
        except StateTranslationError as error:
            answer = {"refused": error.code, "path": error.path}
        except Unrunnable as error:
            answer = {"unrunnable": str(error)}
        except Exception as error:
            import traceback

            answer = {"error": "".join(traceback.format_exception(error))}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
