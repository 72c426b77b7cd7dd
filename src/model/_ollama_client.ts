import type OpenAI from "openai";
import { z } from "zod";
import { ollamaAnswer } from "./_ollama_answer.ts";
import type { OllamaServer } from "./_ollama_server.ts";

/**
 * Create the client for an Ollama server's OpenAI-compatible endpoint.
 *
 * Nothing that is meant for OpenAI goes there: no key, organization or project, and none of the headers of
 * `OPENAI_CUSTOM_HEADERS`.
 */
export async function createOllamaClient(server: OllamaServer): Promise<OpenAI> {
  const { default: OpenAIClient } = await import("openai");
  return new OpenAIClient({
    baseURL: `${server.url}/v1`,
    // The client insists on a key and would take OPENAI_API_KEY; the header is replaced below.
    apiKey: "unused",
    organization: null,
    project: null,
    fetch: (input, init) => fetchFromOllama(server, input, init),
  });
}

/** The server did not answer, or is not Ollama; becomes the `cause` of the client's connection error. */
export class OllamaUnreachableError extends Error {
  override readonly name = "OllamaUnreachableError";
}

const PASSED_HEADERS = ["accept", "content-type", "user-agent"];

async function fetchFromOllama(
  server: OllamaServer,
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  const headers = new Headers();
  for (const [name, value] of new Headers(init.headers)) {
    if (PASSED_HEADERS.includes(name)) headers.set(name, value);
  }
  if (server.authorization !== undefined) headers.set("authorization", server.authorization);
  return await reach(server, async () => {
    const response = await fetch(input, { ...init, headers });
    if (!response.ok) return response;
    const body = await ollamaAnswer(response, isStreamWanted(init.body));
    if (body === null) {
      throw unreachable(server, "something else answers there. Set OLLAMA_HOST to where it runs");
    }
    return new Response(body, { status: response.status, headers: response.headers });
  });
}

function isStreamWanted(body: RequestInit["body"]): boolean {
  return typeof body === "string" &&
    z.object({ stream: z.literal(true) }).safeParse(JSON.parse(body)).success;
}

async function reach(server: OllamaServer, request: () => Promise<Response>): Promise<Response> {
  try {
    return await request();
  } catch (error) {
    const advice = adviceOn(error);
    if (advice === null) throw error;
    throw unreachable(server, advice, { cause: error });
  }
}

function unreachable({ url }: OllamaServer, why: string, options?: ErrorOptions): OllamaUnreachableError {
  return new OllamaUnreachableError(`Ollama could not be reached at ${url}: ${why}`, options);
}

/** What can be done about a request that failed; null when the server has nothing to do with it. */
function adviceOn(error: unknown): string | null {
  if (error instanceof TypeError) return 'start it with "ollama serve", or set OLLAMA_HOST to where it runs';
  // Deno's, for a program that may not use the network; it says which flag is missing.
  return error instanceof Error && error.name === "NotCapable" ? error.message : null;
}
