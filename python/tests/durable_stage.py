"""A run with everything in it, and what of it was executed: for the tests that kill processes."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator
from typing import Any

from agents import (
    Agent,
    GuardrailFunctionOutput,
    Model,
    RunContextWrapper,
    function_tool,
    input_guardrail,
    output_guardrail,
    set_tracing_disabled,
)
from agents.items import ModelResponse, TResponseStreamEvent
from agents.testing import ScriptedModel, assistant_message, function_call

from timestep import tool_call
from timestep.database.database import Database

INPUT = "Add 1 and 2, look it up, and pay."
FINAL_OUTPUT = "Paid 3 for 1+2."
CONTEXT: dict[str, object] = {"log": []}

CREATE = "create table executed (attempt int, kind text, name text, call text)"


class Log:
    """What was executed, in a table of the test's own."""

    def __init__(self, database: Database, attempt: int) -> None:
        self._database = database
        self._attempt = attempt

    async def add(self, kind: str, name: str, call: str) -> None:
        await self._database.query(
            "insert into executed values ($1::int, $2, $3, $4)", [self._attempt, kind, name, call]
        )


class Answering(Model):
    """A model that decides by what it is sent, as the process that asks may be another one each time."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def get_response(self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        scripted = await self._answer(system_instructions, input)
        return await scripted.get_response(system_instructions, input, *args, **kwargs)

    async def stream_response(
        self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any
    ) -> AsyncIterator[TResponseStreamEvent]:
        scripted = await self._answer(system_instructions, input)
        async for event in scripted.stream_response(system_instructions, input, *args, **kwargs):
            yield event

    async def _answer(self, instructions: str, given: Any) -> ScriptedModel:
        items = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
        done = {
            str(item["call_id"]): str(item["output"]) for item in items if item.get("type") == "function_call_output"
        }
        await self._log.add("model", instructions, str(len(items)))
        return ScriptedModel([_script(instructions, done)])


def _script(agent: str, done: dict[str, str]) -> list[Any]:
    if agent == "Triage":
        return [function_call("transfer_to_clerk", {}, call_id="h1")]
    if agent == "Researcher":
        if "l1" not in done:
            return [function_call("look_up", {"what": "1+2"}, call_id="l1")]
        return [assistant_message(done["l1"])]
    if "a1" not in done:
        return [
            function_call("add", {"number": 1}, call_id="a1"),
            function_call("add", {"number": 2}, call_id="a2"),
            function_call("research", {"input": "1+2"}, call_id="r1"),
        ]
    if "p1" not in done:
        return [function_call("pay", {"amount": int(done["a1"]) + int(done["a2"])}, call_id="p1")]
    return [assistant_message(f"Paid {done['p1']} for {done['r1']}.")]


def build_agent(log: Log) -> Agent[Any]:
    """The agents: a handoff, parallel tools, an agent as a tool, an approval, guardrails."""
    set_tracing_disabled(True)
    model = Answering(log)

    async def executed(name: str) -> None:
        call = tool_call()
        assert call is not None
        # In any order, another one in each attempt.
        await asyncio.sleep(random.random() / 100)
        await log.add("tool", name, call.idempotency_key)

    @function_tool
    async def add(context: RunContextWrapper[Any], number: int) -> str:
        "Adds."
        await executed("add")
        context.context["log"].append(number)
        return str(number)

    @function_tool
    async def look_up(what: str) -> str:
        "Looks up."
        await executed("look_up")
        return what

    @function_tool(needs_approval=True)
    async def pay(context: RunContextWrapper[Any], amount: int) -> str:
        "Pays."
        await executed("pay")
        assert sorted(context.context["log"]) == [1, 2]
        return str(amount)

    @input_guardrail
    async def polite(_context: Any, _agent: Any, _input: Any) -> GuardrailFunctionOutput:
        await log.add("guardrail", "polite", "")
        return GuardrailFunctionOutput(output_info={"polite": True}, tripwire_triggered=False)

    @output_guardrail
    async def safe(_context: Any, _agent: Any, _output: Any) -> GuardrailFunctionOutput:
        await log.add("guardrail", "safe", "")
        return GuardrailFunctionOutput(output_info={"safe": True}, tripwire_triggered=False)

    researcher = Agent[Any](name="Researcher", instructions="Researcher", model=model, tools=[look_up])
    clerk = Agent[Any](
        name="Clerk",
        instructions="Clerk",
        model=model,
        tools=[add, researcher.as_tool("research", "Researches."), pay],
        output_guardrails=[safe],
    )
    return Agent[Any](name="Triage", instructions="Triage", model=model, handoffs=[clerk], input_guardrails=[polite])


def stop_at(point: int) -> None:
    """Kills this process, as by `kill -9`, when it comes to this point.

    Points are: before each statement that writes the journal, before its transaction is committed when there is more
    in it, and after the commit.
    """
    from contextlib import asynccontextmanager

    from timestep.durable import journal_writer

    passed = 0
    wrote = False

    def come() -> None:
        nonlocal passed
        passed += 1
        if passed == point:
            os.kill(os.getpid(), 9)

    original_execute, original_transaction = journal_writer._execute, Database.transaction

    async def execute(queryable: Any, *args: Any) -> None:
        nonlocal wrote
        come()
        await original_execute(queryable, *args)
        wrote = True
        if not isinstance(queryable, Database):
            come()

    @asynccontextmanager
    async def transaction(self: Database) -> AsyncIterator[Any]:
        nonlocal wrote
        async with original_transaction(self) as inner:
            yield inner
        if wrote:
            wrote = False
            come()

    setattr(journal_writer, "_execute", execute)  # noqa: B010
    setattr(Database, "transaction", transaction)  # noqa: B010


def context() -> Any:
    """The context with which the run begins."""
    return json.loads(json.dumps(CONTEXT))
