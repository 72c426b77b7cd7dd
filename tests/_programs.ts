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
    throw new RangeError(`Cannot find ${unknown.join(", ")} here: there are ${known}`);
  }
  return programs.filter(({ name }) => names.length === 0 || names.includes(name));
}

/**
 * The programs that a command is told to run, for people: says how it is called when it is asked for help, and what
 * is wrong with its arguments.
 *
 * @param usage What to say.
 * @param find Reads the arguments.
 * @returns What `find` gave, or the exit code.
 */
export function readCommand<T>(args: readonly string[], usage: string, find: () => T): T | number {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(usage);
    return 0;
  }
  try {
    return find();
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    return 2;
  }
}
