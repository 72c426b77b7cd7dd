/** A file that can be run by its name. */
export interface Program {
  name: string;
  href: string;
}

/**
 * Finds what can be run in a folder.
 *
 * @param folder Its URL, ending in a slash.
 * @param suffix How the files end; what comes before is their name.
 * @param names Those wanted; all of them when empty.
 * @throws {RangeError} When a name is not there; the message lists those that are.
 */
export function programsIn(folder: URL, suffix: string, names: readonly string[]): Program[] {
  const programs = [...Deno.readDirSync(folder)]
    .filter((entry) => entry.name.endsWith(suffix))
    .map(({ name }) => ({ name: name.slice(0, -suffix.length), href: new URL(name, folder).href }))
    .sort((a, b) => a.name < b.name ? -1 : 1);
  const unknown = names.filter((name) => !programs.some((program) => program.name === name));
  if (unknown.length > 0) {
    const known = programs.map(({ name }) => name).join(", ");
    throw new RangeError(`Cannot find ${unknown.join(", ")} in ${folder.pathname}: there are ${known}`);
  }
  return programs.filter(({ name }) => names.length === 0 || names.includes(name));
}
