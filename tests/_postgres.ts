import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";

/** A Postgres server of the test's own, in a temporary directory, stopped at the latest when the process ends. */
export interface PostgresServer {
  /** The superuser's URI, database `postgres`. */
  readonly uri: string;
  /** The TCP port on 127.0.0.1. */
  readonly port: number;
  /** The data directory. */
  readonly directory: string;
  /**
   * Stops the server and starts it again, on the same port and data.
   *
   * @param mode `fast` ends connections in order (default), `immediate` is a crash.
   */
  restart(mode?: "fast" | "immediate"): Promise<void>;
  /** Stops the server without removing it. */
  halt(mode?: "fast" | "immediate"): Promise<void>;
  /** Starts it again after `halt()`. */
  start(): Promise<void>;
  /** Stops the server and removes its directory. */
  stop(): Promise<void>;
}

/** What a server of the test's own can be given. */
export interface PostgresServerOptions {
  /** Lines for `postgresql.conf`. */
  settings?: readonly string[];
  /** Files to be put into the data directory, name to text, readable by the server's user only. */
  files?: Readonly<Record<string, string>>;
}

/** The folder with `initdb` and `pg_ctl`, or null when Postgres is not installed. */
export function findPostgresPrograms(): string | null {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const root = "/usr/lib/postgresql";
  if (existsSync(root)) {
    const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
    folders.push(...versions.map((version) => `${root}/${version}/bin`));
  }
  return folders.find((folder) => existsSync(`${folder}/initdb`) && existsSync(`${folder}/pg_ctl`)) ?? null;
}

/**
 * Starts a Postgres server with default settings (fsync on, password required) on a free port.
 *
 * @throws {Error} When Postgres is not installed or does not start.
 */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const programs = findPostgresPrograms();
  if (programs === null) throw new Error("Cannot start Postgres: initdb and pg_ctl were not found");
  const home = await Deno.makeTempDir({ prefix: "timestep-postgres-" });
  const directory = `${home}/data`;
  const password = crypto.randomUUID();
  const port = await freePort();
  await Deno.writeTextFile(`${home}/password`, password);
  if (Deno.uid() === 0) await run("chown", ["-R", "postgres", home]);
  await asServerUser([
    `${programs}/initdb`,
    ...["-D", directory, "-U", "tester", "--auth=scram-sha-256", `--pwfile=${home}/password`],
    ...["-E", "UTF8", "--locale=C", "--no-sync"],
  ]);
  const settings = [
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    `unix_socket_directories = '${home}'`,
    "max_connections = 200",
    ...options.settings ?? [],
  ];
  await Deno.writeTextFile(`${directory}/postgresql.conf`, settings.join("\n") + "\n", { append: true });
  for (const [name, text] of Object.entries(options.files ?? {})) {
    await Deno.writeTextFile(`${directory}/${name}`, text, { mode: 0o600 });
    if (Deno.uid() === 0) await run("chown", ["postgres", `${directory}/${name}`]);
  }
  const control = (...args: string[]) =>
    asServerUser([`${programs}/pg_ctl`, "-D", directory, "-s", "-w", "-l", `${home}/log`, ...args]);
  const server: PostgresServer = {
    uri: `postgres://tester:${password}@127.0.0.1:${port}/postgres`,
    port,
    directory,
    restart: (mode = "fast") => control("-m", mode, "restart"),
    halt: (mode = "fast") => control("-m", mode, "stop"),
    start: () => control("start"),
    stop: async () => {
      await control("-m", "immediate", "stop").catch(() => {});
      await Deno.remove(home, { recursive: true });
    },
  };
  await stopWithThisProcess([`${programs}/pg_ctl`, "-D", directory, "-s", "-m", "immediate", "stop"], home);
  await server.start();
  return server;
}

/**
 * Leaves behind a shell that outlives this process, however it ends, and then stops a server. It goes away by
 * itself when the server's directory does.
 *
 * @param command Stops the server; it runs as the server's user.
 * @param home The server's directory, which is removed.
 */
export async function stopWithThisProcess(command: readonly string[], home: string): Promise<void> {
  const stop = asServerUserCommand(command);
  const script = `trap '' INT TERM HUP
    while kill -0 ${Deno.pid} 2>/dev/null && [ -d '${home}' ]; do sleep 1; done
    if [ -d '${home}' ]; then ${
    stop.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ")
  }; rm -rf '${home}'; fi`;
  await run("sh", ["-c", '(sh -c "$1" >/dev/null 2>&1 </dev/null &)', "sh", script]);
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("Cannot find a free port");
  return address.port;
}

/** Postgres refuses to run as root. */
function asServerUserCommand(command: readonly string[]): string[] {
  if (Deno.uid() !== 0) return [...command];
  const words = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  return ["su", "postgres", "-s", "/bin/sh", "-c", words.join(" ")];
}

/** Runs a program as the user that servers run as: not root. */
export async function asServerUser(command: readonly string[]): Promise<void> {
  const [program = "", ...args] = asServerUserCommand(command);
  await run(program, args);
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd: "/",
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`Cannot run ${program}: ${new TextDecoder().decode(stderr)}`);
}
