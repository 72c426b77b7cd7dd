import { freePort } from "../_postgres.ts";

/** What runs functions as Supabase does: a process is there from the first request on, until it is ended. */
export interface Isolates extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/functions/v1` */
  readonly url: string;
  /** Ends all of them at once with SIGKILL. The next request starts a new one. Returns how many there were. */
  kill(): Promise<number>;
  /** Gives notice to all of them, as the platform does when their time is nearly over. Requests go to new ones. */
  warn(): Promise<void>;
}

interface Isolate {
  readonly child: Deno.ChildProcess;
  readonly port: number;
  /** What it has written, for when a test fails. */
  readonly output: string[];
  readonly ended: Promise<unknown>;
}

const ROOT = new URL("../../", import.meta.url);
const PRELOAD = new URL("./_edge_runtime.ts", import.meta.url).pathname;

/**
 * Serves functions, each in a process of its own that only gets the environment given here.
 *
 * @param functions Their modules' paths from the repository's root, by name.
 */
export function startIsolates(
  functions: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Isolates {
  const running = new Map<string, Promise<Isolate>>();
  const retired: Promise<Isolate>[] = [];
  const gateway = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    onError: () => new Response(null, { status: 502 }),
  }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const [, name = "", rest = ""] = /^\/functions\/v1\/([^/]+)(.*)$/.exec(pathname) ?? [];
    const module = functions[name];
    if (module === undefined) return new Response(null, { status: 404 });
    let isolate = running.get(name);
    if (!isolate) running.set(name, isolate = start(module, env));
    const { port } = await isolate;
    // As Supabase's gateway does it: the function sees its own name first.
    return await fetch(`http://127.0.0.1:${port}/${name}${rest}${search}`, {
      method: request.method,
      headers: request.headers,
      body: request.body,
    });
  });
  const kill = async () => {
    const killed = await Promise.all([...running.values(), ...retired.splice(0)]);
    running.clear();
    for (const { child } of killed) child.kill("SIGKILL");
    await Promise.all(killed.map(({ ended }) => ended));
    return killed.length;
  };
  return {
    url: `http://127.0.0.1:${gateway.addr.port}/functions/v1`,
    kill,
    async warn() {
      const warned = [...running.values()];
      running.clear();
      retired.push(...warned);
      for (const { child } of await Promise.all(warned)) child.kill("SIGUSR2");
    },
    async [Symbol.asyncDispose]() {
      await kill();
      await gateway.shutdown();
      await kill();
    },
  };
}

async function start(module: string, env: Readonly<Record<string, string>>): Promise<Isolate> {
  const port = await freePort();
  const inherited = ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", "--quiet", "--preload", PRELOAD, module],
    cwd: ROOT,
    clearEnv: true,
    env: {
      ...Object.fromEntries(inherited),
      NO_COLOR: "1",
      DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`,
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output: string[] = [];
  const isolate = {
    child,
    port,
    output,
    ended: Promise.all([child.status, read(child.stdout, output), read(child.stderr, output)]),
  };
  let over = false;
  isolate.ended.then(() => over = true);
  while (!(await listens(port))) {
    if (over) throw new Error(`The function ended before it listened: ${output.join("")}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return isolate;
}

async function listens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

async function read(stream: ReadableStream<Uint8Array<ArrayBuffer>>, parts: string[]): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) parts.push(text);
}
