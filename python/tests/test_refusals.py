"""What cannot be carried over is refused with a code, a place and what to do, before anything happens."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from agents import HostedMCPTool

from timestep import StateTranslationError
from timestep.state.agent_graph import agent_graph
from timestep.state.load import load_typescript_state
from timestep.state.translation_error import TRANSLATION_CODES

from .crossing import load_vector
from .stage import Json, Stage

Change = Callable[[Json], Any]


def put(*path: Any) -> Change:
    """Puts the last of these where the others lead."""
    *way, key, value = path

    def change(state: Json) -> None:
        target: Any = state
        for step in way:
            target = target[step]
        target[key] = value

    return change


def drop(*path: Any) -> Change:
    """Removes what is there."""
    *way, key = path

    def change(state: Json) -> None:
        target: Any = state
        for step in way:
            target = target[step]
        del target[key]

    return change


SHELL = {
    "type": "tool_call_item",
    "agent": {"name": "Weather Assistant"},
    "rawItem": {"type": "shell_call", "callId": "s", "action": {"commands": ["ls"]}},
}
TRIPPED = {"guardrail": {"type": "input", "name": "g"}, "output": {"tripwireTriggered": True, "outputInfo": None}}

CASES: list[tuple[str, str, Change, str]] = [
    ("unknown_schema_version", "approve", put("$schemaVersion", "1.99"), "$schemaVersion"),
    ("unknown_schema_version", "approve", put("$schemaVersion", None), "$schemaVersion"),
    ("not_interrupted", "approve", put("currentStep", {"type": "next_step_final_output", "output": "x"}), ""),
    ("not_interrupted", "approve", drop("currentStep"), ""),
    ("response_unprocessed", "approve", drop("lastProcessedResponse"), ""),
    ("sandbox", "approve", put("sandbox", {"backendId": "docker"}), "sandbox"),
    ("session_write_pending", "with_session", put("pendingSessionWrite", {"phase": "x"}), "pendingSessionWrite"),
    (
        "session_write_pending",
        "with_session",
        put("currentTurnSessionWriteCompactedItemCount", 1),
        "currentTurnSessionWriteCompactedItemCount",
    ),
    ("session_write_pending", "with_session_paused_twice", put("currentTurnPersistedItemCount", 1), "currentTurn"),
    ("guardrails_unsettled", "approve", drop("initialInputGuardrailsCompleted"), ""),
    ("guardrails_unsettled", "approve", put("initialInputGuardrailsCompleted", False), ""),
    ("guardrail_tripped", "approve", put("inputGuardrailResults", [TRIPPED]), "inputGuardrailResults[0]"),
    (
        "guardrail_tripped",
        "tool_and_agent_guardrails",
        put("toolInputGuardrailResults", 0, "output", "behavior", {"type": "throwException"}),
        "toolInputGuardrailResults[0]",
    ),
    ("duplicate_agent", "approve", put("currentAgent", "identity", "Weather Assistant#2"), "currentAgent"),
    ("agent_not_found", "approve", put("currentAgent", "name", "Nobody"), "currentAgent"),
    ("agent_not_found", "approve", put("generatedItems", 0, "agent", "name", "Nobody"), "generatedItems[0]"),
    (
        "tool_not_found",
        "approve",
        put("lastProcessedResponse", "functions", 0, "tool", "name", "other"),
        "lastProcessedResponse.functions[0]",
    ),
    (
        "tool_not_found",
        "approve",
        put("lastProcessedResponse", "functionToolsNotFound", [{"toolCall": {}, "toolName": "x"}]),
        "lastProcessedResponse.functionToolsNotFound",
    ),
    (
        "local_mcp_call",
        "approve",
        put("lastProcessedResponse", "functions", 0, "mcpToolBinding", {"serverName": "s", "toolName": "t"}),
        "lastProcessedResponse.functions[0]",
    ),
    (
        "local_mcp_call",
        "approve",
        put("lastProcessedResponse", "functions", 0, "mcpToolBinding", "unknown"),
        "lastProcessedResponse.functions[0]",
    ),
    (
        "handoff_pending",
        "approve",
        put("lastProcessedResponse", "handoffs", [{"toolCall": {}, "handoff": {}}]),
        "lastProcessedResponse.handoffs",
    ),
    (
        "unsupported_call",
        "approve",
        put("lastProcessedResponse", "shellActions", [{}]),
        "lastProcessedResponse.shellActions",
    ),
    (
        "unsupported_call",
        "approve",
        put("currentStep", "data", "interruptions", 0, "rawItem", {"type": "apply_patch_call", "callId": "p"}),
        "currentStep.data.interruptions[0]",
    ),
    ("unsupported_item", "approve", lambda state: state["generatedItems"].insert(0, SHELL), "generatedItems[0]"),
    (
        "unsupported_item",
        "approve",
        lambda state: state["generatedItems"].insert(0, {"type": "tool_search_call_item"}),
        "generatedItems[0]",
    ),
    (
        "unsupported_item",
        "approve",
        put("originalInput", [{"type": "program", "callId": "c", "code": "", "fingerprint": ""}]),
        "originalInput[0]",
    ),
    ("call_unaccounted", "parallel_call_already_completed", drop("generatedItems", 2), "generatedItems[0]"),
    (
        "call_id_reused",
        "two_pending",
        lambda state: state["generatedItems"][1]["rawItem"].update(callId="call_1"),
        "generatedItems[1]",
    ),
    (
        "call_id_reused",
        "approve",
        put("ambiguousToolInvocationCallIds", [{"agentIdentity": "Weather Assistant", "callIds": ["x"]}]),
        "ambiguousToolInvocationCallIds",
    ),
    ("history_filtered", "approve", drop("generatedItems", 0), "generatedItems"),
    (
        "unsupported_approval",
        "approve",
        put("context", "approvals", {"shell": {"approved": True, "rejected": []}}),
        "context.approvals.shell",
    ),
    ("lone_surrogate", "approve", put("originalInput", "half \ud83c"), "originalInput"),
    ("malformed_state", "approve", put("somethingNew", 1), "somethingNew"),
    ("malformed_state", "approve", put("generatedItems", 0, "rawItem", "surprise", 1), "generatedItems[0].rawItem"),
    ("malformed_state", "approve", put("maxTurns", -1), "maxTurns"),
    ("malformed_state", "approve", put("maxTurns", True), "maxTurns"),
    ("malformed_state", "approve", put("modelResponses", {}), "modelResponses"),
    ("malformed_state", "approve", put("generatedItems", 0, "rawItem", "callId", None), "generatedItems[0].rawItem"),
    (
        "malformed_state",
        "nested_agent",
        lambda state: state.update(pendingAgentToolRuns={'["bare","ask_weather"]:call_n': "{"}),
        "pendingAgentToolRuns",
    ),
    (
        "malformed_state",
        "nested_agent",
        lambda state: state["pendingAgentToolRuns"].update({'["bare","lost"]:call_x': "{}"}),
        "pendingAgentToolRuns",
    ),
    ("call_unaccounted", "nested_agent", put("pendingAgentToolRuns", {}), "generatedItems[0]"),
]


@pytest.mark.parametrize(("code", "name", "change", "path"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)])
async def test_it_is_refused(code: str, name: str, change: Change, path: str) -> None:
    vector = load_vector(name)
    state = copy.deepcopy(vector["pauses"][0]["state"])
    change(state)
    stage = Stage(vector["scenario"])
    with pytest.raises(StateTranslationError) as raised:
        await load_typescript_state(stage.agent, json.dumps(state), guardrails_settled=True)
    assert raised.value.code == code
    assert raised.value.path.startswith(path)
    assert not stage.requests
    assert not stage.executed


async def test_a_state_whose_guardrails_may_still_run_is_refused() -> None:
    vector = load_vector("approve")
    with pytest.raises(StateTranslationError) as raised:
        await load_typescript_state(
            Stage(vector["scenario"]).agent, json.dumps(vector["pauses"][0]["state"]), guardrails_settled=False
        )
    assert raised.value.code == "guardrails_unsettled"


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, '{"a":NaN}', '"x"'])
async def test_what_is_no_state_is_refused(text: str) -> None:
    agent = Stage(load_vector("approve")["scenario"]).agent
    with pytest.raises(StateTranslationError) as raised:
        await load_typescript_state(agent, text, guardrails_settled=True)
    assert raised.value.code == "malformed_state"


async def test_two_agents_of_one_name_are_refused() -> None:
    vector = load_vector("approve_after_handoff")
    agent = Stage(vector["scenario"]).agent
    agent.handoffs.append(agent.clone(name="Weather Assistant", handoffs=[]))
    with pytest.raises(StateTranslationError) as raised:
        await load_typescript_state(agent, json.dumps(vector["pauses"][0]["state"]), guardrails_settled=True)
    assert raised.value.code == "duplicate_agent"


async def test_a_hosted_server_that_is_not_here_is_noticed_after_loading() -> None:
    vector = load_vector("hosted_mcp_approval")
    agent = Stage(vector["scenario"]).agent
    server = agent.tools[-1]
    assert isinstance(server, HostedMCPTool)
    server.tool_config["server_label"] = "other"
    with pytest.raises(StateTranslationError) as raised:
        await load_typescript_state(agent, json.dumps(vector["pauses"][0]["state"]), guardrails_settled=True)
    assert raised.value.code == "load_incomplete"
    assert raised.value.path == "last_processed_response.mcp_approval_requests"


def test_every_code_has_a_case() -> None:
    assert {case[0] for case in CASES} | {"load_incomplete"} == TRANSLATION_CODES


def test_the_graph_says_what_is_inside_a_tool() -> None:
    agent = Stage(load_vector("nested_agent_three_deep")["scenario"]).agent
    graph = agent_graph(agent)
    inside = graph.inside("Chief", "ask_assistant")
    assert inside is not None
    assert [found.name for found in inside.agents] == ["Personal Assistant", "Weather Assistant"]
    assert graph.inside("Chief", "other") is None
