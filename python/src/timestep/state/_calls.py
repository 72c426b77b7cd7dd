"""Which calls of a run were completed and which are pending: the ledger that a Python snapshot carries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ._json import At, JsonObject
from ._sdk import call_record

THERE = "Resume in the language that saved it"
_CALLS = ("tool_call_item", "handoff_call_item")
_OUTPUTS = ("tool_call_output_item", "handoff_output_item")


@dataclass
class Calls:
    """The calls of a run, by their id."""

    records: dict[str, JsonObject] = field(default_factory=dict)
    completed: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)

    def ledger(self) -> JsonObject:
        """The `tool_invocations` of a Python snapshot."""
        return {
            call_id: {**record, "executed": call_id in self.completed, "completed": call_id in self.completed}
            for call_id, record in self.records.items()
        }


def account(items: Iterable[tuple[At, JsonObject]], pending: set[str]) -> Calls:
    """Accounts for every call: completed by an output, or pending.

    Args:
        items: The run's items as they were saved, each with its translation, in order.
        pending: Ids of the calls that wait for a decision, or in which a nested run does.

    Raises:
        StateTranslationError: `call_unaccounted` when a call may have been executed without its output being
            known, since it would be executed again; `call_id_reused`; `malformed_state` for an output
            without a call.
    """
    calls = Calls()
    saved: dict[str, At] = {}
    for at, item in items:
        raw = item["raw_item"]
        if not isinstance(raw, dict):
            continue
        if item["type"] in _CALLS and raw.get("type") == "function_call":
            _add(calls, at, item, raw)
            saved[str(raw["call_id"])] = at
        elif item["type"] == "mcp_approval_request_item":
            _add(calls, at, item, raw)
            saved[str(raw["id"])] = at
        elif item["type"] in _OUTPUTS:
            _complete(calls, at, str(raw["call_id"]))
        elif item["type"] == "mcp_approval_response_item":
            _complete(calls, at, str(raw["approval_request_id"]))
    for call_id, at in saved.items():
        if call_id not in calls.completed and call_id not in pending:
            at.fail(
                "call_unaccounted",
                f"The call {call_id!r} has no output and does not wait for a decision: it may have been "
                "executed, and would be again. Resume in the language that saved it",
            )
    return calls


def _add(calls: Calls, at: At, item: JsonObject, raw: JsonObject) -> None:
    call_id = str(raw["call_id"] if "call_id" in raw else raw["id"])
    is_function = raw["type"] == "function_call"
    tool = _tool(raw) if is_function else None
    try:
        record = call_record(raw, tool=tool, is_handoff=item["type"] == "handoff_call_item")
    except UnicodeEncodeError:
        at.fail("lone_surrogate", "The arguments of a call hold half of a character, which cannot be sent on. " + THERE)
    except (RecursionError, ValueError):
        at.fail("unsupported_call", "The Agents SDK of this language cannot read the arguments of a call. " + THERE)
    if record is None:
        at.malformed("a call with an id and arguments")
    if call_id in calls.records:
        at.fail(
            "call_id_reused",
            f"Two calls have the id {call_id!r}, so that their outputs cannot be told apart. "
            "Resume in the language that saved it",
        )
    calls.records[call_id] = record
    calls.names[call_id] = str(raw["name"])


def _tool(raw: JsonObject) -> JsonObject:
    namespace = raw.get("namespace")
    return {"name": raw["name"], **({"namespace": namespace} if namespace is not None else {})}


def _complete(calls: Calls, at: At, call_id: str) -> None:
    if call_id not in calls.records:
        at.malformed("the output of a call that is in the run")
    calls.completed.add(call_id)
