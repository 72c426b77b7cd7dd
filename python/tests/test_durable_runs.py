"""Durable runs in Python: what is recorded, what a replay does, how runs end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agents import (
    GuardrailFunctionOutput,
    LocalShellTool,
    ProgrammaticToolCallingTool,
    RunContextWrapper,
    ShellTool,
    function_tool,
    handoff,
    input_guardrail,
)
from agents.testing import ScriptedModel, assistant_message, function_call

from timestep import (
    AgentNameConflictError,
    DatabaseError,
    DatabaseSession,
    DBOSConfiguredLateError,
    Decision,
    RunConflictError,
    RunNotFoundError,
    RunStateConflictError,
    SessionNotDurableError,
    ToolCallNotSettledError,
    at_most_once,
    cancel_run,
    configure_dbos,
    create_scheduled_agent_workflow,
    decide,
    ensure_dbos_launched,
    get_run,
    queue_agent_workflow,
    read_run_events,
    register_agent,
    run_agent,
    run_agent_workflow,
    settle_tool_call,
    shutdown_dbos,
    tool_call,
    transactional,
)
from timestep.database.database import Transaction

from .durable import execute_again, query, scripted_agent, until
from .stage import MemorySession


async def test_run_agent_workflow_runs_once_for_each_workflow_id(uri: str) -> None:
    agent = scripted_agent([assistant_message("Hello.")])
    first = await run_agent_workflow(agent, "Hi", workflow_id="one")
    again = await run_agent_workflow(agent=agent, input_items="Hi", workflow_id="one", stream=False)
    assert (first.status, first.final_output, first.run_id, first.usage.requests) == ("completed", "Hello.", "one", 1)
    assert again == first
    with pytest.raises(RunConflictError, match="another input"):
        await run_agent_workflow(agent, "Ho", workflow_id="one")
    run = await get_run("one")
    assert (run.status, run.language, run.input, run.agent_name) == ("completed", "python", "Hi", "Assistant")


async def test_a_replay_executes_nothing_that_is_recorded(uri: str) -> None:
    executed: list[str] = []
    keys: list[str] = []

    @function_tool
    async def note(context: RunContextWrapper[Any], text: str) -> str:
        "Notes."
        executed.append(text)
        call = tool_call()
        assert call is not None
        keys.append(call.idempotency_key)
        context.context["notes"].append(text)
        return f"noted {text}"

    @function_tool
    async def fail() -> str:
        "Fails."
        executed.append("fail")
        raise RuntimeError("broken")

    @function_tool
    async def count(context: RunContextWrapper[Any]) -> str:
        "Counts."
        executed.append("count")
        return str(len(context.context["notes"]))

    calls = [function_call("note", {"text": "a"}, call_id="1"), function_call("note", {"text": "b"}, call_id="2")]
    agent = scripted_agent(
        [*calls, function_call("fail", {}, call_id="3")],
        [function_call("count", {}, call_id="4")],
        [assistant_message("Done.")],
        tools=[note, fail, count],
    )
    result = await run_agent_workflow(agent, "Go", workflow_id="run", context={"notes": []})
    assert (result.status, result.final_output) == ("completed", "Done.")
    assert sorted(executed) == ["a", "b", "count", "fail"]
    assert sorted(keys) == ["run:0.1:1", "run:0.1:2"]
    recorded = "select output::text from timestep.journal where key = 'tool:0.2:4'"
    assert await query(uri, recorded) == [('"2"',)]
    # The script is used up: a model call that was made again would fail.
    await query(uri, "delete from timestep.journal where key = 'tool:0.2:4' or key = 'model:0.3'")
    executed.clear()
    model = agent.model
    assert isinstance(model, ScriptedModel)
    model.enqueue([assistant_message("Again.")])
    await execute_again(uri, "run")
    result = await run_agent_workflow(agent, "Go", workflow_id="run", context={"notes": []})
    # The context is as it was when the call was made: both notes are in it.
    assert (result.final_output, executed) == ("Again.", ["count"])
    assert await query(uri, recorded) == [('"2"',)]


async def test_a_replay_that_differs_is_an_error_that_names_the_first_difference(uri: str) -> None:
    @function_tool
    async def hello() -> str:
        "Greets."
        return "hello"

    agent = scripted_agent([function_call("hello", {}, call_id="1")], [assistant_message("Done.")], tools=[hello])
    assert (await run_agent_workflow(agent, "Hi", workflow_id="run")).status == "completed"
    await query(uri, "update timestep.journal set name = 'goodbye' where kind = 'tool'")
    agent.instructions = "Changed."
    await execute_again(uri, "run")
    result = await run_agent_workflow(agent, "Hi", workflow_id="run")
    assert result.status == "failed"
    assert result.error is not None
    assert result.error["code"] == "run_diverged"
    message = str(result.error["message"])
    assert '"tool:0.1:1" is now of tool "hello", and was of "goodbye"' in message
    assert message.endswith("first at Assistant.instructions")


async def test_a_replay_names_the_tool_that_is_gone_and_finds_what_is_only_disabled(uri: str) -> None:
    @function_tool
    async def hello() -> str:
        "Greets."
        return "hello"

    forgetful = scripted_agent(
        [function_call("hello", {}, call_id="1")], [assistant_message("Done.")], name="Forgetful", tools=[hello]
    )
    assert (await run_agent_workflow(forgetful, "Hi", workflow_id="gone")).status == "completed"
    forgetful.tools = []
    await execute_again(uri, "gone")
    result = await run_agent_workflow(forgetful, "Hi", workflow_id="gone")
    assert result.error is not None
    assert result.error["code"] == "run_diverged"
    message = str(result.error["message"])
    assert '"model:0.1" called function "hello", and agent "Forgetful" has no tool or handoff of this name' in message
    assert message.endswith("first at Forgetful.tools[0]")

    # What the model was not offered, it invented, on replay too; what was disabled since was offered.
    never = function_tool(lambda: "", name_override="never", is_enabled=False)
    nested = scripted_agent([function_call("never", {}, call_id="n1")], name="Nested", tools=[never])
    to_other = handoff(scripted_agent([assistant_message("Over.")], name="Other"), is_enabled=True)
    greet = function_tool(lambda: "hello", name_override="greet", is_enabled=True)
    asking = scripted_agent(
        [function_call("ask", {"input": "?"}, call_id="a1"), function_call("greet", {}, call_id="a2")],
        [function_call(to_other.tool_name, {}, call_id="h1")],
        tools=[nested.as_tool("ask", "Asks."), greet],
        handoffs=[to_other],
    )
    live = await run_agent_workflow(asking, "Hi", workflow_id="disabled")
    assert (live.status, live.final_output) == ("completed", "Over.")
    greet.is_enabled = to_other.is_enabled = False
    await execute_again(uri, "disabled")
    replayed = await run_agent_workflow(asking, "Hi", workflow_id="disabled")
    assert (replayed.status, replayed.final_output) == (live.status, live.final_output)


async def test_approvals_are_decided_from_anywhere_and_executed_once(uri: str) -> None:
    executed: list[str] = []

    @function_tool(needs_approval=True)
    async def pay(amount: int) -> str:
        "Pays."
        executed.append(f"pay {amount}")
        return f"paid {amount}"

    nested = scripted_agent(
        [function_call("pay", {"amount": 3}, call_id="n1")], [assistant_message("ok")], name="Nested"
    )
    nested.tools = [pay]
    agent = scripted_agent(
        [
            function_call("pay", {"amount": 1}, call_id="1"),
            function_call("pay", {"amount": 2}, call_id="2"),
            function_call("ask", {"input": "x"}, call_id="3"),
        ],
        [assistant_message("Done.")],
        tools=[pay, nested.as_tool("ask", "Asks.")],
    )
    async with DatabaseSession("s") as session:
        result = await run_agent_workflow(agent, "Pay", session, workflow_id="run")
        assert (result.status, executed) == ("interrupted", [])
        assert [item.interruption_id for item in result.interruptions] == ["1", "2", "Nested:n1"]
        assert result.state is not None
        paused = result.state
        assert len(paused.get_interruptions()) == 3
        one = await decide(run_id="run", decisions=[Decision("1", approve=True)])
        assert (one.status, one.pending) == ("interrupted", 2)
        decisions = [Decision("2", approve=False, message="too much"), Decision("Nested:n1", approve=True)]
        outcomes = await asyncio.gather(*(decide(run_id="run", decisions=decisions) for _ in range(4)))
        assert {outcome.pending for outcome in outcomes} == {0}
        result = await run_agent_workflow(agent, "Pay", session, workflow_id="run")
        assert (result.status, result.final_output, result.usage.requests) == ("completed", "Done.", 4)
        assert sorted(executed) == ["pay 1", "pay 3"]
        items = [dict(item) for item in await session.get_items()]
    outputs = {item["call_id"]: item["output"] for item in items if item.get("type") == "function_call_output"}
    assert outputs == {"1": "paid 1", "2": "too much", "3": "ok"}
    assert len(items) == 8
    # Nobody else can go on with what has gone on.
    with pytest.raises(RunStateConflictError):
        await run_agent(agent, paused)


async def test_a_guardrail_blocks_and_an_error_fails(uri: str) -> None:
    @input_guardrail
    async def never(_context: Any, _agent: Any, _input: Any) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(output_info={"why": "no"}, tripwire_triggered=True)

    blocked = await run_agent_workflow(
        scripted_agent([assistant_message("x")], name="Blocked", input_guardrails=[never]), "Hi", workflow_id="blocked"
    )
    assert blocked.status == "blocked"
    assert blocked.error is not None
    assert (blocked.error["guardrail"], blocked.error["outputInfo"]) == ("never", {"why": "no"})
    failing = scripted_agent(RuntimeError("bad key sk-abcdef123456"), name="Failing")
    failed = await run_agent_workflow(failing, "Hi")
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error["name"] == "RuntimeError"
    assert "sk-abcdef" not in str(failed.error)
    endless = scripted_agent(
        *[[function_call("_no", {}, call_id=str(n))] for n in range(3)], name="Endless", tools=[_no]
    )
    out_of_turns = await run_agent_workflow(endless, "Hi", max_turns=2)
    assert out_of_turns.error is not None
    assert (out_of_turns.status, out_of_turns.error["code"]) == ("failed", "max_turns_exceeded")
    shell = scripted_agent([assistant_message("x")], name="Shell", tools=[LocalShellTool(executor=lambda _: "")])
    unsupported = await run_agent_workflow(shell, "Hi")
    assert unsupported.error is not None
    assert unsupported.error["code"] == "unsupported_tool"
    hosted = [ShellTool(environment={"type": "container_auto"}), ProgrammaticToolCallingTool()]
    contained = scripted_agent([assistant_message("In a container.")], name="Contained", tools=hosted)
    assert (await run_agent_workflow(contained, "Hi")).final_output == "In a container."


@function_tool
async def _no() -> str:
    "Says no."
    return "no"


async def test_read_run_events_gives_what_is_streamed_to_other_processes_too(uri: str) -> None:
    agent = scripted_agent([function_call("_no", {}, call_id="1")], [assistant_message("Hello there.")], tools=[_no])
    reading = asyncio.ensure_future(_collect("run"))
    result = await run_agent_workflow(agent, "Hi", stream=True, workflow_id="run")
    assert result.final_output == "Hello there."
    events = await reading if not reading.done() or reading.exception() is None else await _collect("run")
    assert [event.type for event in events if event.type != "model_delta"] == [
        "model_response",
        "tool_output",
        "model_response",
    ]
    tool = next(event for event in events if event.type == "tool_output")
    assert (tool.name, tool.call_id, tool.data) == ("_no", "1", "no")
    text = "".join(
        str(event.data["delta"]) for event in events if isinstance(event.data, dict) and "delta" in event.data
    )
    assert text == "Hello there."
    with pytest.raises(RunNotFoundError):
        await _collect("none")


async def _collect(run_id: str) -> list[Any]:
    while True:
        try:
            return [event async for event in read_run_events(run_id)]
        except RunNotFoundError:
            if run_id == "none":
                raise
            await asyncio.sleep(0.01)


async def test_a_tool_at_most_once_is_settled_by_a_person(uri: str) -> None:
    executed: list[str] = []

    @function_tool
    @at_most_once
    def launch(rocket: str) -> str:
        "Launches."
        assert tool_call() is not None
        executed.append(rocket)
        return f"launched {rocket}"

    assert await at_most_once(asyncio.sleep)(0, "outside of a run") == "outside of a run"
    agent = scripted_agent(
        [function_call("launch", {"rocket": "V"}, call_id="1")], [assistant_message("Up.")], tools=[launch]
    )
    assert (await run_agent_workflow(agent, "Go", workflow_id="run")).final_output == "Up."
    # As if the process had died during the call.
    await query(uri, "delete from timestep.journal where key = 'model:0.2'")
    await query(
        uri, "update timestep.journal set status = 'started', output = null, position = null where kind = 'tool'"
    )
    await execute_again(uri, "run")
    result = await run_agent_workflow(agent, "Go", workflow_id="run")
    assert (result.status, executed) == ("unknown_outcome", ["V"])
    [unknown] = result.unknown_tool_calls
    assert (unknown.tool_name, unknown.step_key) == ("launch", "tool:0.1:1")
    with pytest.raises(ToolCallNotSettledError):
        await settle_tool_call("run", "tool:other", output="x")
    for unsaid in ({}, {"run_again": False}, {"output": None, "run_again": True}):
        with pytest.raises(TypeError, match="Pass output if it took effect"):
            await settle_tool_call("run", unknown.step_key, **unsaid)
    assert isinstance(agent.model, ScriptedModel)
    agent.model.enqueue([assistant_message("It was up.")])
    assert await settle_tool_call("run", unknown.step_key, output="launched, as seen on TV")
    result = await run_agent_workflow(agent, "Go", workflow_id="run")
    assert (result.status, result.final_output, executed) == ("completed", "It was up.", ["V"])


async def test_what_a_transactional_tool_writes_is_there_once(uri: str) -> None:
    await query(uri, "create table refunds (order_id text)")

    @function_tool
    @transactional
    async def refund(transaction: Transaction, order: str) -> str:
        "Refunds."
        await transaction.query("insert into refunds values ($1)", [order])
        if order == "1":
            raise RuntimeError("not this one")
        return f"refunded {order}"

    assert list(refund.params_json_schema["properties"]) == ["order"]
    agent = scripted_agent(
        [function_call("refund", {"order": "1"}, call_id="1")],
        [function_call("refund", {"order": "2"}, call_id="2")],
        [assistant_message("Done.")],
        tools=[refund],
    )

    assert (await run_agent_workflow(agent, "Go", workflow_id="run")).status == "completed"
    assert await query(uri, "select order_id from refunds") == [("2",)]
    rows = await query(uri, "select output::text, position is not null from timestep.journal where key = 'tool:0.2:2'")
    assert rows == [('"refunded 2"', True)]


async def test_queues_schedules_cancel_and_what_is_refused(uri: str) -> None:
    agent = scripted_agent([assistant_message("One.")], [assistant_message("Two.")], name="Worker")
    handle = queue_agent_workflow(agent=agent, input_items="1", priority=1, deduplication_id="d", delay_seconds=0)
    result = await handle.get_result()
    assert (result.status, result.final_output) == ("completed", "One.")
    create_scheduled_agent_workflow(crontab="* * * * * *", agent=agent, input_items="tick", name="often")
    select = "select run_id from timestep.runs where run_id like 'often:%' order by run_id"
    ticked = await until(uri, select)
    await query(uri, "update timestep.schedules set paused = true")
    run_id = str(ticked[0][0])
    await until(uri, "select 1 from timestep.runs where run_id = $1 and finished_at is not null", run_id)
    run = await get_run(run_id)
    assert (run.final_output, str(run.run_id)[-5:]) == ("Two.", ".000Z")
    with pytest.raises(ValueError, match="Cannot schedule"):
        create_scheduled_agent_workflow(crontab="never", agent=agent, input_items="tick")
    later = await queue_agent_workflow(agent="Nobody", input_items="later", workflow_id="later")
    assert await later.get_status() == "queued"
    assert await cancel_run("later")
    assert not await cancel_run("later")
    assert await later.get_status() == "cancelled"
    with pytest.raises(SessionNotDurableError):
        await run_agent_workflow(agent, "x", MemorySession([]))
    with pytest.raises(AgentNameConflictError):
        register_agent(scripted_agent(name="Worker"))
    with pytest.raises(TypeError, match="a str is none"):
        register_agent("Worker")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="NUL"):
        register_agent(scripted_agent(name="Worker\0"))
    with pytest.raises(TypeError, match="approve is 'no'"):
        await decide(run_id="later", decisions=[Decision("1", approve="no")])  # type: ignore[arg-type]
    wrong: list[dict[str, Any]] = [
        {"input_items": {"role": "user", "content": "not in a list"}},
        {"workflow_id": 5},
        {"workflow_id": "a" * 1001},
        {"owner_id": "\0"},
        {"max_turns": 1.5},
        {"agent": "Worker"},
    ]
    for arguments in wrong:
        with pytest.raises((TypeError, ValueError), match=r"has to be|must|may have|is none"):
            await run_agent_workflow(**{"agent": agent, "input_items": "x", **arguments})
    with pytest.raises(DatabaseError, match="cannot contain NUL"):
        await get_run("no\0body")
    decorators: list[Any] = [at_most_once, transactional]
    for decorator in decorators:
        with pytest.raises(TypeError, match="below @function_tool"):
            decorator(function_tool(lambda: ""))
    with pytest.raises(DBOSConfiguredLateError):
        configure_dbos(name="other")
    with pytest.raises(ValueError, match="executor_timeout_seconds"):
        configure_dbos(heartbeat_seconds=5, executor_timeout_seconds=6)


async def test_a_run_steps_back_that_is_one_too_many_in_its_partition(uri: str) -> None:
    has_begun, may_end = asyncio.Event(), asyncio.Event()
    began: list[str] = []

    async def instruct(_context: Any, _agent: Any) -> str:
        began.append("a run")
        has_begun.set()
        await may_end.wait()
        return "Be brief."

    agent = scripted_agent([assistant_message("One.")], [assistant_message("Two.")], instructions=instruct)
    first = await queue_agent_workflow(agent=agent, input_items="1", workflow_id="first", partition_key="a")
    await has_begun.wait()
    second = await queue_agent_workflow(agent=agent, input_items="2", workflow_id="second", partition_key="a")
    # As if another process had taken it, and let it go to this one.
    take = "update dbos.workflow_status set status = 'PENDING', executor_id = '' where workflow_uuid = 'second'"
    await query(uri, take)
    await until(uri, "select 1 from timestep.runs where workflow_id = 'second:t1'")
    assert len(began) == 1
    may_end.set()
    assert [(await handle.get_result()).final_output for handle in (first, second)] == ["One.", "Two."]


async def test_a_run_is_tried_again_before_later_ones_of_its_partition(uri: str) -> None:
    all_queued = asyncio.Event()
    seen: list[str] = []

    async def instruct(_context: Any, _agent: Any) -> str:
        await all_queued.wait()
        seen.append((await get_run("2")).status)
        return "Be brief."

    agent = scripted_agent(*([assistant_message("Done.")] for _ in range(3)), instructions=instruct)
    handles = [
        await queue_agent_workflow(agent=agent, input_items="Go.", workflow_id=name, partition_key="a")
        for name in "123"
    ]
    # Nobody can claim it.
    await query(uri, "update timestep.runs set epoch = 2147483647 where run_id = '2'")
    all_queued.set()
    await until(uri, "select 1 from dbos.workflow_status where workflow_uuid like '2%' and status <> 'ENQUEUED'")
    await asyncio.sleep(0.2)
    await query(uri, "update timestep.runs set epoch = 0 where run_id = '2'")
    assert [(await handle.get_result()).status for handle in handles] == ["completed"] * 3
    assert seen == ["queued", "running", "completed"]


async def test_a_run_that_takes_too_long_is_cancelled(uri: str) -> None:
    started = asyncio.Event()

    @function_tool
    async def wait() -> str:
        "Waits."
        started.set()
        await asyncio.Event().wait()
        return "never"

    agent = scripted_agent([function_call("wait", {}, call_id="1")], tools=[wait])
    result = await run_agent_workflow(agent, "Hi", timeout_seconds=1)
    assert started.is_set()
    assert result.status == "cancelled"


async def test_shutdown_hands_over_and_the_next_launch_goes_on(uri: str) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()
    executed: list[str] = []

    @function_tool
    async def first() -> str:
        "Is first."
        executed.append("first")
        return "1"

    @function_tool
    async def second() -> str:
        "Is second."
        executed.append("second")
        started.set()
        await go_on.wait()
        return "2"

    agent = scripted_agent(
        [function_call("first", {}, call_id="1")],
        [function_call("second", {}, call_id="2")],
        [assistant_message("Done.")],
        tools=[first, second],
    )
    handle = await queue_agent_workflow(agent, "Hi", workflow_id="run")
    await started.wait()
    await shutdown_dbos()
    assert await query(uri, "select status from timestep.runs") == [("running",)]
    go_on.set()
    ensure_dbos_launched()
    result = await handle.get_result()
    assert (result.status, result.final_output) == ("completed", "Done.")
    # What was in flight is made again; what was recorded is not.
    assert executed == ["first", "second", "second"]
