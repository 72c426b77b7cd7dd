import process from "node:process";
import type { Model, ModelProvider } from "../core/package_types.ts";
import { TimestepError } from "../core/errors.ts";
import { createOllamaClient } from "./_ollama_client.ts";
import { type OllamaEndpoint, ollamaEndpoint } from "./_ollama_endpoint.ts";
import { OllamaChatCompletionsModel } from "./_ollama_model.ts";

/** Options of {@linkcode OllamaModelProvider}; none is needed. */
export interface OllamaModelProviderOptions {
  /**
   * The server of all models, also of those in the cloud: a host, `host:port` or URL, as in `OLLAMA_HOST`.
   *
   * Default: Ollama Cloud for names that end in `-cloud`; else `OLLAMA_HOST`; else `http://127.0.0.1:11434`.
   */
  baseURL?: string | undefined;
  /**
   * Key for Ollama Cloud, and for `baseURL` if that is given; a local server never sees it.
   *
   * Default: `OLLAMA_API_KEY`, which goes to Ollama Cloud only.
   */
  apiKey?: string | undefined;
}

/**
 * Models of a local Ollama server and of Ollama Cloud.
 *
 * They are called over Ollama's OpenAI-compatible endpoint: answers, tool calls, structured output, reasoning
 * and usage arrive as for any other model. Nothing is connected to before the first model is asked for.
 *
 * @example Without the prefix that `MultiModelProvider` needs
 * ```ts no-eval
 * import { Agent, Runner } from "@openai/agents";
 * import { OllamaModelProvider } from "@timestep-ai/timestep";
 *
 * const runner = new Runner({ modelProvider: new OllamaModelProvider() });
 * const agent = new Agent({ name: "Assistant", model: "gpt-oss:20b" });
 * const result = await runner.run(agent, "What's 2+2?");
 * console.log(result.finalOutput);
 * ```
 */
export class OllamaModelProvider implements ModelProvider {
  readonly #options: OllamaModelProviderOptions;
  readonly #models = new Map<string, Promise<Model>>();

  /** Connects to nothing yet. */
  constructor(options: OllamaModelProviderOptions = {}) {
    this.#options = options;
  }

  /**
   * Get a model by the name that Ollama knows it by, e.g. `gpt-oss:20b` or `gpt-oss:20b-cloud`.
   *
   * @throws {TypeError} If there is no name: Ollama has no default model.
   * @throws {RangeError} If `OLLAMA_HOST` or `baseURL` is no address.
   * @throws {MissingApiKeyError} If the model is in the cloud and there is no key.
   */
  // deno-lint-ignore require-await -- so that a caller sees every error as a rejection
  async getModel(modelName?: string): Promise<Model> {
    if (!modelName) {
      throw new TypeError(
        'The Ollama model could not be chosen: Ollama has no default model. Name one, e.g. "gpt-oss:20b"',
      );
    }
    const endpoint = ollamaEndpoint(modelName, {
      ...this.#options,
      environmentHost: process.env["OLLAMA_HOST"],
      environmentKey: process.env["OLLAMA_API_KEY"]?.trim(),
    });
    if (endpoint.isKeyMissing) {
      throw new MissingApiKeyError(`Ollama Cloud model "${modelName}"`, "OLLAMA_API_KEY");
    }
    // The key is part of it: a model must not outlive a key that was changed.
    const cacheKey = JSON.stringify(endpoint);
    const cached = this.#models.get(cacheKey) ?? createModel(endpoint);
    this.#models.set(cacheKey, cached);
    return cached;
  }
}

async function createModel(endpoint: OllamaEndpoint): Promise<Model> {
  return new OllamaChatCompletionsModel(await createOllamaClient(endpoint), endpoint.model);
}

/** A service could not be called because there is no key for it. */
export class MissingApiKeyError extends TimestepError {
  /** Tells this condition from others. */
  override readonly code = "missing_api_key";
  /** The class's name. */
  override readonly name = "MissingApiKeyError";

  /** The environment variable that would have held the key. */
  readonly variable: string;

  /**
   * Tells what could not be called, and which variable to set.
   *
   * @param what What could not be called, as it reads in "The ... could not be called".
   * @param variable The environment variable to set.
   */
  constructor(what: string, variable: string) {
    super(
      `The ${what} could not be called: there is no key for it. Set the environment variable ${variable}`,
    );
    this.variable = variable;
  }
}
