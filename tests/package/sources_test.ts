import { assert, assertEquals } from "@std/assert";
import { MIGRATION_RULES, type Rule, SOURCE_RULES } from "./_rules.ts";
import { ROOT, type Source, sourcesIn, withoutComments } from "./_sources.ts";

const product = [...await sourcesIn("src"), ...await sourcesIn("functions")];
const migrations = await sourcesIn("supabase/migrations", ".sql");
const tests = await sourcesIn("tests");

function check(rule: Rule, sources: readonly Source[]): void {
  Deno.test(`${rule.name}`, () => {
    assert(sources.length > 0);
    assert(rule.violations(rule.example).length > 0, "The rule does not even find its own example");
    assertEquals(sources.flatMap((source) => rule.violations(source)), []);
  });
}

for (const rule of SOURCE_RULES) check(rule, product);
for (const rule of MIGRATION_RULES) check(rule, migrations);

Deno.test("mod.ts is a table of contents: named re-exports and nothing else", async () => {
  const text = withoutComments(await Deno.readTextFile(new URL("mod.ts", ROOT)));
  const rest = text.replace(/export (type )?\{[^}]*\} from "\.\/[\w/.]+";/g, "");
  assertEquals(rest.trim(), "");
});

// Types are left out: those in a signature have to be exported for its documentation's sake.
Deno.test("every exported function, class and constant is used outside its file", async () => {
  const contents = { path: "mod.ts", text: await Deno.readTextFile(new URL("mod.ts", ROOT)) };
  const users = [contents, ...product, ...tests].map(({ path, text }) => ({
    path,
    text: withoutComments(text),
  }));
  const unused = product.filter(({ path }) => path.startsWith("src/")).flatMap(({ path, text }) =>
    exportedNames(text)
      .filter((name) =>
        !users.some((user) => user.path !== path && new RegExp(`\\b${name}\\b`).test(user.text))
      )
      .map((name) => `${path}: ${name}`)
  );
  assertEquals(unused, []);
});

function exportedNames(text: string): string[] {
  const declaration =
    /^export (?:declare |default |abstract |async )*(?:function\*?|class|const|let) (\w+)/gm;
  return [...text.matchAll(declaration)].flatMap(([, name]) => name ?? []);
}
