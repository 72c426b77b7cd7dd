"""A paused run in a file, of the same form as in TypeScript. Written whole or not at all, by one process at a time."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from ._facts import InterruptionFacts
from ._json import JsonObject
from ._json_text import json_text
from ._snapshots import RunEnd, SavedRun, Snapshot
from .envelope import Envelope
from .run_state_errors import RunStateMalformedError

try:
    import fcntl
except ImportError:  # Windows, where two processes have to take care themselves.
    fcntl = None  # type: ignore[assignment]

_TEXTS = ("language", "sdk_name", "sdk_version", "schema_version", "run_id")
_STATUSES = ("interrupted", "completed", "cancelled")


class FileSnapshots:
    """The paused run in a file."""

    def __init__(self, path: Path) -> None:
        # The same wherever the program goes.
        self._path = path.absolute()

    @property
    def place(self) -> str:
        """Where the run is."""
        return f'in "{self._path}"'

    async def read(self) -> tuple[SavedRun, Envelope] | None:
        """The paused run, or one that was kept after its end."""
        content = self._read()
        if content is None:
            return None
        run = _saved(content)
        is_kept = content["status"] == "completed" and run.claim is None
        return (run, _envelope(content)) if content["status"] == "interrupted" or is_kept else None

    async def replace(self, snapshot: Snapshot, held: SavedRun) -> SavedRun | None:
        """Saves a snapshot in the place of `held`."""
        with self._locked() as content:
            if content is None or content["status"] == "cancelled" or not _is_held(content, held):
                return None
            return self._save(snapshot, held.run_id, held.version + 1)

    async def add(self, snapshot: Snapshot, held: SavedRun | None) -> SavedRun | None:
        """Saves a snapshot as a new run."""
        with self._locked() as content:
            if content is not None and content["status"] == "interrupted" and not _is_held(content, held):
                return None
            return self._save(snapshot, str(uuid4()), 1)

    async def claim(self, run: SavedRun, claim: str, decisions: list[InterruptionFacts]) -> bool:
        """Takes the right to resume a run. A file has no rows for the decisions."""
        with self._locked() as content:
            if content is None or content["status"] == "cancelled" or _saved(content) != run:
                return False
            self._write({**content, "claimed_by": claim})
            return True

    async def settle(self, run: SavedRun, end: RunEnd) -> bool:
        """Notes that a run has ended."""
        with self._locked() as content:
            if content is None or content["status"] == "cancelled" or not _is_held(content, run):
                return False
            self._write({**content, "status": "completed"})
            return True

    async def clear(self) -> None:
        """Gives the paused run up; the file stays."""
        with self._locked() as content:
            if content is not None:
                self._write({**content, "status": "cancelled"})

    async def close(self) -> None:
        """Does nothing: a file is not kept open."""

    def _save(self, snapshot: Snapshot, run_id: str, version: int) -> SavedRun:
        status = "completed" if snapshot.is_ended else "interrupted"
        described = snapshot.envelope.description()
        head = {"run_id": run_id, "version": version, "status": status, "claimed_by": None, **described}
        self._write({**head, "state": json.loads(snapshot.envelope.state)})
        return SavedRun(run_id, version, None)

    def _read(self) -> JsonObject | None:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError) as error:
            raise RunStateMalformedError(
                f"The run {self.place} could not be loaded: the file is not JSON, it is damaged ({error})"
            ) from error
        wrong = _wrong_key(content)
        if wrong is not None:
            raise RunStateMalformedError(
                f"The run {self.place} could not be loaded: the file is not one that a RunStateStore wrote, or it is "
                f'damaged (at "{wrong}")'
            )
        # It is an object: that is among what was looked at.
        return dict(content)

    def _write(self, content: JsonObject) -> None:
        """To a file beside it, which then takes its place. The state comes last, as its reader expects."""
        ordered = {**{key: value for key, value in content.items() if key != "state"}, "state": content["state"]}
        path = self._real_path()
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(json_text(ordered, separators=(",", ":")))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    @contextlib.contextmanager
    def _locked(self) -> Iterator[JsonObject | None]:
        """The file's content, while no other process is at it."""
        # Nothing is written to it, or cut off: it may be somebody's link.
        with open(f"{self._real_path()}.lock", "a", encoding="utf-8", opener=_open_own) as lock:
            if fcntl is not None:
                # The system's own lock: it ends with the process, however that ends.
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield self._read()

    def _real_path(self) -> Path:
        """The file behind symbolic links, be it there or not: who comes by another way has to find the same lock."""
        return self._path.resolve()


def _wrong_key(content: object) -> str | None:
    """The first key that is not as it should be."""
    if not isinstance(content, dict):
        return ""
    kinds: dict[str, type | tuple[type, ...]] = {
        **dict.fromkeys(_TEXTS, str),
        "version": int,
        "claimed_by": (str, type(None)),
        "agent_graph": dict,
        "guardrails_settled": bool,
        "state": dict,
    }
    wrong = (key for key, kind in kinds.items() if key not in content or not isinstance(content[key], kind))
    return next(wrong, None if content.get("status") in _STATUSES else "status")


def _saved(content: JsonObject) -> SavedRun:
    version, claim = content["version"], content["claimed_by"]
    return SavedRun(
        str(content["run_id"]), version if isinstance(version, int) else 0, str(claim) if claim is not None else None
    )


def _is_held(content: JsonObject, held: SavedRun | None) -> bool:
    found = _saved(content)
    if held is None or (found.run_id, found.version) != (held.run_id, held.version):
        return False
    return found.claim is None or found.claim == held.claim


def _envelope(content: JsonObject) -> Envelope:
    graph = content["agent_graph"]
    return Envelope(
        language=str(content["language"]),
        sdk_name=str(content["sdk_name"]),
        sdk_version=str(content["sdk_version"]),
        schema_version=str(content["schema_version"]),
        agent_graph=graph if isinstance(graph, dict) else {},
        guardrails_settled=content["guardrails_settled"] is True,
        state=json.dumps(content["state"]),
    )


def _open_own(path: str, flags: int) -> int:
    """Opens a file that nobody else may open, if it is new."""
    return os.open(path, flags, 0o600)
