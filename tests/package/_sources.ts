/** The repository's root, ending in a slash. */
export const ROOT: URL = new URL("../../", import.meta.url);

/** A file of the repository. */
export interface Source {
  /** Relative to the root: `src/core/errors.ts`. */
  path: string;
  text: string;
}

/**
 * Reads the files below a folder.
 *
 * @param folder Relative to the root; one that is not there has no files.
 * @param extension How their names end, `.ts` unless told.
 * @returns The files, sorted by path.
 */
export async function sourcesIn(folder: string, extension = ".ts"): Promise<Source[]> {
  const sources: Source[] = [];
  for await (const path of pathsIn(folder)) {
    if (path.endsWith(extension)) sources.push({ path, text: await Deno.readTextFile(new URL(path, ROOT)) });
  }
  return sources.sort((a, b) => a.path < b.path ? -1 : 1);
}

async function* pathsIn(folder: string): AsyncGenerator<string> {
  try {
    for await (const entry of Deno.readDir(new URL(folder, ROOT))) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) yield* pathsIn(path);
      else yield path;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The source without its comments, lines kept. Text in strings that looks like a comment goes too. */
export function withoutComments(text: string): string {
  const blanks = (comment: string) => comment.replace(/[^\n]/g, " ");
  return text.replace(/\/\*[\s\S]*?\*\//g, blanks).replace(/(^|\s)\/\/.*$/gm, blanks);
}

/**
 * Finds a pattern.
 *
 * @returns A line per match, as `path:line: what was found`.
 */
export function findAll({ path, text }: Source, pattern: RegExp): string[] {
  return [...text.matchAll(new RegExp(pattern, pattern.flags.replace("g", "") + "g"))].map((match) => {
    const line = text.slice(0, match.index).split("\n").length;
    return `${path}:${line}: ${match[0].trim()}`;
  });
}
