"""Results of guardrails, in the two SDKs' snapshots."""

from __future__ import annotations

from ._json import At, JsonObject

_BEHAVIORS = {"allow": "allow", "rejectContent": "reject_content", "throwException": "raise_exception"}


def to_python_guardrail_results(root: At) -> JsonObject:
    """The results of all guardrails, as the fields of a Python snapshot.

    Raises:
        StateTranslationError: `guardrail_tripped`.
    """
    return {
        "input_guardrail_results": _results(root, "inputGuardrailResults"),
        "output_guardrail_results": _results(root, "outputGuardrailResults"),
        "tool_input_guardrail_results": _tool_results(root, "toolInputGuardrailResults"),
        "tool_output_guardrail_results": _tool_results(root, "toolOutputGuardrailResults"),
    }


def _results(root: At, name: str) -> list[object]:
    results = root.need(name).list()
    for result in results:
        if result.need("output").need("tripwireTriggered").flag():
            result.fail("guardrail_tripped", "A guardrail has tripped: the run must not go on")
    return [result.object() for result in results]


def _tool_results(root: At, name: str) -> list[JsonObject]:
    found = root.get(name)
    translated: list[JsonObject] = []
    for result in found.list() if found is not None else ():
        result.object("guardrail", "output")
        output = result.need("output")
        behavior = output.need("behavior")
        kind = behavior.need("type").one_of(*_BEHAVIORS)
        if kind == "throwException":
            result.fail("guardrail_tripped", "A guardrail of a tool has tripped: the run must not go on")
        translated.append(
            {
                "guardrail": result.need("guardrail").object(),
                "output": {
                    "outputInfo": output.object().get("outputInfo"),
                    "behavior": {**behavior.object(), "type": _BEHAVIORS[kind]},
                },
            }
        )
    return translated
