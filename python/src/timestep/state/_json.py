"""Reading JSON strictly: each value knows where it stands, so that an error can say so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NoReturn

from .translation_error import StateTranslationError, TranslationCode

JsonObject = dict[str, object]


class At:
    """A JSON value and its place in the document."""

    __slots__ = ("_key", "_parent", "value")

    def __init__(self, value: object, parent: At | None = None, key: str | int | None = None) -> None:
        self.value = value
        self._parent = parent
        self._key = key

    @property
    def path(self) -> str:
        """The place, as in `generatedItems[3].rawItem`."""
        steps: list[str] = []
        at: At | None = self
        while at is not None and at._key is not None:
            steps.append(f"[{at._key}]" if isinstance(at._key, int) else f".{at._key}")
            at = at._parent
        return "".join(reversed(steps)).removeprefix(".")

    def fail(self, code: TranslationCode, message: str) -> NoReturn:
        """Refuses the state because of this value."""
        raise StateTranslationError(code, self.path, message)

    def malformed(self, expected: str) -> NoReturn:
        """Refuses the state because this value has the wrong shape."""
        self.fail(
            "malformed_state",
            f"The saved state is not what its SDK writes: expected {expected}, found {_kind(self.value)}. "
            "Save it again with a supported version of the SDK",
        )

    def object(self, *known: str) -> JsonObject:
        """This value as an object; with `known`, one that has no other keys."""
        value = self.value
        if not isinstance(value, dict):
            self.malformed("an object")
        if known:
            for key in value:
                if key not in known:
                    At(value[key], self, key).malformed("no such field")
        return value

    def list(self) -> list[At]:
        """The elements of this array."""
        if not isinstance(self.value, list):
            self.malformed("an array")
        return [At(element, self, index) for index, element in enumerate(self.value)]

    def text(self) -> str:
        """This value as a text."""
        if not isinstance(self.value, str):
            self.malformed("a text")
        return self.value

    def flag(self) -> bool:
        """This value as true or false."""
        if not isinstance(self.value, bool):
            self.malformed("true or false")
        return self.value

    def count(self) -> int:
        """This value as a whole number that is not negative."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < 0:
            self.malformed("a whole number that is not negative")
        return self.value

    def one_of(self, *choices: str) -> str:
        """This value as one of these texts."""
        if self.value not in choices:
            self.malformed(" or ".join(repr(choice) for choice in choices))
        return self.text()

    def get(self, key: str) -> At | None:
        """The value of a key; absent and null are the same."""
        value = self.object().get(key)
        return None if value is None else At(value, self, key)

    def need(self, key: str) -> At:
        """The value of a key that must be there."""
        found = self.object()
        if key not in found:
            At(None, self, key).malformed("a value")
        return At(found[key], self, key)

    def entries(self) -> Iterator[tuple[str, At]]:
        """Keys and values of this object."""
        for key, value in self.object().items():
            yield key, At(value, self, key)


def parse(text: str) -> At:
    """Parses a document.

    Raises:
        StateTranslationError: when the text is not JSON, or holds what no language can send on.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise StateTranslationError(
            "malformed_state", "", f"The saved state is not JSON: {error}. Save it again"
        ) from error
    return _checked(At(value), text)


def parse_inside(text: At) -> At:
    """Parses a document that stands in another one as a text.

    Raises:
        StateTranslationError: as `parse()` does.
    """
    try:
        value = json.loads(text.text(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        text.malformed("a document in JSON")
    return _checked(At(value, text), text.text())


def _checked(root: At, text: str) -> At:
    if "\\ud" in text or "\\uD" in text or not text.isascii():
        _refuse_surrogates(root)
    return root


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON value")


def _refuse_surrogates(at: At) -> None:
    """Half a character cannot be encoded: the model could never be sent it from this language."""
    pending = [at]
    while pending:
        current = pending.pop()
        value = current.value
        if isinstance(value, dict):
            pending.extend(At(element, current, key) for key, element in value.items())
            if not all(_encodable(key) for key in value):
                current.fail("lone_surrogate", "A key holds half of a character, which cannot be sent on")
        elif isinstance(value, list):
            pending.extend(At(element, current, index) for index, element in enumerate(value))
        elif isinstance(value, str) and not _encodable(value):
            current.fail(
                "lone_surrogate",
                "A text holds half of a character, which cannot be sent on. Resume in the language that saved it",
            )


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")
