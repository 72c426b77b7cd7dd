import { isOllamaCloud, OLLAMA_CLOUD_HOST, type OllamaServer, parseOllamaHost } from "./_ollama_server.ts";

/** What decides where a model of Ollama is called; the environment is read by the caller. */
export interface OllamaSettings {
  /** Server for every model, whatever its name. Its scheme, port and path are read as in `OLLAMA_HOST`. */
  baseURL?: string | undefined;
  /** Key given in code: goes to Ollama Cloud, and to `baseURL` if there is one. */
  apiKey?: string | undefined;
  /** Value of `OLLAMA_HOST`: the server of models that are not in the cloud. */
  environmentHost?: string | undefined;
  /** Value of `OLLAMA_API_KEY`: goes to Ollama Cloud and nowhere else. */
  environmentKey?: string | undefined;
}

/** Where one model is called and how. */
export interface OllamaEndpoint extends OllamaServer {
  /** The model's name as this server knows it. */
  model: string;
  /** The server is Ollama Cloud, but there is no key for it. */
  isKeyMissing: boolean;
}

/**
 * Decide where a model is called.
 *
 * The order: `baseURL`, then Ollama Cloud for a name with the `-cloud` suffix (or tag `cloud`), then
 * `OLLAMA_HOST`, then `http://127.0.0.1:11434`.
 *
 * @throws {RangeError} If `baseURL` or `OLLAMA_HOST` is no address.
 */
export function ollamaEndpoint(modelName: string, settings: OllamaSettings): OllamaEndpoint {
  const server = serverOf(modelName, settings);
  const isCloud = isOllamaCloud(server);
  const key = isCloud
    ? settings.apiKey || settings.environmentKey
    : settings.baseURL
    ? settings.apiKey
    : undefined;
  const authorization = key ? `Bearer ${key}` : server.authorization;
  return {
    url: server.url,
    ...(authorization === undefined ? {} : { authorization }),
    // The suffix is how an Ollama server tells cloud models from its own; the cloud's API knows them without it.
    model: isCloud ? withoutCloudSuffix(modelName) : modelName,
    isKeyMissing: isCloud && authorization === undefined,
  };
}

function serverOf(modelName: string, settings: OllamaSettings): OllamaServer {
  if (settings.baseURL) return parseOllamaHost(settings.baseURL);
  if (withoutCloudSuffix(modelName) !== modelName) return parseOllamaHost(OLLAMA_CLOUD_HOST);
  return parseOllamaHost(settings.environmentHost ?? "");
}

function withoutCloudSuffix(modelName: string): string {
  return modelName.replace(/[-:]cloud$/i, "");
}
