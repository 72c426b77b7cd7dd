"""Which saved run a state came from: so that one approval is one execution."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from typing import Any

from agents import RunState


class Claim(ABC):
    """The right to resume a saved run."""

    @abstractmethod
    async def take(self, state: RunState[Any]) -> None:
        """Takes the right, once and for this process, and notes the decisions that were taken.

        Raises:
            RunStateConflictError: Somebody else has it.
        """

    @abstractmethod
    async def settle(self) -> None:
        """Notes that the run has ended."""


_claims: dict[int, tuple[weakref.ref[RunState[Any]], Claim]] = {}


def remember_claim(state: RunState[Any], claim: Claim) -> None:
    """Notes which saved run a state came from, for as long as the state lives.

    States have no hash, so they cannot be keys themselves.
    """
    key = id(state)
    _claims[key] = (weakref.ref(state, lambda _: _claims.pop(key, None)), claim)


def claim_of(state: RunState[Any]) -> Claim | None:
    """The saved run that a state came from, if it came from one."""
    reference, claim = _claims.get(id(state), (None, None))
    return claim if reference is not None and reference() is state else None
