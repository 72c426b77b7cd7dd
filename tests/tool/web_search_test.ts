// deno-lint-ignore-file camelcase -- the names of the arguments that a model gives
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Agent, RunContext, Runner } from "@openai/agents";
import { MultiModelProvider, webSearch } from "@timestep-ai/timestep";
import { searchFirecrawl } from "../../src/tool/_firecrawl.ts";
import { environment } from "../model/_environment.ts";
import { OpenAIStandIn } from "../openai_stand_in/mod.ts";
import { FirecrawlStandIn, found, refused } from "./_firecrawl_stand_in.ts";

const DENO = {
  url: "https://deno.com/",
  title: "Deno",
  description: "A runtime\nfor  JavaScript",
  position: 1,
};

/** Calls the tool as a model does: with JSON. */
async function search(args: unknown): Promise<string> {
  return String(
    await webSearch.invoke(new RunContext(), typeof args === "string" ? args : JSON.stringify(args)),
  );
}

function configured(url: string, key: string | undefined = FirecrawlStandIn.KEY): Disposable {
  return environment({ FIRECRAWL_API_URL: url, FIRECRAWL_API_KEY: key });
}

Deno.test("webSearch lists titles, URLs and descriptions", async () => {
  await using firecrawl = new FirecrawlStandIn(() =>
    found([DENO, { url: "https://jsr.io/", title: null, description: "" }])
  );
  using _environment = configured(firecrawl.url);
  assertEquals(
    await search({ query: "deno", user_location: null, allowed_domains: null, search_context_size: null }),
    "1. Deno\n   URL: https://deno.com/\n   A runtime for JavaScript\n\n2. Untitled\n   URL: https://jsr.io/",
  );
  assertEquals(firecrawl.requests, [{ query: "deno", limit: 10, timeout: 60_000 }]);
});

const REQUESTS: [args: Record<string, unknown>, sent: Record<string, unknown>][] = [
  [{ search_context_size: "low" }, { limit: 5 }],
  [{ search_context_size: "medium" }, { limit: 10 }],
  [{ search_context_size: "high" }, { limit: 20 }],
  [{ user_location: "Oakland, California" }, { location: "Oakland, California" }],
  [{ user_location: "" }, {}],
  [{ allowed_domains: [] }, {}],
  [{ allowed_domains: ["deno.com"] }, { query: "deno site:deno.com" }],
  [{ allowed_domains: ["deno.com", "jsr.io"] }, { query: "deno (site:deno.com OR site:jsr.io)" }],
  [{ allowed_domains: [" https://*.Deno.com./blog?q=1 ", ".jsr.io"] }, {
    query: "deno (site:deno.com OR site:jsr.io)",
  }],
  [{ allowed_domains: ["müller.de"] }, { query: "deno site:xn--mller-kva.de" }],
];

for (const [args, sent] of REQUESTS) {
  Deno.test(`webSearch asks Firecrawl for ${JSON.stringify(args)}`, async () => {
    await using firecrawl = new FirecrawlStandIn(() => found([]));
    using _environment = configured(firecrawl.url);
    assertEquals(await search({ query: " deno ", ...args }), "No search results found.");
    assertEquals(firecrawl.requests, [{ query: "deno", limit: 10, timeout: 60_000, ...sent }]);
  });
}

Deno.test("webSearch lets through allowed domains and their subdomains only", async () => {
  const urls = [
    "https://deno.com/a",
    "https://docs.deno.com/b",
    "https://notdeno.com/c",
    "https://deno.com.example/d",
    "https://example.com/deno.com",
    "no URL",
  ];
  await using firecrawl = new FirecrawlStandIn(() => found(urls.map((url) => ({ url, title: "T" }))));
  using _environment = configured(firecrawl.url);
  const text = await search({ query: "deno", allowed_domains: ["deno.com"] });
  assertEquals(urls.filter((url) => text.includes(url)), urls.slice(0, 2));
});

const WRONG_ARGUMENTS: [args: unknown, why: string][] = [
  [{}, "query"],
  [{ query: "  " }, "query is wrong: it is empty"],
  [{ query: 7 }, "query"],
  [{ query: "deno", search_context_size: "huge" }, "search_context_size"],
  [
    { query: "deno", allowed_domains: ["deno.com", 'x" OR y'] },
    'allowed_domains.1 is wrong: "x\\" OR y" is no domain',
  ],
  [{ query: "deno", allowed_domains: ["localhost"] }, '"localhost" is no domain'],
  [{ query: "deno", allowed_domains: [".gov"] }, '".gov" is no domain'],
  [[], "argument"],
];

for (const [args, why] of WRONG_ARGUMENTS) {
  Deno.test(`webSearch tells what is wrong with ${JSON.stringify(args)}`, async () => {
    await using firecrawl = new FirecrawlStandIn(() => found([]));
    using _environment = configured(firecrawl.url);
    const text = await search(args);
    assertStringIncludes(text, "Error performing web search: The argument ");
    assertStringIncludes(text, why);
    assertEquals(firecrawl.requests, []);
  });
}

