"""Outputs of tools as they are recorded."""

from __future__ import annotations

import json
from datetime import date

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from timestep.durable.recorded_value import decode_typed, encode_typed


class Stock(BaseModel):
    model_config = ConfigDict(strict=True)

    counted_on: date = Field(alias="countedOn")
    units: int


def test_an_output_of_a_declared_type_comes_back_as_it_was() -> None:
    adapter = TypeAdapter(Stock)
    stock = Stock(countedOn=date(2026, 1, 2), units=3)
    assert decode_typed(adapter, json.loads(encode_typed(adapter, stock))) == stock


def test_a_text_instead_of_the_declared_type_stays_a_text() -> None:
    adapter = TypeAdapter(Stock)
    for text in ('{"countedOn": "2026-01-02", "units": 0}', "It took too long."):
        assert decode_typed(adapter, json.loads(encode_typed(adapter, text))) == text
