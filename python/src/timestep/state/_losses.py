"""What a translation leaves out without harm."""

from __future__ import annotations

from dataclasses import dataclass, field

from ._json import At


@dataclass(frozen=True)
class TranslationLoss:
    """Something that a state said and the other language's SDK has no place for."""

    path: str
    """Where it stood, with `[]` for each of several."""
    what: str
    """What it was."""


@dataclass
class Losses:
    """Collects losses, each kind once."""

    found: dict[TranslationLoss, None] = field(default_factory=dict)

    def add(self, at: At, key: str, what: str) -> None:
        """Notes that the value of `key` is left out."""
        path = "".join("[]" if part.isdigit() else part for part in _parts(f"{at.path}.{key}"))
        self.found[TranslationLoss(path.removeprefix("."), what)] = None


def _parts(path: str) -> list[str]:
    return [piece for half in path.split("[") for piece in half.split("]")]
