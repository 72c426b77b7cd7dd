import { z } from "zod";
import { ROOT, sourcesIn } from "./_sources.ts";

const Info = z.object({
  modules: z.array(z.object({
    specifier: z.string(),
    error: z.string().optional(),
    dependencies: z.array(z.object({
      code: z.object({ specifier: z.string().optional() }).optional(),
      type: z.object({ specifier: z.string().optional() }).optional(),
      isDynamic: z.boolean().optional(),
    })).optional(),
  })),
});

/** One import. */
export interface Edge {
  from: string;
  /** A path below the root, or a specifier such as `npm:zod@4.6.7`. */
  to: string;
  /** Only types are imported: nothing is loaded. */
  typeOnly: boolean;
  /** `import()`: loaded when the program gets there. */
  dynamic: boolean;
}

/** Every import in the product: `mod.ts`, `src` and `functions`, type imports too. */
export async function importGraph(): Promise<Edge[]> {
  const sources = [...await sourcesIn("src"), ...await sourcesIn("functions")];
  const imports = ["mod.ts", ...sources.map(({ path }) => path)].map((path) =>
    `import "${new URL(path, ROOT)}";`
  );
  const all = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(all, imports.join("\n"));
    const edges = await readGraph(all);
    return edges.filter(({ from }) => !from.endsWith(all));
  } finally {
    await Deno.remove(all);
  }
}

async function readGraph(file: string): Promise<Edge[]> {
  const config = new URL("deno.json", ROOT).pathname;
  const command = new Deno.Command(Deno.execPath(), { args: ["info", "--json", "--config", config, file] });
  const { stdout } = await command.output();
  const { modules } = Info.parse(JSON.parse(new TextDecoder().decode(stdout)));
  return modules.flatMap(({ specifier, dependencies = [] }) =>
    dependencies.flatMap(({ code, type, isDynamic = false }): Edge[] => {
      const to = code?.specifier ?? type?.specifier;
      if (to === undefined) return [];
      return [{ from: short(specifier), to: short(to), typeOnly: !code?.specifier, dynamic: isDynamic }];
    })
  );
}

function short(specifier: string): string {
  return specifier.startsWith(ROOT.href) ? specifier.slice(ROOT.href.length) : specifier;
}

/**
 * What is loaded once `entries` are.
 *
 * @param edges The imports to follow.
 * @returns The entries, and all that they import directly or by others.
 */
export function reachable(entries: readonly string[], edges: readonly Edge[]): Set<string> {
  const seen = new Set(entries);
  for (const module of seen) {
    for (const { from, to } of edges) if (from === module) seen.add(to);
  }
  return seen;
}
