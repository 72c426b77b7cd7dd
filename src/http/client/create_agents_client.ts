import type { ClientOptions, OpenAI } from "../../core/package_types.ts";

/**
 * OpenAI's own client for agents that are served. It tries again when a reply is lost, as OpenAI's does, and names
 * the request by an `Idempotency-Key`: it is the same run then, never a second one.
 *
 * @param options What `new OpenAI()` takes: above all `baseURL`, up to `/v1`, and `apiKey`, which may be a function
 * that gives the user's current token.
 *
 * @example
 * ```ts
 * import { createAgentsClient } from "@timestep-ai/timestep";
 *
 * const client = await createAgentsClient({
 *   baseURL: "http://127.0.0.1:8000/functions/v1/agents/v1",
 *   apiKey: "tsk_...",
 * });
 * ```
 */
export async function createAgentsClient(options: ClientOptions): Promise<OpenAI> {
  const { OpenAI } = await import("openai");
  // Meant for subclasses, of which there can be none before the client is loaded.
  class AgentsClient extends OpenAI {
    protected override idempotencyHeader = "Idempotency-Key";
  }
  return new AgentsClient(options);
}
