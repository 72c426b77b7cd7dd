"""Outputs of tools as they are recorded."""

from __future__ import annotations

import json
from datetime import date
from enum import Enum

import pytest
from agents import ItemHelpers, ToolOutputText
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from timestep.durable.recorded_value import decode_typed, decode_value, encode_typed, encode_value
from timestep.durable.run_error import without_secrets


class Stock(BaseModel):
    model_config = ConfigDict(strict=True)

    counted_on: date = Field(alias="countedOn")
    units: int


class Color(str, Enum):
    RED = "red"


CYCLE: list[object] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        Color.RED,
        float("nan"),
        {"when": date(2026, 1, 2), "pairs": [(1, "a")]},
        [None, 1.5, True, b"x", {"a": {}}],
        {1: "a"},
        {"$timestep": "null"},
        CYCLE,
        (ToolOutputText(text="a"), {"type": "text", "text": "b"}),
        [{"type": "image", "image_url": "https://example.com/a.png"}],
        object,
    ],
    ids=str,
)
def test_the_model_sees_the_same_of_an_output_that_was_recorded(value: object) -> None:
    decoded = decode_value(json.loads(encode_value(value)))
    assert ItemHelpers._convert_tool_output(decoded) == ItemHelpers._convert_tool_output(value)


def test_an_output_of_a_declared_type_comes_back_as_it_was() -> None:
    adapter = TypeAdapter(Stock)
    stock = Stock(countedOn=date(2026, 1, 2), units=3)
    assert decode_typed(adapter, json.loads(encode_typed(adapter, stock))) == stock


def test_a_text_instead_of_the_declared_type_stays_a_text() -> None:
    adapter = TypeAdapter(Stock)
    for text in ('{"countedOn": "2026-01-02", "units": 0}', "It took too long."):
        recorded = json.loads(encode_typed(adapter, text))
        # Those who read a run's events do not know what was declared.
        assert decode_typed(adapter, recorded) == decode_value(recorded) == text


def test_a_long_message_is_read_once_for_secrets() -> None:
    # As callers send it, and providers quote it: looked through from each character, this takes hours.
    for message in ("word" * 250_000, "password" + " " * 1_000_000, "a://b:" * 20_000):
        assert without_secrets(message) == message
    assert without_secrets("Cannot connect to postgres://ada:SECRET@example.com") == (
        "Cannot connect to postgres://ada:[redacted]@example.com"
    )
