"""What the SDK itself writes: the private parts that this package uses must say the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from agents import RunState

from timestep.state._calls import account
from timestep.state._json import At
from timestep.state._run_items import to_python_run_item
from timestep.state._sdk import CURRENT_SCHEMA_VERSION, function_scope, hosted_mcp_scope
from timestep.state.agent_graph import agent_graph
from timestep.state.translate import translate_state

from .crossing import REFUSED, load_vector, typescript_vectors
from .stage import Stage


def without_words(ledger: dict[str, Any]) -> dict[str, Any]:
    """A ledger without what both languages need not agree on: whether a pending call has begun."""
    return {key: {**record, "executed": None} for key, record in ledger.items()}


@pytest.mark.parametrize("name", [name for name in typescript_vectors() if name not in REFUSED])
def test_a_translated_state_has_the_ledger_that_the_sdk_writes(name: str) -> None:
    theirs, ours = load_vector(name), load_vector(name, "python")
    agent = Stage(theirs["scenario"]).agent
    for pause, native in zip(theirs["pauses"], ours["pauses"], strict=True):
        text = json.dumps(pause["state"])
        translated = translate_state(text, agent_graph(agent), guardrails_settled=True).state
        context: Any = translated["context"]
        expected = native["state"]["context"]
        assert without_words(context["tool_invocations"]) == without_words(expected["tool_invocations"])
        if not name.startswith("nested"):  # TypeScript keeps those of a nested run with the run around it.
            assert context["function_tool_approvals"] == expected.get("function_tool_approvals", [])
        assert translated["current_turn"] == native["state"]["current_turn"]
        assert translated["current_turn_persisted_item_count"] == native["state"]["current_turn_persisted_item_count"]
        generated: Any = translated["generated_items"]
        if len(generated) == len(native["state"]["generated_items"]):  # Python keeps questions that were answered.
            ownership = native["state"].get("current_response_generated_item_ownership")
            assert translated.get("current_response_generated_item_ownership") == ownership


def test_scopes_are_those_of_the_sdk() -> None:
    state = load_vector("always_approved_earlier", "python")["pauses"][1]["state"]
    decision = state["context"]["function_tool_approvals"][0]["decision"]
    assert function_scope({"name": "get_weather"}) == decision["sticky_scope"]
    state = load_vector("hosted_mcp_always_approved_before_saving", "python")["pauses"][0]["state"]
    decision = state["context"]["hosted_mcp_approvals"][0]["decision"]
    assert hosted_mcp_scope("files", "delete_file") == decision["sticky_scope"]


def test_the_sdk_writes_the_version_that_is_known_here() -> None:
    assert CURRENT_SCHEMA_VERSION == "1.21"
    assert load_vector("approve", "python")["pauses"][0]["state"]["$schemaVersion"] == CURRENT_SCHEMA_VERSION


async def test_the_sdk_refuses_a_finished_call_without_its_output() -> None:
    """Why the translated state is of the newest version: an older one would run the tool once more."""
    vector = load_vector("parallel_call_already_completed")
    agent = Stage(vector["scenario"]).agent
    text = json.dumps(vector["pauses"][0]["state"])
    state: Any = translate_state(text, agent_graph(agent), guardrails_settled=True).state
    for items in (state["generated_items"], state["session_items"]):
        items[:] = [item for item in items if item["type"] != "tool_call_output_item"]
    with pytest.raises(Exception, match="completed tool invocation"):
        await RunState.from_json(agent, state)


def test_accounting_takes_items_in_any_order_of_outputs() -> None:
    vector = load_vector("parallel_call_already_completed")
    items = [At(item) for item in vector["pauses"][0]["state"]["generatedItems"]]
    calls = account([(item, to_python_run_item(item)) for item in items], {"call_1"})
    assert calls.completed == {"call_t"}
    assert set(calls.ledger()) == {"call_t", "call_1"}
