import { join } from "node:path";
import { type DbOptions, parseDbOptions } from "./db_options.ts";
import { ExitCode } from "./exit_code.ts";
import { reportFailure } from "./failure.ts";

const HELP =
  `Serves the PGlite directory over Postgres's protocol, so that Python, psql and others can use what TypeScript keeps
there. For one client at a time, on this machine only. The first line says the address: set PG_CONNECTION_URI to it.

Usage: timestep db [options]

Options:
  --port NUMBER     The port, 0 for a free one (default: 5433)
  --database URI    pglite:DIRECTORY (default: PG_CONNECTION_URI if it names one, a PGlite at
                    TIMESTEP_PGLITE_PATH, else PGlite in your application directory)
  -h, --help        Show this help

TypeScript can't open the directory meanwhile. Ctrl-C ends it.`;

/**
 * Serves the PGlite directory to one client at a time until it is interrupted.
 *
 * @param args The arguments after `db`.
 * @returns The exit code.
 * @throws {UsageError} When the arguments are wrong.
 */
export async function db(args: readonly string[]): Promise<number> {
  const options = parseDbOptions(args);
  if (options.help) {
    console.log(HELP);
    return ExitCode.ok;
  }
  try {
    await serveDirectory(options);
    return ExitCode.ok;
  } catch (error) {
    return await reportFailure(error, options.port);
  }
}

async function serveDirectory(options: DbOptions): Promise<void> {
  const directory = await directoryOf(options);
  const { openDatabase } = await import("../database/open_database.ts");
  const { pgliteInstance } = await import("../database/pglite.ts");
  const { PGliteServer } = await import("./pglite_server.ts");
  const database = await openDatabase({ connectionString: `pglite:${directory ?? "memory"}` });
  try {
    const instance = pgliteInstance(database);
    if (instance === null) throw new TypeError("Cannot serve a database that is not PGlite");
    const password = directory === null ? newPassword() : await passwordIn(directory);
    const server = new PGliteServer(instance, { port: options.port, password });
    const stop = () => server.stop();
    for (const signal of SIGNALS) Deno.addSignalListener(signal, stop);
    console.log(`postgresql://postgres:${password}@127.0.0.1:${server.port}/postgres?sslmode=disable`);
    console.log(`Serves ${directory ?? "a new database in memory"} to one client at a time; Ctrl-C ends it.`);
    try {
      await server.finished;
    } finally {
      for (const signal of SIGNALS) Deno.removeSignalListener(signal, stop);
    }
  } finally {
    await database.close();
  }
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Where TypeScript would keep its data if there were no Postgres; null for memory. */
async function directoryOf({ database }: DbOptions): Promise<string | null> {
  const { locate } = await import("../database/_location.ts");
  const { readEnvironment } = await import("../database/open_database.ts");
  // PG_CONNECTION_URI may well be the address that this command prints.
  const withoutPostgres = (name: string) => {
    const value = readEnvironment(name);
    return value !== undefined && /^postgres(ql)?:/i.test(value) ? undefined : value;
  };
  const location = locate(database ?? undefined, withoutPostgres);
  return location.engine === "pglite" ? location.directory : null;
}

/** The directory's own password, which only its owner can read: so the address stays the same. */
async function passwordIn(directory: string): Promise<string> {
  const file = join(directory, "timestep.password");
  try {
    return (await Deno.readTextFile(file)).trim();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const password = newPassword();
    await Deno.writeTextFile(file, `${password}\n`, { mode: 0o600, createNew: true });
    return password;
  }
}

function newPassword(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
