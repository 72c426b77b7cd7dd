"""Items, one by one and at random: both ways, and never an error of another kind."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from timestep import StateTranslationError
from timestep.state._json import At
from timestep.state._protocol_items import from_protocol_item, to_protocol_item
from timestep.state._raw_items import to_python_item
from timestep.state.load import load_typescript_state

from .crossing import load_vector, typescript_vectors
from .stage import Json, Stage

CASES: list[tuple[Json, Json]] = [
    ({"role": "user", "content": "a"}, {"role": "user", "content": "a"}),
    (
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "a", "providerData": {"fooBar": 1}}],
        },
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a", "foo_bar": 1}]},
    ),
    (
        {"role": "user", "content": [{"type": "input_image", "image": "https://a"}]},
        {"role": "user", "content": [{"type": "input_image", "image_url": "https://a", "detail": "auto"}]},
    ),
    (
        {"role": "user", "content": [{"type": "input_file", "file": {"url": "https://a"}, "filename": "f"}]},
        {"role": "user", "content": [{"type": "input_file", "file_url": "https://a", "filename": "f"}]},
    ),
    (
        {
            "role": "assistant",
            "status": "completed",
            "id": "FAKE_ID",
            "content": [
                {"type": "output_text", "text": "t", "providerData": {"logprobs": []}},
                {"type": "refusal", "refusal": "no"},
            ],
        },
        {
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "id": "__fake_id__",
            "content": [
                {"type": "output_text", "text": "t", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "no"},
            ],
        },
    ),
    (
        {
            "type": "function_call",
            "id": "FAKE_ID",
            "callId": "c",
            "name": "f",
            "namespace": "n",
            "arguments": "{}",
            "caller": {"type": "direct"},
        },
        {
            "type": "function_call",
            "id": "__fake_id__",
            "call_id": "c",
            "name": "f",
            "namespace": "n",
            "arguments": "{}",
            "caller": {"type": "direct"},
        },
    ),
    (
        {
            "type": "function_call_result",
            "callId": "c",
            "name": "f",
            "status": "completed",
            "output": {"type": "image", "image": {"data": "aGk=", "mediaType": "image/jpeg"}, "detail": "low"},
        },
        {
            "type": "function_call_output",
            "call_id": "c",
            "status": "completed",
            "output": [{"type": "input_image", "detail": "low", "image_url": "data:image/jpeg;base64,aGk="}],
        },
    ),
    (
        {
            "type": "function_call_result",
            "callId": "c",
            "name": "f",
            "status": "incomplete",
            "output": {"type": "file", "file": {"data": "aGk=", "mediaType": "text/plain", "filename": "a.txt"}},
        },
        {
            "type": "function_call_output",
            "call_id": "c",
            "status": "incomplete",
            "output": [{"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGk="}],
        },
    ),
    (
        {
            "type": "reasoning",
            "id": "r",
            "content": [{"type": "input_text", "text": "s"}],
            "rawContent": [{"type": "reasoning_text", "text": "raw"}],
            "providerData": {"encryptedContent": "e"},
        },
        {
            "type": "reasoning",
            "id": "r",
            "summary": [{"type": "summary_text", "text": "s"}],
            "content": [{"type": "reasoning_text", "text": "raw"}],
            "encrypted_content": "e",
        },
    ),
    (
        {
            "type": "hosted_tool_call",
            "id": "ig",
            "name": "image_generation_call",
            "status": "completed",
            "output": "aGk=",
            "providerData": {"type": "image_generation_call", "id": "ig"},
        },
        {"type": "image_generation_call", "id": "ig", "status": "completed", "result": "aGk="},
    ),
    (
        {"type": "compaction", "id": "c", "encrypted_content": "e", "created_by": "x"},
        {"type": "compaction", "id": "c", "encrypted_content": "e"},
    ),
    (
        {"type": "unknown", "id": "u", "providerData": {"type": "new_thing", "camelCase": {"deepKey": 1}}},
        {"type": "new_thing", "id": "u", "camelCase": {"deepKey": 1}},
    ),
]


@pytest.mark.parametrize(("protocol", "wire"), CASES, ids=lambda item: str(item.get("type", item.get("role"))))
def test_a_protocol_item_is_what_typescript_would_send(protocol: Json, wire: Json) -> None:
    assert to_python_item(At(protocol)) == wire


texts = st.text(max_size=12)
keys = st.from_regex(r"[a-z]{1,6}(_[a-z]{1,4})?", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
parts = st.one_of(
    st.fixed_dictionaries({"type": st.just("input_text"), "text": texts}),
    st.fixed_dictionaries(
        {"type": st.just("input_image"), "image_url": texts, "detail": st.sampled_from(["low", "auto"])}
    ),
    st.fixed_dictionaries({"type": st.just("input_file"), "file_id": texts}, optional={"filename": texts}),
)
ids = st.fixed_dictionaries({}, optional={"id": st.sampled_from(["msg_1", "__fake_id__"])})
python_items = st.one_of(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "system", "developer"]), "content": texts | st.lists(parts, max_size=3)}
    ),
    st.fixed_dictionaries(
        {"type": st.just("function_call"), "call_id": st.just("call_1"), "name": texts, "arguments": texts},
        optional={"status": st.sampled_from(["completed", "incomplete"]), "id": st.just("fc_1")},
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("function_call_output"),
            "call_id": st.just("call_1"),
            "output": texts | st.lists(parts, max_size=2),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("message"),
            "id": st.sampled_from(["msg_1", "__fake_id__"]),
            "role": st.just("assistant"),
            "status": st.just("completed"),
            "content": st.lists(
                st.fixed_dictionaries(
                    {"type": st.just("output_text"), "text": texts, "annotations": st.lists(values, max_size=2)}
                ),
                max_size=2,
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("reasoning"),
            "id": st.just("rs_1"),
            "summary": st.lists(st.fixed_dictionaries({"type": st.just("summary_text"), "text": texts}), max_size=2),
        },
        optional={"encrypted_content": texts},
    ),
    st.dictionaries(keys, values, max_size=4).map(lambda extra: {"id": "x_1", **extra, "type": "brand_new_call"}),
)


@settings(max_examples=400, deadline=None)
@given(python_items)
def test_an_item_comes_back_from_the_protocol_as_it_was(item: Any) -> None:
    stored = json.loads(json.dumps(to_protocol_item(item, lambda _: "f")))
    expected = {key: value for key, value in item.items() if value is not None}
    assert from_protocol_item(stored) == expected


places = st.lists(st.integers(0, 40), min_size=1, max_size=6)
kinds = st.sampled_from(["drop", "replace", "duplicate", "truncate"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(typescript_vectors()), places, kinds, values)
def test_a_damaged_state_is_translated_or_refused(name: str, place: list[int], kind: str, value: Any) -> None:
    vector = load_vector(name)
    text = json.dumps(vector["pauses"][0]["state"])
    state = json.loads(text)
    damage(state, place, kind, value)
    damaged = text[: len(text) * place[0] // 41] if kind == "truncate" else json.dumps(state)
    loaded = asyncio.run(load_or_refuse(agent_of(name), damaged))
    if loaded is not None:
        json.dumps(loaded.to_json(), allow_nan=False)


@cache
def agent_of(name: str) -> Any:
    """The agents of a vector, made once."""
    return Stage(load_vector(name)["scenario"]).agent


async def load_or_refuse(agent: Any, text: str) -> Any:
    """The state, through the translator and the SDK's own reader; None when it is refused as it should be."""
    try:
        return (await load_typescript_state(agent, text, guardrails_settled=True)).state
    except StateTranslationError:
        return None


def damage(state: Any, place: list[int], kind: str, value: Any) -> None:
    """Changes something somewhere inside."""
    target = state
    for step in place[:-1]:
        children = list(target.values()) if isinstance(target, dict) else target if isinstance(target, list) else []
        inner = [child for child in children if isinstance(child, (dict, list)) and child]
        if not inner:
            break
        target = inner[step % len(inner)]
    key = list(target)[place[-1] % len(target)] if isinstance(target, dict) else place[-1] % len(target)
    if kind == "drop":
        del target[key]
    elif kind == "replace":
        target[key] = value
    elif kind == "duplicate" and isinstance(target, list):
        target.append(target[key])
