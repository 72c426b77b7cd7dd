"""Durable runs that go on after a pause with code that has changed meanwhile."""

from __future__ import annotations

import secrets
from typing import Any

from agents import FunctionTool, function_tool, handoff
from agents.testing import ScriptedModel, assistant_message, function_call

from timestep import Decision, decide, read_run_events, run_agent_workflow
from timestep.state.storable_id import storable_id

from .durable import execute_again, scripted_agent


async def test_what_is_disabled_after_a_pause_was_enabled_when_it_was_called(uri: str) -> None:
    executed: list[str] = []
    is_enabled = True

    def enabled(_context: Any, _agent: Any) -> bool:
        return is_enabled

    @function_tool(needs_approval=True, is_enabled=enabled)
    async def pay(to: str) -> str:
        "Pays."
        executed.append(to)
        return f"paid {to}"

    nested = scripted_agent(
        [function_call("pay", {"to": "c"}, call_id="n1")], [assistant_message("ok")], name="Nested", tools=[pay]
    )
    ask = nested.as_tool("ask", "Asks.", is_enabled=enabled)
    never = function_tool(lambda: executed.append("never"), name_override="never", is_enabled=False)
    agent = scripted_agent(
        [
            function_call("pay", {"to": "a"}, call_id="1"),
            function_call("pay", {"to": "b"}, call_id="2"),
            function_call("ask", {"input": "x"}, call_id="3"),
        ],
        [assistant_message("Done.")],
        tools=[pay, ask, never],
    )
    result = await run_agent_workflow(agent, "Pay", workflow_id="run")
    assert [item.interruption_id for item in result.interruptions] == ["1", "2", "Nested:n1"]
    is_enabled = False
    decisions = [Decision("1", approve=True), Decision("2", approve=False), Decision("Nested:n1", approve=True)]
    await decide(run_id="run", decisions=decisions)
    result = await run_agent_workflow(agent, "Pay", workflow_id="run")
    assert (result.status, result.final_output, result.error) == ("completed", "Done.", None)
    assert sorted(executed) == ["a", "c"]
    # The model is not offered what is disabled.
    model = agent.model
    assert isinstance(model, ScriptedModel)
    assert [tool.name for tool in model.calls[-1].tools] == []
    # As if the process had died after that.
    await execute_again(uri, "run")
    result = await run_agent_workflow(agent, "Pay", workflow_id="run")
    assert (result.status, result.final_output, len(executed)) == ("completed", "Done.", 2)


async def test_a_handoff_that_is_disabled_after_a_pause_is_made(uri: str) -> None:
    @function_tool(needs_approval=True)
    async def pay() -> str:
        "Pays."
        return "paid"

    to_other = handoff(scripted_agent([assistant_message("Over.")], name="Other"), is_enabled=True)
    script = [function_call("pay", {}, call_id="1"), function_call(to_other.tool_name, {}, call_id="h1")]
    agent = scripted_agent(script, tools=[pay], handoffs=[to_other])
    assert (await run_agent_workflow(agent, "Pay", workflow_id="run")).status == "interrupted"
    to_other.is_enabled = False
    await decide(run_id="run", decisions=[Decision("1", approve=True)])
    result = await run_agent_workflow(agent, "Pay", workflow_id="run")
    assert (result.status, result.final_output, result.error) == ("completed", "Over.", None)


async def test_of_tools_of_one_name_the_one_that_is_enabled_is_called(uri: str) -> None:
    executed: list[str] = []

    def pay_by(way: str, **options: Any) -> FunctionTool:
        async def pay() -> str:
            executed.append(way)
            return way

        return function_tool(pay, needs_approval=True, **options)

    card, cash = pay_by("card", is_enabled=True), pay_by("cash", is_enabled=False)
    agent = scripted_agent([function_call("pay", {}, call_id="1")], [assistant_message("Done.")], tools=[card, cash])
    assert (await run_agent_workflow(agent, "Pay", workflow_id="run")).status == "interrupted"
    await decide(run_id="run", decisions=[Decision("1", approve=True)])
    assert (await run_agent_workflow(agent, "Pay", workflow_id="run")).status == "completed"
    assert executed == ["card"]


async def test_calls_are_made_once_whose_ids_no_key_can_hold(uri: str) -> None:
    made: list[str] = []

    @function_tool(needs_approval=True)
    async def go(to: str) -> str:
        "Goes."
        made.append(to)
        return f"gone to {to}"

    noise = secrets.token_hex(2500)
    ids = ["a\0b", "a\ud800b", noise, "1/2:c#3", "functions.go:0"]
    calls = [function_call("go", {"to": str(at)}, call_id=call_id) for at, call_id in enumerate(ids)]
    nested = scripted_agent(calls, [assistant_message("ok")], name="Nested", tools=[go])
    agent = scripted_agent(
        [function_call("ask", {"input": "x"}, call_id=noise), function_call("go", {"to": "a"}, call_id="\0")],
        [assistant_message("Done.")],
        tools=[nested.as_tool("ask", "Asks."), go],
    )
    result = await run_agent_workflow(agent, "Go", workflow_id="run")
    # The same as in TypeScript, where the run may go on.
    assert storable_id("a\0b") == "sha256_rNk48Gn1G7BgC8TLKl6z3dS2cDzaUaaOe-8OQstopek"
    assert {item.interruption_id for item in result.interruptions} == {
        *(f"Nested:{storable_id(call_id)}" for call_id in ids),
        storable_id("\0"),
    }
    await decide(
        run_id="run", decisions=[Decision(item.interruption_id, approve=True) for item in result.interruptions]
    )
    for _ in range(2):
        result = await run_agent_workflow(agent, "Go", workflow_id="run")
        assert (result.status, result.final_output, result.error) == ("completed", "Done.", None)
        assert sorted(made) == ["0", "1", "2", "3", "4", "a"]
        await execute_again(uri, "run")
    assert "functions.go:0" in [event.call_id async for event in read_run_events("run")]
