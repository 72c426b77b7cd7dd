import { assert } from "@std/assert";

const root = new URL("../../", import.meta.url);
const LIMIT_BYTES = 5 * 1024 * 1024;

/** What DBOS would like to have for telemetry, and does without. */
const OPTIONAL: readonly string[] = ["@opentelemetry/*", "winston", "winston-transport"];

for (const name of ["agents", "worker"]) {
  const entry = new URL(`functions/${name}/index.ts`, root);

  Deno.test(`function ${name} is at most 30 lines`, async () => {
    const lines = (await Deno.readTextFile(entry)).trimEnd().split("\n").length;
    assert(lines <= 30, `${lines} lines`);
  });

  Deno.test(`function ${name} is at most 5 MB as a bundle, and begins with less than 200 KB of it`, async () => {
    const directory = await Deno.makeTempDir({ prefix: "timestep-bundle-" });
    try {
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        // --external takes all that follows it.
        args: ["bundle", "--quiet", "--minify", "--platform", "deno", "--code-splitting"]
          .concat(
            OPTIONAL.flatMap((module) => ["--external", module]),
            "--outdir",
            directory,
            entry.pathname,
          ),
        cwd: root,
        stdout: "null",
        stderr: "piped",
      }).output();
      assert(code === 0, new TextDecoder().decode(stderr));
      const files = await readAll(directory);
      const bytes = [...files.values()].reduce((sum, text) => sum + text.length, 0);
      assert(bytes > 1_000_000 && bytes <= LIMIT_BYTES, `${bytes} bytes`);
      const eager = [...eagerFiles(files, "index.js")];
      const first = eager.reduce((sum, file) => sum + (files.get(file)?.length ?? 0), 0);
      assert(first > 5000 && first <= 200_000, `${first} bytes: ${eager}`);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

/** The files that are loaded before the first request. */
function eagerFiles(files: ReadonlyMap<string, string>, file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, next] of (files.get(file) ?? "").matchAll(/(?:from|import)"\.\/([^"]+)"/g)) {
    if (next) eagerFiles(files, next, seen);
  }
  return seen;
}

async function readAll(directory: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const { name } of Deno.readDir(directory)) {
    files.set(name, await Deno.readTextFile(`${directory}/${name}`));
  }
  return files;
}
