// Writes src/database/_migrations.ts from supabase/migrations: `deno task migrations`. The text is part of
// the module so that it is there in a bundle, offline, and when imported from a registry.

const folder = new URL("../supabase/migrations/", import.meta.url);
/** The file that is generated. */
export const generatedFile = new URL("../src/database/_migrations.ts", import.meta.url);

/** What `_migrations.ts` must contain. */
export async function generateMigrations(): Promise<string> {
  const names = Array.from(Deno.readDirSync(folder), (entry) => entry.name)
    .filter((name) => /^\d{14}_\w+\.sql$/.test(name)).sort();
  const parts = await Promise.all(names.map(async (name) => {
    const sql = (await Deno.readTextFile(new URL(name, folder))).replaceAll("\r\n", "\n");
    const literal = sql.replace(/[\\`]|\$\{/g, "\\$&");
    return `  {\n    version: "${name.slice(0, 14)}",\n    sql: \`\n${literal}\`,\n  },\n`;
  }));
  return '// Generated from supabase/migrations by "deno task migrations". Do not edit.\n\n' +
    'import type { Migration } from "./migrate.ts";\n\n' +
    "/** The schema's migrations, oldest first. */\n" +
    `export const migrations: readonly Migration[] = [\n${parts.join("")}];\n`;
}

if (import.meta.main) {
  await Deno.writeTextFile(generatedFile, await generateMigrations());
  console.log(`Wrote ${generatedFile.pathname}`);
}
