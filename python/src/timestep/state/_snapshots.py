"""Where one paused run is kept, and who may resume it. Every change names what its maker has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ._facts import InterruptionFacts, ModelUsage
from .envelope import Envelope


@dataclass(frozen=True)
class Snapshot:
    """What is saved of a paused run."""

    envelope: Envelope
    is_ended: bool
    """Whether the run has ended. One that has can be kept, too, and is in nobody's way."""
    interruptions: list[InterruptionFacts]
    usage: list[ModelUsage]
    """Counted from the run's beginning."""


@dataclass(frozen=True)
class RunEnd:
    """What is noted of a run that has ended."""

    final_output: object
    usage: list[ModelUsage]


@dataclass(frozen=True)
class SavedRun:
    """A saved run, as far as somebody has seen it."""

    run_id: str
    version: int
    claim: str | None
    """Who has begun to resume it."""


class Snapshots(Protocol):
    """Where one paused run is kept."""

    @property
    def place(self) -> str:
        """Where that is, for messages: `of agent 'A' in session 's'`."""

    async def read(self) -> tuple[SavedRun, Envelope] | None:
        """The paused run, if there is one."""

    async def replace(self, snapshot: Snapshot, held: SavedRun) -> SavedRun | None:
        """Saves a snapshot of the run `held` in its place; None when it is not as seen."""

    async def add(self, snapshot: Snapshot, held: SavedRun | None) -> SavedRun | None:
        """Saves a snapshot as a new run, and gives `held` up; None when another run is paused there."""

    async def claim(self, run: SavedRun, claim: str, decisions: list[InterruptionFacts]) -> bool:
        """Takes the right to resume a run from who has it, and notes the decisions; False when it is not as seen."""

    async def settle(self, run: SavedRun, end: RunEnd) -> bool:
        """Notes that a run which was claimed has ended; False when somebody else has taken it over."""

    async def clear(self) -> None:
        """Gives the paused run up. Its record stays."""

    async def close(self) -> None:
        """Lets go of what was opened."""
