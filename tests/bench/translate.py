"""Prints what translating states of TypeScript costs, against the SDK's own reading of them.

`cd python && .venv/bin/python ../tests/bench/translate.py <bytes>`; part of `deno task bench translate`.
"""

import asyncio
import copy
import json
import statistics
import sys
import time

sys.path[:0] = [".", "src"]

from agents import RunState
from timestep.state.agent_graph import agent_graph
from timestep.state.translate import translate_state

from tests.crossing import load_vector
from tests.stage import Stage

ROUNDS = 5


def grown(state, size, output_bytes):
    """A paused run with a long history before the answer that is being processed."""
    call = next(item for item in state["generatedItems"] if item["type"] == "tool_call_item")
    output = next(item for item in state["generatedItems"] if item["type"] == "tool_call_output_item")
    items = []
    for index in range(size // (output_bytes + 500)):
        call_id = f"call_before_{index}"
        items.append({**call, "rawItem": {**call["rawItem"], "callId": call_id, "id": f"fc_before_{index}"}})
        text = "x" * output_bytes
        result = {**output["rawItem"], "callId": call_id, "output": {"type": "text", "text": text}}
        items.append({**output, "rawItem": result, "output": text})
    grown = copy.deepcopy(state)
    grown["generatedItems"] = items + grown["generatedItems"]
    response = {**grown["modelResponses"][0], "output": [item["rawItem"] for item in items[::2]]}
    grown["modelResponses"] = [response, *grown["modelResponses"]]
    return json.dumps(grown)


async def main(size):
    """Measures and prints."""
    vector = load_vector("parallel_call_already_completed")
    agent = Stage(vector["scenario"]).agent
    graph = agent_graph(agent)
    for output_bytes in (1_000, 10_000):
        text = grown(vector["pauses"][0]["state"], size, output_bytes)
        translated = json.dumps(translate_state(text, graph, guardrails_settled=True).state)
        ratios, times = [], []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            translate_state(text, graph, guardrails_settled=True)
            between = time.perf_counter()
            await RunState.from_string(agent, translated)
            ratios.append((between - began) / (time.perf_counter() - between))
            times.append((between - began) * 1000)
        ratio = statistics.median(ratios)
        print(
            f"Python: {len(text) / 1e6:.1f} MB that TypeScript saved, outputs of {output_bytes} bytes: "
            f"translate_state {statistics.median(times):.1f} ms, {ratio:.3f}x of RunState.from_string "
            f"(target <= 1: {'met' if ratio <= 1 else 'MISSED'})"
        )


asyncio.run(main(int(sys.argv[1])))
