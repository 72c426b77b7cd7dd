import process from "node:process";
import { tool } from "@openai/agents";
import { z } from "zod";
import type { FunctionTool, ToolInputParameters } from "../core/package_types.ts";
import { FirecrawlError, searchFirecrawl, type WebPage } from "./_firecrawl.ts";

/** How many results each context size brings. */
const RESULT_LIMITS = { low: 5, medium: 10, high: 20 };

/** What the tool waits for Firecrawl: Firecrawl's own default. */
const TIMEOUT_MS = 60_000;

/** A JSON schema that OpenAI's strict mode takes: everything is required, and `null` where it may be missing. */
const parameters = {
  type: "object" as const,
  properties: {
    query: {
      type: "string" as const,
      description: "What to search for, as for a search engine.",
    },
    user_location: {
      type: ["string" as const, "null" as const],
      description: "Where the user is, if results should fit: city, region, country. Else null.",
    },
    allowed_domains: {
      type: ["array" as const, "null" as const],
      items: { type: "string" as const },
      description: 'The only domains to search, with their subdomains, e.g. ["deno.com"]. Null for all.',
    },
    search_context_size: {
      type: ["string" as const, "null" as const],
      enum: [...Object.keys(RESULT_LIMITS), null],
      description: "How many results: low for 5, medium or null for 10, high for 20.",
    },
  },
  required: [
    "query" as const,
    "user_location" as const,
    "allowed_domains" as const,
    "search_context_size" as const,
  ],
  additionalProperties: false as const,
};

/** Read more leniently than the schema promises: models that are not held to it leave out what is null. */
const argumentsSchema = z.object({
  query: z.string().trim().min(1, "it is empty"),
  user_location: z.string().trim().nullish(),
  allowed_domains: z.array(z.string().transform(toDomain)).nullish(),
  search_context_size: z.enum(["low", "medium", "high"]).nullish(),
});

/**
 * A tool with which an agent searches the web, over Firecrawl (https://firecrawl.dev).
 *
 * The model gives a `query` and, if it wants, the `user_location`, the `allowed_domains` and how many results it
 * wants as `search_context_size`: `low` for 5, `medium` (the default) for 10, `high` for 20. It gets titles, URLs
 * and descriptions as text.
 *
 * Needs the environment variable `FIRECRAWL_API_KEY`, when it is used; `FIRECRAWL_API_URL` is the address of a
 * Firecrawl of one's own. Whatever goes wrong is told to the model, and the run goes on.
 *
 * @example
 * ```ts no-eval
 * import { Agent } from "@openai/agents";
 * import { runAgent, webSearch } from "@timestep-ai/timestep";
 *
 * const agent = new Agent({ name: "Researcher", model: "gpt-4.1", tools: [webSearch] });
 * const result = await runAgent(agent, "What is new in Deno?");
 * console.log(result.finalOutput);
 * ```
 */
export const webSearch: FunctionTool<unknown, ToolInputParameters, string> = tool({
  name: "web_search",
  description: "Search the web for current information. Gives titles, URLs and descriptions of pages.",
  parameters,
  strict: true,
  execute: (input, _context, details) => search(input, details?.signal),
});

async function search(input: unknown, signal: AbortSignal | undefined): Promise<string> {
  const parsed = argumentsSchema.safeParse(input);
  if (!parsed.success) return failure(wrongArgument(parsed.error));
  const apiKey = process.env["FIRECRAWL_API_KEY"]?.trim();
  if (!apiKey) {
    return failure(
      "The environment variable FIRECRAWL_API_KEY is not set. Do not search again, and tell the user",
    );
  }
  const { query, user_location: location, allowed_domains: domains, search_context_size: size } = parsed.data;
  const apiUrl = (process.env["FIRECRAWL_API_URL"] || "https://api.firecrawl.dev").replace(/\/+$/, "");
  try {
    const pages = await searchFirecrawl(
      {
        query: withSites(query, domains ?? []),
        limit: RESULT_LIMITS[size ?? "medium"],
        location: location ?? undefined,
      },
      { apiKey, apiUrl, timeoutMs: TIMEOUT_MS, signal },
    );
    return listOf(pages.filter(({ url }) => isAllowed(url, domains ?? [])));
  } catch (error) {
    if (error instanceof FirecrawlError) return failure(error.message);
    throw error;
  }
}

function failure(why: string): string {
  return `Error performing web search: ${why}.`;
}

function wrongArgument({ issues: [issue] }: z.ZodError): string {
  return `The argument ${
    issue?.path.join(".") || "object"
  } is wrong: ${issue?.message}. Correct it and search again`;
}

/** The host's name of what may as well be a URL or a pattern: `https://*.deno.com/blog` and `.deno.com` are `deno.com`. */
function toDomain(value: string, context: z.RefinementCtx): string {
  const host = value.trim().replace(/^[a-z]+:\/\//i, "").replace(/^\*?\.+/, "");
  const url = /[\s"()]/.test(host) ? null : URL.parse(`https://${host}`);
  const domain = url?.hostname.replace(/\.+$/, "") ?? "";
  if (!domain.includes(".")) {
    context.addIssue({ code: "custom", message: `${JSON.stringify(value)} is no domain` });
    return z.NEVER;
  }
  return domain;
}

function withSites(query: string, domains: string[]): string {
  if (domains.length === 0) return query;
  const sites = domains.map((domain) => `site:${domain}`).join(" OR ");
  return domains.length === 1 ? `${query} ${sites}` : `${query} (${sites})`;
}

/** Search engines take `site:` as a wish; the promise is that no other domain comes through. */
function isAllowed(url: string, domains: string[]): boolean {
  const host = URL.parse(url)?.hostname ?? "";
  return domains.length === 0 || domains.some((domain) => host === domain || host.endsWith(`.${domain}`));
}

function listOf(pages: WebPage[]): string {
  if (pages.length === 0) return "No search results found.";
  return pages.map((page, index) =>
    [
      `${index + 1}. ${oneLine(page.title) || "Untitled"}`,
      `   URL: ${page.url}`,
      `   ${oneLine(page.description)}`,
    ]
      .join("\n").trimEnd()
  ).join("\n\n");
}

function oneLine(value: string): string {
  return value.replace(/\s+/g, " ").trim();
}
