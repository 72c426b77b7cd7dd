import { findAll, type Source, withoutComments } from "./_sources.ts";

/** Something that no source may do. */
export interface Rule {
  /** What it says of a source that keeps it. */
  name: string;
  /** Lists what breaks it. */
  violations(source: Source): string[];
  /** A source that breaks it: shows that the rule can fail. */
  example: Source;
}

/** The rules for the TypeScript of the product. */
export const SOURCE_RULES: readonly Rule[] = [
  {
    name: "the core has no clock, no randomness, no environment and no input or output",
    violations: (source) =>
      source.path.startsWith("src/core/")
        ? findAll(
          code(source),
          /\b(Deno\.|Date\.now|new Date\(\)|performance\.|crypto\.|random[A-Z]|Math\.random|fetch\(|console\.)/,
        )
        : [],
    example: { path: "src/core/a.ts", text: "const now = Date.now();" },
  },
  {
    name: "the environment is read in the way that every runtime knows, but for commands",
    violations: (source) =>
      /^(src\/cli|functions)\//.test(source.path) ? [] : findAll(code(source), /\bDeno\.env\b/),
    example: { path: "src/a.ts", text: 'const key = Deno.env.get("KEY");' },
  },
  {
    name: "type checks are not switched off, and lint rules only with a reason",
    violations: (source) => findAll(source, /@ts-(ignore|nocheck|expect-error)|deno-lint-ignore(?!.* -- ).*/),
    example: { path: "src/a.ts", text: "// deno-lint-ignore no-explicit-any\nlet a: any;" },
  },
  {
    name: "files are named in snake_case, internals with a leading underscore",
    violations: ({ path }) => /(^|\/)_?[a-z0-9]+(_[a-z0-9]+)*\.ts$/.test(path) ? [] : [path],
    example: { path: "src/runState.ts", text: "" },
  },
  {
    name: "the schema is made by the migrations alone",
    violations: (source) =>
      source.path === "src/database/_migrations.ts" ? [] : findAll(
        code(source),
        /\b(create|alter|drop)\s+(or\s+replace\s+)?(unique\s+)?(table|index|schema|view|function|type|trigger|policy|role|extension)\b/i,
      ),
    example: { path: "src/a.ts", text: "await database.script(`create table if not exists a (b text)`);" },
  },
];

/** The rules for migrations. */
export const MIGRATION_RULES: readonly Rule[] = [
  {
    name: "functions with their owner's rights say where names are looked up",
    violations: ({ path, text }) =>
      text.split(/(?=\bcreate (?:or replace )?function\b)/i)
        .filter((part) => /\bsecurity\s+definer\b/i.test(withoutSqlComments(part)))
        .filter((part) => !/\bset\s+search_path\b/i.test(part))
        .map((part) => `${path}: ${part.split("\n")[0]}`),
    example: { path: "a.sql", text: "create function f() returns int security definer as $$ select 1 $$;" },
  },
];

function code(source: Source): Source {
  return { path: source.path, text: withoutComments(source.text) };
}

function withoutSqlComments(text: string): string {
  return text.replace(/--.*$/gm, "");
}
