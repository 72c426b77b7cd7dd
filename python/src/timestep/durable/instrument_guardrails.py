"""Guardrails as steps of the durable run that they are used in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from agents import GuardrailFunctionOutput, ToolGuardrailFunctionOutput
from agents.guardrail import InputGuardrail, InputGuardrailResult, OutputGuardrail, OutputGuardrailResult

from ..state.storable_id import storable_id, storable_text
from .recorded_step import run_plain_step
from .recorded_value import plain
from .scope import Scope, recording_scope


def instrument_guardrails(original: Callable[..., Any]) -> Callable[..., Any]:
    """The `run` of an agent's guardrails."""

    async def run(self: InputGuardrail[Any] | OutputGuardrail[Any], *args: Any, **kwargs: Any) -> Any:
        scope = recording_scope()
        if scope is None:
            return await original(self, *args, **kwargs)
        result: InputGuardrailResult | OutputGuardrailResult | None = None

        async def body() -> GuardrailFunctionOutput:
            nonlocal result
            result = await original(self, *args, **kwargs)
            return result.output

        is_input = isinstance(self, InputGuardrail)
        place = "input" if is_input else f"{scope.turn}:output"
        output = await _guardrail_step(scope, place, self.get_name(), body, _decode_verdict)
        if result is not None:
            return result
        # What else is in the result is made anew of the parameters: agents, which cannot be recorded.
        if isinstance(self, InputGuardrail):
            return InputGuardrailResult(guardrail=self, output=output)
        named = dict(zip(("context", "agent", "agent_output"), args, strict=False)) | kwargs
        return OutputGuardrailResult(
            guardrail=self, agent=named["agent"], agent_output=named["agent_output"], output=output
        )

    return run


def instrument_tool_guardrails(original: Callable[..., Any]) -> Callable[..., Any]:
    """The `run` of a tool's guardrails."""

    async def run(self: Any, data: Any) -> ToolGuardrailFunctionOutput:
        async def body() -> ToolGuardrailFunctionOutput:
            output: ToolGuardrailFunctionOutput = await original(self, data)
            return output

        scope = recording_scope()
        if scope is None:
            return await body()
        place = "tool_output" if hasattr(data, "output") else "tool_input"
        place = f"{scope.turn}:{place}:{storable_id(data.context.tool_call_id)}"
        name: str = self.get_name()
        output: ToolGuardrailFunctionOutput = await _guardrail_step(scope, place, name, body, _decode_behavior)
        return output

    return run


async def _guardrail_step(
    scope: Scope, place: str, name: str, body: Callable[[], Awaitable[Any]], decode: Callable[[Any], Any]
) -> Any:
    """Records what a guardrail says as plain data; what it says about it may be anything."""
    key = f"guardrail:{scope.prefix}{place}:{storable_id(name)}"
    return await run_plain_step(scope, key, "guardrail", storable_text(name), body, encode=_encode, decode=decode)


def _encode(output: GuardrailFunctionOutput | ToolGuardrailFunctionOutput) -> object:
    info = {"outputInfo": plain(output.output_info)}
    if isinstance(output, GuardrailFunctionOutput):
        return {**info, "tripwireTriggered": output.tripwire_triggered}
    return {**info, "behavior": plain(output.behavior)}


def _decode_verdict(recorded: Any) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(output_info=recorded["outputInfo"], tripwire_triggered=recorded["tripwireTriggered"])


def _decode_behavior(recorded: Any) -> ToolGuardrailFunctionOutput:
    return ToolGuardrailFunctionOutput(output_info=recorded["outputInfo"], behavior=recorded["behavior"])
