"""Which model a name means, and how Ollama is called."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from agents import (
    Agent,
    Model,
    ModelProvider,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    function_tool,
)

from timestep import (
    MissingApiKeyError,
    MultiModelProvider,
    MultiModelProviderMap,
    OllamaModelProvider,
    UnknownModelPrefixError,
)
from timestep.model._ollama_endpoint import ollama_endpoint, parse_ollama_host


class Recorder(ModelProvider):
    """A provider that notes what it was asked for."""

    def __init__(self) -> None:
        self.names: list[str | None] = []

    def get_model(self, model_name: str | None) -> Model:
        self.names.append(model_name)
        return OllamaModelProvider().get_model("any")


@pytest.mark.parametrize("name", ["gpt-4.1", "openai/gpt-4.1"])
def test_openai_is_the_default(name: str) -> None:
    model = MultiModelProvider(openai_api_key="k").get_model(name)
    assert isinstance(model, OpenAIResponsesModel)
    assert model.model == "gpt-4.1"


def test_an_empty_key_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from the environment")
    model = MultiModelProvider(openai_api_key="").get_model("gpt-4.1")
    assert isinstance(model, OpenAIResponsesModel)
    assert model._client.api_key == "from the environment"


def test_ollama_is_found_by_its_prefix() -> None:
    model = MultiModelProvider().get_model("ollama/library/gpt-oss:20b")
    assert isinstance(model, OpenAIChatCompletionsModel)
    assert model.model == "library/gpt-oss:20b"


def test_an_added_provider_gets_the_rest_of_the_name() -> None:
    recorder, provider_map = Recorder(), MultiModelProviderMap()
    provider_map.add_provider("mine", recorder)
    provider_map.add_provider("ollama", recorder)
    provider = MultiModelProvider(provider_map=provider_map)
    provider.get_model("mine/a/b/c")
    provider.get_model("ollama/x")
    provider.get_model("mine/")
    assert recorder.names == ["a/b/c", "x", None]


def test_an_unknown_prefix_is_an_error_that_lists_the_known_ones() -> None:
    provider = MultiModelProvider()
    provider.provider_map.add_provider("mine", Recorder())
    with pytest.raises(UnknownModelPrefixError, match='"mine", "ollama", "openai"') as raised:
        provider.get_model("yours/model")
    assert raised.value.code == "unknown_model_prefix"
    assert raised.value.prefix == "yours"


def test_the_map_can_be_changed_and_copied() -> None:
    recorder, provider_map = Recorder(), MultiModelProviderMap()
    provider_map.set_mapping({"a": recorder})
    copy = provider_map.get_mapping()
    copy["b"] = recorder
    assert provider_map.has_prefix("a")
    assert not provider_map.has_prefix("b")
    provider_map.remove_provider("a")
    provider_map.remove_provider("a")
    assert provider_map.get_provider("a") is None
    for prefix in ("", "a/b"):
        with pytest.raises(ValueError, match="first slash"):
            provider_map.add_provider(prefix, recorder)
        with pytest.raises(ValueError, match="first slash"):
            provider_map.set_mapping({"c": recorder, prefix: recorder})
    assert not provider_map.has_prefix("c")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("example.org", "http://example.org:11434"),
        ("example.org:80", "http://example.org"),
        ("https://example.org", "https://example.org"),
        ("https://example.org:8443/ollama/v1/", "https://example.org:8443/ollama"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        (":8080", "http://127.0.0.1:8080"),
        ("[::]:1234", "http://[::1]:1234"),
        ("::1", "http://[::1]:11434"),
        ("ollama.com", "https://ollama.com"),
        (' "example.org" ', "http://example.org:11434"),
    ],
)
def test_ollama_host_is_read_as_ollama_does(text: str, url: str) -> None:
    assert parse_ollama_host(text) == (url, None)


@pytest.mark.parametrize(
    "text", ["ftp://a", "http://", "a b", "http://a:port", "user:secret@a:b", "me:7@secret/x@a", "http://me:secret/x@a"]
)
def test_what_is_no_address_is_refused_without_the_password(text: str) -> None:
    with pytest.raises(ValueError, match="expected a host") as raised:
        parse_ollama_host(text)
    assert "secret" not in str(raised.value)


def test_the_cloud_key_goes_to_the_cloud_only() -> None:
    def endpoint(name: str, **options: Any) -> Any:
        given: dict[str, Any] = {"base_url": None, "api_key": None, "environment_host": None, "environment_key": "k"}
        return ollama_endpoint(name, **{**given, **options})

    cloud = endpoint("gpt-oss:20b-cloud")
    assert (cloud.url, cloud.model, cloud.authorization) == ("https://ollama.com", "gpt-oss:20b", "Bearer k")
    assert endpoint("gpt-oss:20b").authorization is None
    assert endpoint("gpt-oss:20b", environment_host="http://u:p@h").authorization == "Basic dTpw"
    assert endpoint("m", environment_host="ollama.com").authorization == "Bearer k"
    assert endpoint("m-cloud", base_url="http://h", api_key="other").authorization == "Bearer other"
    assert endpoint("m-cloud", base_url="http://h").model == "m-cloud"
    assert endpoint("m-cloud", environment_key=None).is_key_missing


def test_a_cloud_model_without_a_key_says_which_variable_to_set() -> None:
    with pytest.raises(MissingApiKeyError, match="OLLAMA_API_KEY") as raised:
        OllamaModelProvider().get_model("gpt-oss:20b-cloud")
    assert raised.value.code == "missing_api_key"
    with pytest.raises(TypeError, match="no default model"):
        OllamaModelProvider().get_model(None)


async def test_ollama_is_called_without_anything_that_is_meant_for_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "openai-secret")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    requests: list[httpx2.Request] = []
    answers = [
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "add", "arguments": "{}"}}],
        },
        {"role": "assistant", "content": "4"},
    ]

    async def answer(transport: Any, request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return httpx2.Response(
            200,
            json={
                "id": "x",
                "object": "chat.completion",
                "created": 0,
                "model": "gpt-oss:20b",
                "choices": [{"index": 0, "finish_reason": "stop", "message": answers[len(requests) - 1]}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
            },
            request=request,
        )

    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", answer)

    @function_tool
    def add() -> str:
        return "4"

    agent = Agent(name="A", model="ollama/gpt-oss:20b", tools=[add])
    provider = MultiModelProvider()
    result = await Runner.run(agent, "2+2?", run_config=RunConfig(model_provider=provider, tracing_disabled=True))
    assert result.final_output == "4"
    assert result.context_wrapper.usage.total_tokens == 10
    assert str(requests[0].url) == "http://127.0.0.1:11434/v1/chat/completions"
    for request in requests:
        assert "authorization" not in request.headers
        assert "secret" not in json.dumps(dict(request.headers))
    await provider.aclose()
