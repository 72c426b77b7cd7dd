"""A paused run in a file."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from agents import RunState

from ._claims import Claim
from ._json import JsonObject
from ._run_rows import Interruption, Usage
from .envelope import Envelope
from .run_state_errors import RunStateConflictError, RunStateMalformedError, RunStateNotFoundError

try:
    import fcntl
except ImportError:  # Windows, where two processes have to take care themselves.
    fcntl = None  # type: ignore[assignment]

_TEXTS = ("language", "sdk_name", "sdk_version", "schema_version")


@dataclass(frozen=True)
class _Saved:
    """Which snapshot a file held, and who had begun to resume it."""

    run_id: str
    version: int
    claim: str | None


class FileRuns:
    """The paused run of one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: _Saved | None = None

    async def save(
        self,
        envelope: Envelope,
        interruptions: Sequence[Interruption],
        usage: Usage,
        origin: Claim | None,
    ) -> Claim:
        """Saves a snapshot; gives the right to resume it. A file has no rows for the rest."""
        held = origin.saved if isinstance(origin, FileClaim) and origin.path == self._path else self._held
        with _locked(self._path):
            found = _paused(_read(self._path))
            if found is not None and not _is_held(found, held):
                raise RunStateConflictError(
                    f"The run in {self._path} could not be saved: there is a paused run that this store has not "
                    "loaded, or that was saved or resumed since. Load it, or clear() it first"
                )
            saved = (
                _Saved(found.run_id, found.version + 1, None) if found is not None else _Saved(str(uuid4()), 1, None)
            )
            _write(
                self._path,
                {
                    **envelope.to_json(),
                    "run_id": saved.run_id,
                    "version": saved.version,
                    "status": "interrupted",
                    "claimed_by": None,
                },
            )
        self._held = saved
        return FileClaim(self._path, saved)

    async def load(self, take_over: bool) -> tuple[Envelope, Claim]:
        """The snapshot, and the right to resume it."""
        content = _read(self._path)
        found = _paused(content)
        if content is None or found is None:
            raise RunStateNotFoundError(f"There is no paused run in {self._path}")
        if found.claim is not None and not take_over:
            raise RunStateConflictError(
                f"The run in {self._path} could not be loaded: it is being resumed, or who resumed it died (process "
                f"and attempt {found.claim}). If that is certain, load(take_over=True) resumes it once more"
            )
        envelope = _envelope(self._path, content)
        self._held = found
        return envelope, FileClaim(self._path, found)

    async def clear(self) -> None:
        """Ends the paused run, if there is one; the file stays."""
        with _locked(self._path):
            content = _read(self._path)
            if content is not None and _paused(content) is not None:
                _write(self._path, {**content, "status": "cancelled"})
        self._held = None

    async def close(self) -> None:
        """Does nothing: a file is not kept open."""


class FileClaim(Claim):
    """The right to resume the snapshot in a file."""

    def __init__(self, path: Path, saved: _Saved) -> None:
        self.path = path
        self.saved = saved
        self._is_taken = False

    async def take(self, state: RunState[Any]) -> None:
        """Takes the right, once."""
        if self._is_taken:
            return
        claim = f"{os.getpid()}:{uuid4()}"
        with _locked(self.path):
            content = _read(self.path)
            if content is None or _paused(content) != self.saved:
                raise RunStateConflictError(
                    f"The run in {self.path} could not be resumed: it was resumed, saved again or cleared since it "
                    "was loaded. Load it again to see where it is"
                )
            _write(self.path, {**content, "claimed_by": claim})
        self.saved = replace(self.saved, claim=claim)
        self._is_taken = True

    async def settle(self) -> None:
        """Notes that the run has ended."""
        with _locked(self.path):
            content = _read(self.path)
            if content is not None and _paused(content) == self.saved:
                _write(self.path, {**content, "status": "completed"})


def _paused(content: JsonObject | None) -> _Saved | None:
    """The paused run of a file, if it has one."""
    if content is None or content.get("status") != "interrupted":
        return None
    version, claim = content.get("version"), content.get("claimed_by")
    return _Saved(
        str(content.get("run_id")),
        version if isinstance(version, int) else 0,
        str(claim) if claim is not None else None,
    )


def _is_held(found: _Saved, held: _Saved | None) -> bool:
    if held is None or (found.run_id, found.version) != (held.run_id, held.version):
        return False
    return found.claim is None or found.claim == held.claim


def _envelope(path: Path, content: JsonObject) -> Envelope:
    graph, settled, state = (
        content.get("agent_graph"),
        content.get("guardrails_settled"),
        content.get("state"),
    )
    texts = {name: content.get(name) for name in _TEXTS}
    if (
        not isinstance(graph, dict)
        or not isinstance(settled, bool)
        or not isinstance(state, (dict, str))
        or not all(isinstance(text, str) for text in texts.values())
    ):
        raise RunStateMalformedError(f"The run in {path} could not be loaded: the file is damaged")
    return Envelope(
        language=str(texts["language"]),
        sdk_name=str(texts["sdk_name"]),
        sdk_version=str(texts["sdk_version"]),
        schema_version=str(texts["schema_version"]),
        agent_graph=graph,
        guardrails_settled=settled,
        state=state if isinstance(state, str) else json.dumps(state),
    )


def _read(path: Path) -> JsonObject | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise RunStateMalformedError(f"The run in {path} could not be read: {error}") from error
    if not isinstance(content, dict):
        raise RunStateMalformedError(f"The run in {path} could not be read: the file is damaged")
    return content


def _write(path: Path, content: JsonObject) -> None:
    """Whole or not at all: to a file beside it, which then takes its place."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time."""
    if fcntl is None:
        yield
        return
    with open(f"{path}.lock", "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
