"""Models of a local Ollama server and of Ollama Cloud."""

from __future__ import annotations

import os

import httpx2
from agents import Model, ModelProvider, OpenAIChatCompletionsModel
from openai import AsyncOpenAI

from ..errors import TimestepError
from ._ollama_endpoint import OllamaEndpoint, ollama_endpoint

_PASSED_HEADERS = frozenset({"accept", "content-type", "content-length", "host", "user-agent"})


class MissingApiKeyError(TimestepError):
    """A service could not be called because there is no key for it."""

    code = "missing_api_key"

    def __init__(self, what: str, variable: str) -> None:
        super().__init__(
            f"The {what} could not be called: there is no key for it. Set the environment variable {variable}"
        )
        self.variable = variable
        """The environment variable that would have held the key."""


class OllamaModelProvider(ModelProvider):
    """Models of a local Ollama server and of Ollama Cloud.

    They are called over Ollama's OpenAI-compatible endpoint: answers, tool calls, structured output,
    reasoning and usage arrive as for any other model. Nothing is connected to before a model is used.
    """

    def __init__(self, *, base_url: str | None = None, api_key: str | None = None) -> None:
        """Makes a provider; no argument is needed.

        Args:
            base_url: The server of all models, also of those in the cloud: a host, `host:port` or URL, as in
                `OLLAMA_HOST`. Default: Ollama Cloud for names that end in `-cloud`; else `OLLAMA_HOST`; else
                `http://127.0.0.1:11434`.
            api_key: Key for Ollama Cloud, and for `base_url` if that is given; a local server never sees it.
                Default: `OLLAMA_API_KEY`, which goes to Ollama Cloud only.
        """
        self._base_url = base_url
        self._api_key = api_key
        self._models: dict[OllamaEndpoint, tuple[AsyncOpenAI, Model]] = {}

    def get_model(self, model_name: str | None) -> Model:
        """Gets a model by the name that Ollama knows it by, e.g. `gpt-oss:20b` or `gpt-oss:20b-cloud`.

        Raises:
            TypeError: If there is no name: Ollama has no default model.
            ValueError: If `OLLAMA_HOST` or `base_url` is no address.
            MissingApiKeyError: If the model is in the cloud and there is no key.
        """
        if not model_name:
            raise TypeError(
                'The Ollama model could not be chosen: Ollama has no default model. Name one, e.g. "gpt-oss:20b"'
            )
        endpoint = ollama_endpoint(
            model_name,
            base_url=self._base_url,
            api_key=self._api_key,
            environment_host=os.environ.get("OLLAMA_HOST"),
            environment_key=os.environ.get("OLLAMA_API_KEY"),
        )
        if endpoint.is_key_missing:
            raise MissingApiKeyError(f'Ollama Cloud model "{model_name}"', "OLLAMA_API_KEY")
        # The endpoint holds the key: a model must not outlive a key that was changed.
        if endpoint not in self._models:
            client = _client(endpoint)
            self._models[endpoint] = (client, OpenAIChatCompletionsModel(endpoint.model, client))
        return self._models[endpoint][1]

    async def aclose(self) -> None:
        """Closes all connections."""
        models, self._models = self._models, {}
        for client, _ in models.values():
            await client.close()


def _client(endpoint: OllamaEndpoint) -> AsyncOpenAI:
    """A client to which nothing is given that is meant for OpenAI: no key, organization, project or header."""

    async def keep_ours(request: httpx2.Request) -> None:
        for name in list(request.headers):
            if name.lower() not in _PASSED_HEADERS:
                del request.headers[name]
        if endpoint.authorization is not None:
            request.headers["authorization"] = endpoint.authorization

    return AsyncOpenAI(
        base_url=f"{endpoint.url}/v1",
        # The client insists on a key and would take OPENAI_API_KEY; the header is replaced above.
        api_key="unused",
        http_client=httpx2.AsyncClient(event_hooks={"request": [keep_ours]}, timeout=httpx2.Timeout(600, connect=10)),
    )
