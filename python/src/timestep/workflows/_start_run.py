"""What every durable run is made of, however it is started."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from agents import Agent, OpenAIConversationsSession, TResponseInputItem
from agents.memory import Session

from ..database.storable_name import assert_storable_name
from ..durable.context_tracker import assert_serializable
from ..durable.create_run import NewRun, assert_same_run, run_parameters
from ..durable.registry import register_agent
from ..session.database_session import DatabaseSession
from ..state._json import JsonObject
from ..state._json_text import json_text
from ..state._protocol_items import to_protocol_item
from .errors import SessionNotDurableError

if TYPE_CHECKING:
    from ..database.database import Transaction

_MAX_TIMEOUT_SECONDS = 2_147_483
"""The most seconds that a timer of the TypeScript module can run for: 24 days."""


@dataclass(frozen=True)
class PreparedRun:
    """A run, ready to be recorded."""

    run: NewRun
    dispatch: JsonObject
    """How it is dispatched, as far as it says itself: `sessionKind`, `timeoutSeconds`."""

    async def with_session(self, session: Session | None) -> PreparedRun:
        """The run, with what another process needs to open the session again.

        Raises:
            SessionNotDurableError: Its items are only in this process.
        """
        if session is None:
            return self
        if isinstance(session, DatabaseSession):
            session_id, kind = session.session_id, "database"
        elif isinstance(session, OpenAIConversationsSession):
            # The conversation is made with the first use, and only then has an id.
            session_id, kind = await session._get_session_id(), "openai_conversations"
        else:
            raise SessionNotDurableError(
                f"Cannot start a durable run with a {type(session).__name__}: another process could not open it "
                "again to go on with the run. Use a DatabaseSession or an OpenAIConversationsSession"
            )
        dispatch: JsonObject = {**self.dispatch, "sessionKind": kind}
        return PreparedRun(replace(self.run, session_id=session_id), dispatch)


def prepare_run(
    agent: Agent[Any] | str,
    input_items: str | Sequence[TResponseInputItem],
    *,
    workflow_id: str | None,
    stream: bool = False,
    timeout_seconds: float | None = None,
    context: JsonObject | None = None,
    max_turns: int | None = None,
    owner_id: str | None = None,
) -> PreparedRun:
    """Checks what a run is made of, and registers its agent.

    Raises:
        TypeError: An argument is of another kind.
        ValueError: An argument is out of range.
        AgentNameConflictError: Another agent of the same name is registered.
        ContextNotSerializableError: The context holds what JSON cannot.
        StateTranslationError: An item of the input has no form in the database.
    """
    if workflow_id is not None:
        assert_storable_name("workflow_id", workflow_id)
        if re.search(r":[rt]\d+$", workflow_id):
            raise ValueError(
                f'Cannot start run "{workflow_id}": ids that end in :r or :t and a number are those of continuations'
            )
    if owner_id is not None:
        assert_storable_name("owner_id", owner_id)
    if timeout_seconds is not None and not 0 < timeout_seconds <= _MAX_TIMEOUT_SECONDS:
        raise ValueError(
            f"Cannot start a run: timeout_seconds is {timeout_seconds}, but has to be more than 0 and at most "
            f"{_MAX_TIMEOUT_SECONDS}"
        )
    if max_turns is not None and (type(max_turns) is not int or max_turns < 1):
        raise ValueError(f"Cannot start a run: max_turns is {max_turns}, but has to be an integer, 1 or more")
    if not isinstance(input_items, str) and not _are_items(input_items):
        raise TypeError(
            f"Cannot start a run: input_items is {input_items!r:.60}, but has to be a text or a list of items"
        )
    assert_serializable(context)
    if isinstance(agent, Agent):
        register_agent(agent)
    given = input_items if isinstance(input_items, str) else _protocol(input_items)
    options = {
        **({"stream": True} if stream else {}),
        **({"maxTurns": max_turns} if max_turns is not None else {}),
        **({"context": context} if context is not None else {}),
    }
    run = NewRun(
        workflow_id if workflow_id is not None else str(uuid4()),
        agent,
        # The text is compared when the same run is started again, also by TypeScript: written as there.
        json_text(given, ensure_ascii=False, separators=(",", ":")),
        owner_id=owner_id,
        options=json_text(options, ensure_ascii=False, separators=(",", ":")),
    )
    return PreparedRun(run, {"timeoutSeconds": timeout_seconds} if timeout_seconds is not None else {})


async def start_run(
    transaction: Transaction, prepared: PreparedRun, dispatch: JsonObject, delay_seconds: float | None = None
) -> bool:
    """Records a run together with the workflow that dispatches it, in one transaction.

    Returns:
        Whether the run is new; an old one keeps the workflow it has.

    Raises:
        RunConflictError: A run of this id has another agent, input, session or options.
    """
    delay = None if delay_seconds is None else str(delay_seconds)
    rows = await transaction.query(
        "select timestep.start_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::float8)",
        [*run_parameters(prepared.run), json.dumps({**dispatch, **prepared.dispatch}), delay],
    )
    if rows[0][0] is not None:
        return True
    await assert_same_run(transaction, prepared.run)
    return False


def _are_items(value: object) -> bool:
    return isinstance(value, Sequence) and all(isinstance(item, Mapping) for item in value)


def _protocol(items: Sequence[TResponseInputItem]) -> list[JsonObject]:
    plain = [cast("dict[str, object]", item) for item in items]
    names = {str(item["call_id"]): str(item["name"]) for item in plain if item.get("type") == "function_call"}
    return [to_protocol_item(item, names.get) for item in plain]
