import { OpenAIProvider, type OpenAIProviderOptions } from "@openai/agents";
import type { Model, ModelProvider, OpenAIClient } from "../core/package_types.ts";
import { TimestepError } from "../core/errors.ts";
import { acceptForeignHistory } from "./_openai_history.ts";
import { MultiModelProviderMap } from "./multi_model_provider_map.ts";
import { OllamaModelProvider } from "./ollama_model_provider.ts";

/** Options of {@linkcode MultiModelProvider}; none is needed. */
export interface MultiModelProviderOptions {
  /** Providers for further prefixes, or in place of the one for `openai` or `ollama`. */
  providerMap?: MultiModelProviderMap | undefined;
  /** OpenAI's key. Default, also for an empty text: `OPENAI_API_KEY`. */
  openaiApiKey?: string | undefined;
  /** The same as `openaiApiKey`. */
  // deno-lint-ignore camelcase -- the spelling that Timestep began with
  openai_api_key?: string | undefined;
  /** Address of OpenAI's API, with its version. Default: `OPENAI_BASE_URL`, else `https://api.openai.com/v1`. */
  openaiBaseURL?: string | undefined;
  /** A client of the `openai` package, instead of the other options for OpenAI. */
  openaiClient?: OpenAIClient | undefined;
  /** OpenAI's organization. Default: `OPENAI_ORG_ID`. */
  openaiOrganization?: string | undefined;
  /** OpenAI's project. Default: `OPENAI_PROJECT_ID`. */
  openaiProject?: string | undefined;
  /** Whether OpenAI is called over its Responses API or, with `false`, over Chat Completions. Default: `true`. */
  openaiUseResponses?: boolean | undefined;
}

/**
 * Finds the model for a name by the name's prefix.
 *
 * | name | model |
 * | --- | --- |
 * | `gpt-4.1`, `openai/gpt-4.1` | of OpenAI |
 * | `ollama/gpt-oss:20b` | of the local Ollama server, or the one at `OLLAMA_HOST` |
 * | `ollama/gpt-oss:20b-cloud` | of Ollama Cloud, with `OLLAMA_API_KEY` |
 * | `yours/any/name` | `any/name` of the provider that was added for `yours` |
 * | none | the Agents SDK's default, of OpenAI |
 *
 * A key is needed when a model is used, not before. Agents with models of different providers can hand over to
 * each other.
 *
 * @example
 * ```ts
 * import { MultiModelProvider } from "@timestep-ai/timestep";
 *
 * const modelProvider = new MultiModelProvider({ openaiApiKey: "sk-..." });
 * const model = await modelProvider.getModel("ollama/gpt-oss:20b");
 * console.log(model);
 * ```
 */
export class MultiModelProvider implements ModelProvider {
  /** The providers that were added; more can be added at any time. */
  readonly providerMap: MultiModelProviderMap;
  readonly #openai: ModelProvider;
  readonly #ollama: ModelProvider = new OllamaModelProvider();

  /**
   * Connects to nothing yet.
   *
   * @throws {Error} If there is an `openaiClient` and another option that the client should have had.
   */
  constructor(options: MultiModelProviderOptions = {}) {
    this.providerMap = options.providerMap ?? new MultiModelProviderMap();
    this.#openai = new OpenAIProvider(openaiOptions(options));
  }

  /**
   * Get a model by its name.
   *
   * @param modelName A name with a prefix and a slash, or a model of OpenAI; further slashes are part of the name.
   * @throws {UnknownModelPrefixError} If there is no provider for the prefix.
   */
  async getModel(modelName?: string): Promise<Model> {
    const { prefix, name } = splitModelName(modelName);
    const added = this.providerMap.getProvider(prefix);
    if (added !== undefined) return await added.getModel(name);
    if (prefix === "openai") return acceptForeignHistory(await this.#openai.getModel(name));
    if (prefix === "ollama") return await this.#ollama.getModel(name);
    throw new UnknownModelPrefixError(modelName ?? "", prefix, this.#knownPrefixes());
  }

  #knownPrefixes(): string[] {
    return [...new Set(["ollama", "openai", ...this.providerMap.getMapping().keys()])].sort();
  }
}

/** A model's name has a prefix that no provider was added for. */
export class UnknownModelPrefixError extends TimestepError {
  /** Tells this condition from others. */
  override readonly code = "unknown_model_prefix";
  /** The class's name. */
  override readonly name = "UnknownModelPrefixError";

  /** The prefix that nobody knows. */
  readonly prefix: string;
  /** All prefixes that have a provider, in alphabetical order. */
  readonly knownPrefixes: readonly string[];

  /** Tells which prefix of which model's name is unknown, and which ones there are. */
  constructor(modelName: string, prefix: string, knownPrefixes: readonly string[]) {
    super(
      `The model ${JSON.stringify(modelName)} could not be found: there is no provider for the prefix ` +
        `${JSON.stringify(prefix)}, only for ${
          knownPrefixes.map((known) => JSON.stringify(known)).join(", ")
        }. ` +
        "Add one with MultiModelProviderMap.addProvider()",
    );
    this.prefix = prefix;
    this.knownPrefixes = knownPrefixes;
  }
}

function splitModelName(modelName: string | undefined): { prefix: string; name: string | undefined } {
  const slash = modelName?.indexOf("/") ?? -1;
  if (modelName === undefined || slash === -1) return { prefix: "openai", name: modelName || undefined };
  return { prefix: modelName.slice(0, slash), name: modelName.slice(slash + 1) || undefined };
}

function openaiOptions(options: MultiModelProviderOptions): OpenAIProviderOptions {
  const {
    openaiBaseURL: baseURL,
    openaiClient: openAIClient,
    openaiOrganization: organization,
    openaiProject: project,
    openaiUseResponses: useResponses,
  } = options;
  const apiKey = options.openaiApiKey || options.openai_api_key;
  return {
    // An empty key is what a missing variable turns into ("?? ''"); the client must fall back to its own then.
    ...(apiKey ? { apiKey } : {}),
    ...(baseURL ? { baseURL } : {}),
    ...(openAIClient ? { openAIClient } : {}),
    ...(organization ? { organization } : {}),
    ...(project ? { project } : {}),
    ...(useResponses === undefined ? {} : { useResponses }),
  };
}
