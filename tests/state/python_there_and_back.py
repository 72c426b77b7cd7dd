"""Loads what TypeScript saved, takes the first decision, and saves it as the Python SDK does.

`cd python && .venv/bin/python ../tests/state/python_there_and_back.py <scenario>...` prints a JSON object: the new
state of each scenario's first pause, and the id that was decided about.
"""

import asyncio
import json
import sys

sys.path[:0] = [".", "src"]

from tests.crossing import load_vector
from tests.stage import Stage, decide
from timestep.state.load import load_typescript_state


async def main() -> None:
    saved = {}
    for name in sys.argv[1:]:
        vector = load_vector(name)
        pause = vector["pauses"][0]
        stage = Stage(vector["scenario"], pause["modelCalls"])
        loaded = await load_typescript_state(stage.agent, json.dumps(pause["state"]), guardrails_settled=True)
        first = dict(list((vector["scenario"]["pauses"][0].get("after") or {}).items())[:1])
        decide(loaded.state, first)
        saved[name] = {"state": loaded.state.to_string(), "decided": list(first)}
    print(json.dumps(saved))


asyncio.run(main())
