import type { ModelProvider } from "../core/package_types.ts";

/**
 * Which provider serves the model names with which prefix.
 *
 * @example A second Ollama server, and another service with OpenAI's API
 * ```ts
 * import { OpenAIProvider } from "@openai/agents";
 * import { MultiModelProvider, MultiModelProviderMap, OllamaModelProvider } from "@timestep-ai/timestep";
 *
 * const providerMap = new MultiModelProviderMap();
 * providerMap.addProvider("workstation", new OllamaModelProvider({ baseURL: "http://workstation:11434" }));
 * providerMap.addProvider(
 *   "anthropic",
 *   new OpenAIProvider({ apiKey: "...", baseURL: "https://api.anthropic.com/v1/", useResponses: false }),
 * );
 * const modelProvider = new MultiModelProvider({ providerMap });
 * const model = await modelProvider.getModel("workstation/gpt-oss:20b");
 * console.log(model);
 * ```
 */
export class MultiModelProviderMap {
  #providers = new Map<string, ModelProvider>();

  /** Whether there is a provider for the prefix. */
  hasPrefix(prefix: string): boolean {
    return this.#providers.has(prefix);
  }

  /** The provider for the prefix, or `undefined`. */
  getProvider(prefix: string): ModelProvider | undefined {
    return this.#providers.get(prefix);
  }

  /**
   * Serve the prefix with a provider, instead of the one it had.
   *
   * @param prefix What stands before the first slash of a model's name, e.g. `ollama` in `ollama/gpt-oss:20b`.
   * @throws {RangeError} If the prefix is empty or has a slash: no name would ever match.
   * @throws {TypeError} If it is no provider, such as a provider's class.
   */
  addProvider(prefix: string, provider: ModelProvider): void {
    check(prefix, provider);
    this.#providers.set(prefix, provider);
  }

  /** Serve the prefix no longer; nothing happens if it was not served. */
  removeProvider(prefix: string): void {
    this.#providers.delete(prefix);
  }

  /** A copy of all prefixes and their providers. */
  getMapping(): Map<string, ModelProvider> {
    return new Map(this.#providers);
  }

  /**
   * Replace all prefixes and their providers by a copy of these.
   *
   * @throws {RangeError} If a prefix is empty or has a slash; nothing is replaced then.
   * @throws {TypeError} If something is no provider; nothing is replaced then.
   */
  setMapping(mapping: Iterable<readonly [prefix: string, provider: ModelProvider]>): void {
    const providers = new Map(mapping);
    for (const [prefix, provider] of providers) check(prefix, provider);
    this.#providers = providers;
  }
}

function check(prefix: string, provider: ModelProvider): void {
  if (prefix === "" || prefix.includes("/")) {
    throw new RangeError(
      "The model provider could not be added: a prefix is what stands before the first slash of a model's name, " +
        `got ${JSON.stringify(prefix)}`,
    );
  }
  // Where types are not checked, it would be found out when a run needs it.
  if (typeof provider?.getModel === "function") return;
  throw new TypeError(
    `The model provider could not be added: what is given for the prefix ${
      JSON.stringify(prefix)
    } has no getModel()`,
  );
}