const FAILURES: [what: string, answer: () => Response, text: string][] = [
  [
    "402",
    () => refused(402, "Insufficient credits."),
    "status 402: Insufficient credits. Its credits are used up",
  ],
  ["429", () => refused(429, "Rate limit exceeded", { "retry-after": "17" }), "search again in 17 seconds."],
  ["429 without a time", () => refused(429, "Rate limit exceeded"), "search again later."],
  ["400", () => refused(400, "Bad query"), "status 400: Bad query. Word the query differently."],
  [
    "408",
    () => refused(408, "Request timed out"),
    "status 408: Request timed out. Search again with a simpler",
  ],
  ["500", () => refused(500, "x".repeat(5000)), `${"x".repeat(300)}.... Search again later.`],
  ["502 from a proxy", () => new Response("<html>", { status: 502 }), "status 502. Search again later."],
  ["no JSON", () => new Response("<html>"), "answer could not be read"],
  [
    "JSON of another kind",
    () => Response.json({ success: true, data: { web: [{}] } }),
    "answer could not be read",
  ],
  ["a failure with status 200", () => refused(200, "Odd"), "Firecrawl answered: Odd. Search again later."],
  [
    "its key in the message",
    () => refused(403, `No ${FirecrawlStandIn.KEY}!`),
    "status 403: No ***!. Somebody has to",
  ],
];

for (const [what, answer, text] of FAILURES) {
  Deno.test(`webSearch tells the model what to do when Firecrawl answers with ${what}`, async () => {
    await using firecrawl = new FirecrawlStandIn(answer);
    using _environment = configured(firecrawl.url);
    const result = await search({ query: "deno" });
    assertEquals(result.startsWith("Error performing web search: Firecrawl"), true, result);
    assertStringIncludes(result, text);
    assertEquals(result.includes(FirecrawlStandIn.KEY), false);
  });
}

Deno.test("webSearch tells the model that the key is missing, or wrong", async () => {
  await using firecrawl = new FirecrawlStandIn(() => found([]));
  for (const key of [undefined, "", " "]) {
    using _environment = environment({ FIRECRAWL_API_URL: firecrawl.url, FIRECRAWL_API_KEY: key });
    assertStringIncludes(await search({ query: "deno" }), "FIRECRAWL_API_KEY is not set");
  }
  for (const key of ["fc-wrong-key", "fc-with\nnewline"]) {
    using _environment = configured(firecrawl.url, key);
    const text = await search({ query: "deno" });
    assertStringIncludes(text, "Error performing web search: ");
    assertEquals(text.includes(key), false);
  }
  assertEquals(firecrawl.requests, []);
});

Deno.test("webSearch trims the key and the slash of the address", async () => {
  await using firecrawl = new FirecrawlStandIn(() => found([DENO]));
  using _environment = configured(`${firecrawl.url}/`, ` ${FirecrawlStandIn.KEY}\n`);
  assertStringIncludes(await search({ query: "deno" }), "1. Deno");
});

Deno.test("webSearch tells the model that Firecrawl cannot be reached, without what the address hides", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  for (
    const [url, said] of [[`http://127.0.0.1:${port}`, `at http://127.0.0.1:${port}. `], [
      "nonsense",
      "the address in",
    ]] as const
  ) {
    using _environment = configured(url);
    assertStringIncludes(await search({ query: "deno" }), said);
  }
  using _environment = configured(`http://me:secret@127.0.0.1:${port}`);
  assertEquals((await search({ query: "deno" })).includes("secret"), false);
});

Deno.test("searchFirecrawl() gives up after the time it was given, and at once when it is stopped", async () => {
  const { promise: never, resolve } = Promise.withResolvers<void>();
  await using firecrawl = new FirecrawlStandIn(async () => (await never, found([])));
  const options = { apiKey: FirecrawlStandIn.KEY, apiUrl: firecrawl.url };
  const query = { query: "deno", limit: 5 };
  await assertRejects(
    () => searchFirecrawl(query, { ...options, timeoutMs: 20 }),
    Error,
    "no answer within 0.02 seconds",
  );

  const stop = new AbortController();
  const search = searchFirecrawl(query, { ...options, timeoutMs: 60_000, signal: stop.signal });
  stop.abort(new RangeError("stopped"));
  await assertRejects(() => search, RangeError, "stopped");
  resolve();
});

Deno.test("webSearch is a tool that OpenAI takes and an agent uses", async () => {
  await using firecrawl = new FirecrawlStandIn(() => found([DENO]));
  await using openai = new OpenAIStandIn({
    script: ({ items }) => {
      const last = items.at(-1);
      if (last?.type === "function_call_output") return [{ type: "message", text: `Found: ${last.output}` }];
      const args = {
        query: "deno",
        user_location: null,
        allowed_domains: ["deno.com"],
        search_context_size: "low",
      };
      return [{ type: "function_call", name: "web_search", arguments: args }];
    },
  });
  using _environment = configured(firecrawl.url);
  const modelProvider = new MultiModelProvider({ openaiApiKey: "key", openaiBaseURL: openai.url });
  const agent = new Agent({ name: "Researcher", model: "gpt-4.1", tools: [webSearch] });
  const { finalOutput } = await new Runner({ modelProvider, tracingDisabled: true }).run(
    agent,
    "What is Deno?",
  );
  assertEquals(finalOutput, "Found: 1. Deno\n   URL: https://deno.com/\n   A runtime for JavaScript");
  assertEquals(openai.refusals, []);
  assertEquals(firecrawl.requests, [{ query: "deno site:deno.com", limit: 5, timeout: 60_000 }]);
});
