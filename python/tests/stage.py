"""Runs a scenario of `tests/vectors` with the Python SDK, scripted where HTTP would begin."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from agents import (
    Agent,
    FunctionTool,
    GuardrailFunctionOutput,
    HostedMCPTool,
    InputGuardrail,
    ModelSettings,
    OpenAIResponsesModel,
    OutputGuardrail,
    RunConfig,
    Runner,
    RunResult,
    RunState,
    ToolApprovalItem,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolOutputFileContent,
    ToolOutputGuardrail,
    ToolOutputImage,
    ToolOutputText,
    handoff,
)
from agents.memory import Session, SessionABC, SessionSettings
from agents.usage import Usage
from openai import AsyncOpenAI

Json = dict[str, Any]
"""A JSON object of a vector: the tests read what the SDKs wrote, whose shape is theirs."""

VECTORS = Path(__file__).resolve().parents[2] / "tests" / "vectors"

RESPONSE_USAGE: Json = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 0},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 120,
}


def load_scenarios() -> list[Json]:
    """All scenarios, in order."""
    scenarios: list[Json] = json.loads((VECTORS / "scenarios.json").read_text())
    return scenarios


class MemorySession(SessionABC):
    """A session in memory: what the SDK gave, in order."""

    session_id = "session"
    session_settings: SessionSettings | None = None

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    async def get_items(self, limit: int | None = None) -> list[Any]:
        return copy.deepcopy(self.items if limit is None else self.items[-limit:])

    async def add_items(self, items: list[Any]) -> None:
        self.items.extend(copy.deepcopy(items))

    async def pop_item(self) -> Any:
        return self.items.pop() if self.items else None

    async def clear_session(self) -> None:
        self.items.clear()


class Stage:
    """The model's and the tools' side of a scenario, kept across its pauses."""

    def __init__(self, scenario: Json, model_calls: int = 0) -> None:
        self.scenario = scenario
        self.model_calls = model_calls
        self.requests: list[Json] = []
        self.executed: list[tuple[str, Any]] = []
        client = AsyncOpenAI(
            api_key="none",
            max_retries=0,
            http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer)),
        )
        self._model = OpenAIResponsesModel("scripted", client)
        self._agents: dict[str, Agent[Any]] = {}
        self.agent = self._agent(scenario["agents"][0]["name"])

    async def run(self, start: str | list[Any] | RunState[Any], session: Session | None = None) -> RunResult:
        """Runs to the next pause or the end."""
        options: Json = {}
        for ours, theirs in (
            ("conversationId", "conversation_id"),
            ("previousResponseId", "previous_response_id"),
            ("maxTurns", "max_turns"),
            ("context", "context"),
        ):
            if ours in self.scenario and not isinstance(start, RunState):
                options[theirs] = copy.deepcopy(self.scenario[ours])
        return await Runner.run(
            self.agent, start, session=session, run_config=RunConfig(tracing_disabled=True), **options
        )

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        self.requests.append(_normal_request(body))
        script = self.scenario["script"]
        assert self.model_calls < len(script), f"no answer to model call {self.model_calls + 1}: {body['input']}"
        output = script[self.model_calls]
        self.model_calls += 1
        response = {
            "id": f"resp_{self.model_calls}",
            "object": "response",
            "created_at": 0,
            "status": "completed",
            "model": "scripted",
            "output": output,
            "usage": RESPONSE_USAGE,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
        }
        if not body.get("stream"):
            return httpx2.Response(200, json=response)
        event = {"type": "response.completed", "sequence_number": 0, "response": response}
        text = f"event: response.completed\ndata: {json.dumps(event)}\n\n"
        return httpx2.Response(200, text=text, headers={"content-type": "text/event-stream"})

    def _agent(self, name: str) -> Agent[Any]:
        if name in self._agents:
            return self._agents[name]
        definition = next(agent for agent in self.scenario["agents"] if agent["name"] == name)
        guardrails = definition.get("guardrails", [])
        agent: Agent[Any] = Agent(
            name=name,
            instructions=definition["instructions"],
            model=self._model,
            model_settings=ModelSettings(),
            input_guardrails=[InputGuardrail(_pass, name="pass")] if "input" in guardrails else [],
            output_guardrails=[OutputGuardrail(_pass, name="pass")] if "output" in guardrails else [],
        )
        self._agents[name] = agent
        agent.tools = [self._tool(tool) for tool in definition.get("tools", [])]
        agent.tools += [
            HostedMCPTool(
                tool_config={
                    "type": "mcp",
                    "server_label": label,
                    "server_url": "https://mcp.example",
                    "require_approval": "always",
                }
            )
            for label in definition.get("mcpServers", [])
        ]
        agent.handoffs = [
            handoff(self._agent(target["agent"]), tool_name_override=target["toolName"])
            for target in definition.get("handoffs", [])
        ]
        return agent

    def _tool(self, name: str) -> FunctionTool:
        definition = next(tool for tool in self.scenario["tools"] if tool["name"] == name)
        if "agent" in definition:
            nested = self._agent(definition["agent"]).as_tool(name, name)
            assert isinstance(nested, FunctionTool)
            return nested
        output = definition["output"]
        answer = output if isinstance(output, str) else _python_output(output["python"])
        guardrails = definition.get("guardrails", [])

        async def invoke(_context: object, arguments: str) -> object:
            self.executed.append((name, json.loads(arguments)))
            return answer

        return FunctionTool(
            name=name,
            description=name,
            params_json_schema={
                "type": "object",
                "properties": definition["parameters"],
                "required": [],
                "additionalProperties": True,
            },
            on_invoke_tool=invoke,
            strict_json_schema=False,
            needs_approval=definition.get("needsApproval", False),
            tool_input_guardrails=([ToolInputGuardrail(_allow, name="pass")] if "input" in guardrails else None),
            tool_output_guardrails=([ToolOutputGuardrail(_allow, name="pass")] if "output" in guardrails else None),
        )


async def _pass(_context: object, _agent: object, _value: object) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(output_info={"checked": True}, tripwire_triggered=False)


async def _allow(_data: object) -> ToolGuardrailFunctionOutput:
    return ToolGuardrailFunctionOutput.allow(output_info={"checked": True})


def _python_output(value: Any) -> Any:
    kinds = {"text": ToolOutputText, "image": ToolOutputImage, "file": ToolOutputFileContent}
    if isinstance(value, list):
        return [kinds[part["type"]](**part) for part in value]
    return value


def decide(state: RunState[Any], decisions: Mapping[str, Json] | None) -> None:
    """Takes these decisions on what is pending."""
    for item in state.get_interruptions():
        made = (decisions or {}).get(interruption_id(item))
        if made is None:
            continue
        if made["decision"] == "approve":
            state.approve(item, always_approve=made.get("always", False))
        else:
            state.reject(item, always_reject=made.get("always", False), rejection_message=made.get("message"))


def interruption_id(item: ToolApprovalItem) -> str:
    """The id of the call that an interruption asks about."""
    raw = item.raw_item
    read = raw.get if isinstance(raw, Mapping) else lambda key: getattr(raw, key, None)
    return str(read("call_id") or read("id"))


def _normal_request(body: Json) -> Json:
    value = body["input"]
    return {
        "input": [{"role": "user", "content": value}] if isinstance(value, str) else value,
        **({"previousResponseId": body["previous_response_id"]} if body.get("previous_response_id") else {}),
        **({"conversation": body["conversation"]} if body.get("conversation") else {}),
    }


def usage_of(usage: Usage) -> Json:
    """Usage in the form of the vectors."""
    return {
        "requests": usage.requests,
        "inputTokens": usage.input_tokens,
        "cachedInputTokens": usage.input_tokens_details.cached_tokens,
        "outputTokens": usage.output_tokens,
        "reasoningTokens": usage.output_tokens_details.reasoning_tokens,
        "totalTokens": usage.total_tokens,
    }
