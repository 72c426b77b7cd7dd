import type { Database } from "../../mod.ts";
import type { WorkerOptions } from "./_worker.ts";

/** A worker in a process of its own. */
export interface Worker {
  readonly pid: number;
  /** Resolves when it is launched. */
  readonly ready: Promise<void>;
  /** Resolves when it is in the step that it never comes to the end of. */
  readonly stuck: Promise<void>;
  /** Resolves when it has come to its end after all. */
  readonly awake: Promise<void>;
  signal(signal: Deno.Signal): void;
  /** Kills it, if it is still there. */
  end(): Promise<void>;
}

/** What its effects are noted in. */
export async function createEffects(database: Database): Promise<void> {
  await database.query(
    "create table public.effects (run_id text, step int, pid int, at timestamptz default now())",
  );
}

/** Starts a worker. It can be killed at any time. */
export function startWorker(options: WorkerOptions): Worker {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      new URL("./_worker.ts", import.meta.url).pathname,
      JSON.stringify(options),
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ready = Promise.withResolvers<void>();
  const stuck = Promise.withResolvers<void>();
  const awake = Promise.withResolvers<void>();
  const output: string[] = [];
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      output.push(text);
      if (text.includes("ready")) ready.resolve();
      if (text.includes("stuck")) stuck.resolve();
      if (text.includes("awake")) awake.resolve();
    }
  };
  const ended = Promise.all([child.status, read(child.stdout), read(child.stderr)]).then(() => {
    ready.reject(new Error(`The worker ended before it was ready: ${output.join("")}`));
  });
  ready.promise.catch(() => {});
  return {
    pid: child.pid,
    ready: ready.promise,
    stuck: stuck.promise,
    awake: awake.promise,
    signal: (signal) => child.kill(signal),
    async end() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await ended;
    },
  };
}

/** The effects of a run, oldest first. */
export async function effects(database: Database, runId: string): Promise<{ step: number; pid: number }[]> {
  const rows = await database.query("select step, pid from public.effects where run_id = $1 order by at", [
    runId,
  ]);
  return rows.map(({ step, pid }) => ({ step: Number(step), pid: Number(pid) }));
}
