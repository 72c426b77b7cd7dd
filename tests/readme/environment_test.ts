import { assert, assertEquals } from "@std/assert";
import { ROOT, sourcesIn, withoutComments } from "../package/_sources.ts";

const READ = /(?:env\.get|environment|readEnvironment)\(\s*"([A-Z][A-Z0-9_]+)"/g;
const LISTED = /"((?:PG_CONNECTION|SUPABASE|TIMESTEP|OPENAI|OLLAMA|FIRECRAWL)_[A-Z0-9_]+)"/g;

Deno.test("README lists every environment variable that is read, and no other", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", ROOT));
  const [, chapter = ""] = readme.split(/^## Environment variables$/m);
  const table = (chapter.split(/^## /m)[0] ?? "").split("\n").filter((line) => line.startsWith("| `"));
  const listed = new Set(table.flatMap((row) => row.split("|")[1]?.match(/[A-Z][A-Z0-9_]+/g) ?? []));

  const sources = (await sourcesIn("src")).map(({ text }) => text);
  const code = sources.map(withoutComments).join("\n");
  const read = new Set([...code.matchAll(READ), ...code.matchAll(LISTED)].flatMap(([, name]) => name ?? []));
  assert(read.size > 0);
  assertEquals([...read].filter((name) => !listed.has(name)), []);
  // Some are read by a dependency; then a doc comment of ours says so.
  assertEquals([...listed].filter((name) => !sources.some((text) => text.includes(name))), []);
});
