"""Finding the model for a name by the name's prefix."""

from __future__ import annotations

from agents import Model, ModelProvider
from agents.models.openai_provider import OpenAIProvider
from openai import AsyncOpenAI

from ..errors import TimestepError
from .multi_model_provider_map import MultiModelProviderMap
from .ollama_model_provider import OllamaModelProvider


class UnknownModelPrefixError(TimestepError):
    """A model's name has a prefix that no provider was added for."""

    code = "unknown_model_prefix"

    def __init__(self, model_name: str, prefix: str, known_prefixes: tuple[str, ...]) -> None:
        known = ", ".join(f'"{name}"' for name in known_prefixes)
        super().__init__(
            f'The model "{model_name}" could not be found: there is no provider for the prefix "{prefix}", '
            f"only for {known}. Add one with MultiModelProviderMap.add_provider()"
        )
        self.prefix = prefix
        """The prefix that nobody knows."""
        self.known_prefixes = known_prefixes
        """All prefixes that have a provider, in alphabetical order."""


class MultiModelProvider(ModelProvider):
    """Finds the model for a name by the name's prefix.

    | name | model |
    | --- | --- |
    | `gpt-4.1`, `openai/gpt-4.1` | of OpenAI |
    | `ollama/gpt-oss:20b` | of the local Ollama server, or the one at `OLLAMA_HOST` |
    | `ollama/gpt-oss:20b-cloud` | of Ollama Cloud, with `OLLAMA_API_KEY` |
    | `yours/any/name` | `any/name` of the provider that was added for `yours` |
    | none | the Agents SDK's default, of OpenAI |

    A key is needed when a model is used, not before.
    """

    def __init__(
        self,
        *,
        provider_map: MultiModelProviderMap | None = None,
        openai_api_key: str | None = None,
        openai_base_url: str | None = None,
        openai_client: AsyncOpenAI | None = None,
        openai_organization: str | None = None,
        openai_project: str | None = None,
        openai_use_responses: bool | None = None,
    ) -> None:
        """Makes a provider; no argument is needed.

        Args:
            provider_map: Providers for further prefixes, or in place of the one for `openai` or `ollama`.
            openai_api_key: OpenAI's key. Default, also for an empty text: `OPENAI_API_KEY`.
            openai_base_url: Address of OpenAI's API, with its version. Default: `OPENAI_BASE_URL`, else
                `https://api.openai.com/v1`.
            openai_client: A client of the `openai` package, instead of the other arguments for OpenAI.
            openai_organization: OpenAI's organization. Default: `OPENAI_ORG_ID`.
            openai_project: OpenAI's project. Default: `OPENAI_PROJECT_ID`.
            openai_use_responses: Whether OpenAI is called over its Responses API (the default) or over Chat
                Completions.

        Raises:
            agents.UserError: If there is an `openai_client` and another argument that it should have had.
        """
        self.provider_map = provider_map or MultiModelProviderMap()
        """The providers that were added; more can be added at any time."""
        self._openai: ModelProvider = OpenAIProvider(
            # An empty key is what a missing variable turns into; the client must fall back to its own then.
            api_key=openai_api_key or None,
            base_url=openai_base_url or None,
            openai_client=openai_client,
            organization=openai_organization or None,
            project=openai_project or None,
            use_responses=openai_use_responses,
        )
        self._ollama: ModelProvider = OllamaModelProvider()

    def get_model(self, model_name: str | None) -> Model:
        """Gets a model by its name.

        Args:
            model_name: A name with a prefix and a slash, or a model of OpenAI; further slashes are part of
                the name.

        Raises:
            UnknownModelPrefixError: If there is no provider for the prefix.
        """
        prefix, name = _split(model_name)
        added = self.provider_map.get_provider(prefix)
        if added is not None:
            return added.get_model(name)
        if prefix == "openai":
            return self._openai.get_model(name)
        if prefix == "ollama":
            return self._ollama.get_model(name)
        known = sorted({"ollama", "openai", *self.provider_map.get_mapping()})
        raise UnknownModelPrefixError(model_name or "", prefix, tuple(known))

    async def aclose(self) -> None:
        """Releases the connections of all providers."""
        for provider in (self._openai, self._ollama, *self.provider_map.get_mapping().values()):
            await provider.aclose()


def _split(model_name: str | None) -> tuple[str, str | None]:
    if not model_name or "/" not in model_name:
        return "openai", model_name or None
    prefix, name = model_name.split("/", 1)
    return prefix, name or None
