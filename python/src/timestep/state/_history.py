"""The items of a run: which are kept, in which order, and which came of the answer that is being processed."""

from __future__ import annotations

from ._json import At, JsonObject
from ._response import Response
from ._run_items import to_python_run_item
from .agent_graph import AgentGraph, require_agent

Placed = tuple[int, At, JsonObject]
"""An item of the run: its index among the saved ones, what was saved, its translation."""


def generated_items(root: At, graph: AgentGraph, interruptions: list[JsonObject]) -> list[Placed]:
    """The run's items, without questions that were answered long ago."""
    pending = call_ids(interruptions)
    kept: list[Placed] = []
    for index, item in enumerate(root.need("generatedItems").list()):
        translated = to_python_run_item(item)
        for reference in ("agent", "source_agent", "target_agent"):
            named = translated.get(reference)
            if isinstance(named, dict):
                require_agent(graph, item, str(named["name"]))
        if not _is_approval(translated) or call_ids([translated]) & pending:
            kept.append((index, item, translated))
    return kept


def approvals_behind(new_items: list[JsonObject], items: list[Placed], interruptions: list[JsonObject]) -> list[Placed]:
    """Each question once, and behind the items of the answer that it is about, where the Python SDK has it.

    The TypeScript SDK puts that of a hosted tool among them, and asks again behind them.
    """
    approvals = {_call_id(placed[2]): placed for placed in items if _is_approval(placed[2])}
    plain = [placed for placed in items if not _is_approval(placed[2])]
    starts = _starts([item for _, _, item in plain], new_items)
    end = plain[starts[0] + len(new_items) - 1][0] if len(starts) == 1 and new_items else -1
    if all(position > end for position, _, item in items if _is_approval(item)):
        return [placed for placed in items if not _is_approval(placed[2]) or placed in approvals.values()]
    asked = [approvals[name] for name in dict.fromkeys(map(_call_id, interruptions)) if name in approvals]
    before = [placed for placed in plain if placed[0] <= end]
    return before + asked + [placed for placed in plain if placed[0] > end]


def _call_id(item: JsonObject) -> str:
    return next(iter(call_ids([item])), "")


def _is_approval(item: JsonObject) -> bool:
    return item["type"] == "tool_approval_item"


def _starts(items: list[JsonObject], part: list[JsonObject]) -> list[int]:
    """Where a part stands in a list: all indexes."""
    return [start for start in range(len(items) - len(part) + 1) if items[start : start + len(part)] == part]


def call_ids(items: list[JsonObject]) -> set[str]:
    """The ids of the calls that these items are about."""
    raws = [item["raw_item"] for item in items]
    return {str(raw.get("call_id") or raw.get("id")) for raw in raws if isinstance(raw, dict)}


def ownership_of(
    root: At, response: Response, generated: list[JsonObject], interruptions: list[JsonObject]
) -> JsonObject | None:
    """Which of the run's items came of the answer of the model that is being processed.

    Raises:
        StateTranslationError: `history_filtered` when they cannot be found.
    """
    new_items = response.new_items
    starts = _starts(generated, new_items)
    if len(starts) != 1:
        root.need("generatedItems").fail(
            "history_filtered",
            "The last answer of the model is not in the history of the run, or not at one place: "
            "a handoff filtered it. Resume in the language that saved it",
        )
    response.start = starts[0]
    indexes = [
        index
        for pending in interruptions
        for index in range(starts[0] + len(new_items), len(generated))
        if generated[index] == pending
    ]
    if len(indexes) != len(interruptions) or len(set(indexes)) != len(indexes):
        # Approvals asked for by a nested run are not among the items of this one.
        return None
    return {"start": starts[0], "end": len(generated), "interruptions": indexes}
