"""Which provider serves the model names with which prefix."""

from __future__ import annotations

from collections.abc import Mapping

from agents import ModelProvider


class MultiModelProviderMap:
    """Which provider serves the model names with which prefix.

    Example:
        ```python
        provider_map = MultiModelProviderMap()
        provider_map.add_provider("workstation", OllamaModelProvider(base_url="http://workstation:11434"))
        model_provider = MultiModelProvider(provider_map=provider_map)
        ```
    """

    def __init__(self) -> None:
        self._providers: dict[str, ModelProvider] = {}

    def has_prefix(self, prefix: str) -> bool:
        """Whether there is a provider for the prefix."""
        return prefix in self._providers

    def get_provider(self, prefix: str) -> ModelProvider | None:
        """The provider for the prefix, or None."""
        return self._providers.get(prefix)

    def add_provider(self, prefix: str, provider: ModelProvider) -> None:
        """Serve the prefix with a provider, instead of the one it had.

        Args:
            prefix: What stands before the first slash of a model's name, e.g. `ollama` in `ollama/gpt-oss:20b`.
            provider: Who serves it.

        Raises:
            ValueError: If the prefix is empty or has a slash: no name would ever match.
        """
        _check_prefix(prefix)
        self._providers[prefix] = provider

    def remove_provider(self, prefix: str) -> None:
        """Serve the prefix no longer; nothing happens if it was not served."""
        self._providers.pop(prefix, None)

    def get_mapping(self) -> dict[str, ModelProvider]:
        """A copy of all prefixes and their providers."""
        return dict(self._providers)

    def set_mapping(self, mapping: Mapping[str, ModelProvider]) -> None:
        """Replace all prefixes and their providers by a copy of these.

        Raises:
            ValueError: If a prefix is empty or has a slash; nothing is replaced then.
        """
        for prefix in mapping:
            _check_prefix(prefix)
        self._providers = dict(mapping)


def _check_prefix(prefix: str) -> None:
    if prefix == "" or "/" in prefix:
        raise ValueError(
            "The model provider could not be added: a prefix is what stands before the first slash of a "
            f"model's name, got {prefix!r}"
        )
