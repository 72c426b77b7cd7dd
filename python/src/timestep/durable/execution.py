"""A run while this process executes it: what was recorded before, and where to record what happens now."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..state._facts import ModelUsage
from .context_tracker import ContextTracker
from .errors import ApprovalReusedError, RunDivergedError
from .journal_row import JournalRow, RecordedStep, RunOwner
from .journal_writer import JournalWriter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..database.database import Database


class Execution:
    """A run while this process executes it."""

    def __init__(
        self,
        database: Database,
        owner: RunOwner,
        recorded: Iterable[RecordedStep],
        attempts: dict[str, int],
        position: int,
    ) -> None:
        """Begins where the run is.

        Args:
            database: Where it is recorded.
            owner: Who executes it.
            recorded: The steps of the run's segment that were recorded before, in the order of their positions.
            attempts: How often a step has begun to stream events.
            position: The last position that is taken.
        """
        self.database = database
        self.owner = owner
        self.failure: BaseException | None = None
        """Why the execution must stop, whatever the SDK makes of it."""
        self.task: asyncio.Task[Any] | None = None
        """What is cancelled when it must stop."""
        self.usage: dict[str, ModelUsage] = {}
        """What the models were used for in this segment, in the order of their first use."""
        self._recorded = {step.key: step for step in recorded}
        self._attempts = attempts
        self._approvals: dict[tuple[str, str], str | None] = {}
        self._context: ContextTracker | None = None
        self.writer = JournalWriter(database, owner, position, self.fail)

    def fail(self, error: BaseException) -> None:
        """Stops the execution: `error` is what comes of it. The first one counts."""
        if self.failure is not None:
            return
        self.failure = error
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()

    def check(self) -> None:
        """Raises what the execution has failed with: the SDK makes texts for the model of errors."""
        if self.failure is not None:
            raise self.failure

    def take(self, key: str) -> RecordedStep | None:
        """What was recorded of a step; each can be taken once."""
        self.check()
        return self._recorded.pop(key, None)

    def peek(self, key: str) -> RecordedStep | None:
        """What was recorded of a step, if it was not yet taken."""
        return self._recorded.get(key)

    def assert_nothing_skipped(self, prefix: str, key: str) -> None:
        """Makes sure that nothing was left out before a scope makes a model call of its own.

        Raises:
            RunDivergedError: A recorded model or tool call of the scope was not taken.
        """
        for step in self._recorded.values():
            if step.status != "started" and step.key.startswith((f"model:{prefix}", f"tool:{prefix}")):
                raise self.diverged(f'"{key}" came before "{step.key}" ({step.name}), which is recorded')

    def diverged(self, difference: str) -> RunDivergedError:
        """The error of a run that does other things than are recorded; it also stops the execution."""
        error = RunDivergedError(
            f'Cannot go on with run "{self.owner.run_id}": what it does differs from what is recorded. The first '
            f"difference: {difference}. Execute it with the code that it was begun with, or begin a new run"
        )
        self.fail(error)
        return error

    def approve(self, agent_name: str, call_id: str, *, is_earlier: bool) -> None:
        """Notes that a person has approved one call, in this segment's pause or in an earlier one."""
        self._approvals[agent_name, call_id] = "a call in an earlier part of the run" if is_earlier else None

    def use_approval(self, agent_name: str | None, call_id: str, key: str) -> None:
        """Makes sure that an approval is used once: models may give an id again.

        Raises:
            ApprovalReusedError: Another call has used it.
        """
        approval = (agent_name or "", call_id)
        if approval not in self._approvals:
            return
        used_by, self._approvals[approval] = self._approvals[approval], key
        if used_by is None:
            return
        error = ApprovalReusedError(
            f'Cannot execute "{key}" of run "{self.owner.run_id}": nobody has approved it. Its model gave it the id '
            f'"{call_id}" of {used_by}, which was approved. Use a model that gives each call an id of its own'
        )
        self.fail(error)
        raise error

    @property
    def has_asked_model(self) -> bool:
        """Whether a model has answered in this run, now or before."""
        return (
            self.owner.segment > 0 or bool(self.usage) or any(step.kind == "model" for step in self._recorded.values())
        )

    def next_attempt(self, key: str) -> int:
        """The number of the next attempt of a step that streams events."""
        self._attempts[key] = self._attempts.get(key, 0) + 1
        return self._attempts[key]

    def follow_context(self, name: str, context: object) -> None:
        """Records and restores from now on what steps change in the run context."""
        patches = [step for step in self._recorded.values() if step.context_patch is not None]
        self._context = ContextTracker(name, context, patches)

    def patch_context(self) -> str | None:
        """What has changed in the context since the last step that was recorded, as JSON text, if anything."""
        try:
            return self._context.patch() if self._context is not None else None
        except Exception as error:
            self.fail(error)
            raise

    def restore_context(self, step: RecordedStep) -> None:
        """Changes the context as it was changed when a step was recorded."""
        if self._context is not None:
            self._context.restore(step)

    def count(self, used: ModelUsage) -> None:
        """Counts what a model call has used, whether it was made now or is replayed."""
        self.usage[used.model] = self.usage.get(used.model, ModelUsage(used.model)).plus(used)

    def record(self, row: JournalRow) -> asyncio.Future[None]:
        """Records a step that is over."""
        self.check()
        return self.writer.write(row)
