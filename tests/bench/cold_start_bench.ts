import { deno } from "../_child.ts";
import { type FreshDatabase, testDatabases } from "../_databases.ts";
import { type Bundle, bundle } from "../functions/_functions.ts";
import { OpenAIStandIn } from "../openai_stand_in/mod.ts";
import { compare } from "./_ratio.ts";
import { serve } from "../_served.ts";

/** What it costs to begin: to import this package, and, as an edge function, to answer the first request. */
export async function bench(): Promise<void> {
  await compare("Import in a fresh process", [
    { name: "@openai/agents", run: () => timeOfImport("@openai/agents") },
    { name: "mod.ts", target: 1.1, run: () => timeOfImport("@timestep-ai/timestep") },
  ], { rounds: 25 });
  const postgres = testDatabases().find(({ engine }) => engine === "postgres");
  if (!postgres) return console.log("Left out: the functions, which need Postgres");
  await using fresh = await postgres.create();
  await using openai = new OpenAIStandIn({ script: () => [{ type: "message", text: "Hello." }] });
  await using agents = await bundle("agents");
  await benchFunction(agents, fresh, openai.url);
}

/** Milliseconds that the import took as the new process itself saw it: its own start is not counted. */
async function timeOfImport(specifier: string): Promise<number> {
  const script = `
    const start = performance.now();
    await import("${specifier}");
    console.log(performance.now() - start);
    Deno.exit();`;
  const { text } = await deno(["eval", "--no-check", script]);
  return Number(text);
}

const SOURCES = new URL("../../functions/agents/index.ts", import.meta.url).pathname;
const ON_FREE_PORT = '{ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) }';
const EMPTY_SERVER = `Deno.serve(${ON_FREE_PORT}, () => new Response("Hello."));`;
const SDK_SERVER = `Deno.serve(${ON_FREE_PORT}, async () => {
  await import("@openai/agents");
  return new Response("Hello.");
});`;

/** Processes from their start to the first byte, and to the first event of a run, of the function as it is deployed. */
async function benchFunction(agents: Bundle, fresh: FreshDatabase, openaiUrl: string): Promise<void> {
  const start = new URL("../functions/_start.ts", import.meta.url).pathname;
  const env = {
    SUPABASE_DB_URL: fresh.connectionString,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: "secret" }),
    OPENAI_BASE_URL: openaiUrl,
    OPENAI_API_KEY: "test",
  };
  const run = ["run", "-A", "--no-check", "--quiet"];
  const models = () => firstByte([...run, start, agents.entry], env, "/agents/v1/models");
  const event = (entry: string) =>
    firstByte([...run, start, entry], env, "/agents/v1/responses", {
      method: "POST",
      body: JSON.stringify({ model: "Assistant", input: "Hello.", stream: true }),
    });
  await compare("From the start of the process to the first byte", [
    { name: "an empty server", run: () => firstByte(["eval", "--quiet", EMPTY_SERVER]) },
    { name: "GET /v1/models", target: 2, run: models },
  ], { rounds: 15 });
  // The first makes DBOS's tables.
  await event(agents.entry);
  await compare("From the start of the process to the first event of a run", [
    { name: "import of @openai/agents", run: () => firstByte(["eval", "--quiet", SDK_SERVER]) },
    { name: "POST /v1/responses, bundled", target: 1.25, run: () => event(agents.entry) },
    // As on one's own machine; what is deployed is one file.
    { name: "POST /v1/responses, from its sources", run: () => event(SOURCES) },
  ], { rounds: 15 });
}

async function firstByte(
  args: readonly string[],
  env: Record<string, string> = {},
  path = "/",
  init: RequestInit = {},
): Promise<number> {
  const start = performance.now();
  await using server = await serve(args, env);
  const response = await fetch(server.origin + path, { ...init, headers: { apikey: "secret" } });
  const reader = response.body?.getReader();
  const { value } = await reader?.read() ?? {};
  const milliseconds = performance.now() - start;
  await reader?.cancel();
  if (response.status !== 200 || !value) throw new Error(`${path} answers ${response.status}`);
  return milliseconds;
}
