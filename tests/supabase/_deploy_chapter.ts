/** The SQL that README's chapter "Deploy" asks for, word by word: the block with this in it. */
export async function deploySql(part: string): Promise<string> {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const chapter = readme.slice(readme.indexOf("\n## Deploy"));
  const blocks = [...chapter.matchAll(/^```sql\n(.*?)^```$/gms)].map(([, sql]) => sql ?? "");
  const block = blocks.find((sql) => sql.includes(part));
  if (block === undefined) throw new Error(`README's chapter "Deploy" has no SQL with ${part} in it`);
  return block;
}

/** Replaces each of the texts, all of which have to be there. */
export function filledIn(sql: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce((filled, [text, value]) => {
    if (!filled.includes(text)) throw new Error(`README's SQL does not have ${text} in it`);
    return filled.replaceAll(text, () => value);
  }, sql);
}

/** The commands of Supabase's CLI in README's chapter "Deploy", as words. */
export async function deployCommands(): Promise<string[][]> {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const chapter = readme.slice(readme.indexOf("\n## Deploy"));
  return [...chapter.matchAll(/^supabase (.+)$/gm)].map(([, command = ""]) => command.split(" "));
}
