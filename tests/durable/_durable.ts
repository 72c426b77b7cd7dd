import { type Model, type ModelRequest, type ModelResponse, Usage } from "@openai/agents";
import {
  createRun,
  type Database,
  executeRun,
  type NewRun,
  registerAgent,
  type RunOutcome,
} from "../../mod.ts";
import type { Parameter, Queryable, Row, Transaction } from "../../src/database/database.ts";
import { forgetAgents } from "../../src/durable/registry.ts";
import { type FreshDatabase, testDatabases } from "../_databases.ts";

/** Runs a test on every engine that there is. */
export function testOnEach(
  name: string,
  body: (fresh: FreshDatabase) => Promise<void>,
  options: Pick<Deno.TestDefinition, "sanitizeOps" | "sanitizeResources"> = {},
): void {
  for (const target of testDatabases()) {
    Deno.test(`${name} [${target.engine}]`, options, async () => {
      await using fresh = await target.create();
      try {
        await body(fresh);
      } finally {
        forgetAgents();
      }
    });
  }
}

/** What a model answers to a request: items, or an error. */
export type Answer = (request: ModelRequest) => ModelResponse["output"] | Promise<ModelResponse["output"]>;

/** What each call of a {@linkcode FunctionModel} uses. */
const USED = {
  inputTokens: 10,
  inputTokensDetails: { cached_tokens: 4 },
  outputTokens: 5,
  outputTokensDetails: { reasoning_tokens: 3 },
  totalTokens: 15,
};

/** A model that answers by what it is asked, so that it is the same in every process; it counts its calls. */
export class FunctionModel implements Model {
  calls = 0;
  readonly #answer: Answer;

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  async getResponse(request: ModelRequest): Promise<ModelResponse> {
    this.calls++;
    await tick();
    const output = await this.#answer(request);
    return {
      output,
      usage: new Usage({ requests: 1, ...USED }),
      responseId: `response_${this.calls}`,
    };
  }

  async *getStreamedResponse(request: ModelRequest): ReturnType<Model["getStreamedResponse"]> {
    const { output, responseId = "" } = await this.getResponse(request);
    const text = output.flatMap((item) =>
      item.type === "message" || item.type === undefined ? textOf(item) : []
    );
    for (const delta of text.join("").match(/.{1,3}/gs) ?? []) {
      yield { type: "output_text_delta", delta };
      await tick();
    }
    // The same items: the SDK types those of events more narrowly.
    yield { type: "response_done", response: { id: responseId, usage: USED, output: output as never } };
  }
}

/** Lets everything else go first, as a call over the network would: what is done until then is written by itself. */
export function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

function textOf(item: unknown): string[] {
  const { content } = item as { content?: { text?: string }[] };
  return content?.map(({ text = "" }) => text) ?? [];
}

/** A model that asks for the calls of each of these turns, one turn after the other, and then says "done". */
export function modelOfTurns(turns: ToolCallOf[][], last = "done"): FunctionModel {
  return new FunctionModel(({ input }) => {
    const results = typeof input === "string"
      ? []
      : input.filter(({ type }) => type === "function_call_result");
    let seen = 0;
    for (const turn of turns) {
      if (results.length <= seen) return turn.map(toCall);
      seen += turn.length;
    }
    return [say(last)];
  });
}

/** A call of a tool: its name, the id, and the arguments. */
export type ToolCallOf = [name: string, callId: string, args?: unknown];

function toCall([name, callId, args = {}]: ToolCallOf) {
  return {
    type: "function_call" as const,
    id: callId,
    callId,
    name,
    status: "completed" as const,
    arguments: JSON.stringify(args),
  };
}

/** A message of the model. */
export function say(text: string) {
  return {
    type: "message" as const,
    role: "assistant" as const,
    status: "completed" as const,
    content: [{ type: "output_text" as const, text }],
  };
}

/** The items that a model was sent: what tools gave, by the id of their call. */
export function toolResults({ input }: ModelRequest): Record<string, unknown> {
  if (typeof input === "string") return {};
  return Object.fromEntries(
    input.flatMap((item) =>
      item.type === "function_call_result"
        ? [[
          item.callId,
          typeof item.output === "object" && "text" in item.output ? item.output.text : item.output,
        ]]
        : []
    ),
  );
}

/** Thrown by a database that a test has killed. */
export class Killed extends Error {}

/** When a process dies. */
export interface Death {
  /** At which write of the journal: counted from 1, or the first that records the step of this key. */
  at: number | string;
  when: "before" | "after";
  /** Whether the process kills itself with SIGKILL; else it only does not reach the database any more. */
  really?: boolean;
}

/**
 * A database whose process dies: at a write of the journal, before it is done or after. From then on nothing reaches
 * the database any more.
 */
export class MortalDatabase implements Database {
  readonly engine: Database["engine"];
  /** How many times the journal was written. */
  writes = 0;
  #dead = false;
  readonly #database: Database;
  readonly #dies: Death | undefined;

  constructor(database: Database, dies?: Death) {
    this.engine = database.engine;
    this.#database = database;
    this.#dies = dies;
  }

  query(text: string, parameters?: readonly Parameter[]): Promise<Row[]> {
    return this.#guard(this.#database, text, parameters);
  }

  script(sql: string): Promise<void> {
    return this.#database.script(sql);
  }

  async transaction<T>(body: (transaction: Transaction) => Promise<T>): Promise<T> {
    if (this.#dead) throw new Killed();
    return await this.#database.transaction(async (transaction) => {
      const result = await body({
        query: (text, parameters) => this.#guard(transaction, text, parameters),
        script: (sql) => transaction.script(sql),
      });
      if (this.#dead) throw new Killed();
      return result;
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The process dies now. */
  kill(): never {
    this.#die();
  }

  async #guard(queryable: Queryable, text: string, parameters?: readonly Parameter[]): Promise<Row[]> {
    if (this.#dead) throw new Killed();
    const dies = text.includes("write_journal") && this.#isLast(++this.writes, parameters);
    if (dies && this.#dies?.when === "before") return this.#die();
    const rows = await queryable.query(text, parameters);
    return dies ? this.#die() : rows;
  }

  #isLast(write: number, parameters: readonly Parameter[] = []): boolean {
    const at = this.#dies?.at;
    return at === write ||
      (typeof at === "string" && parameters.some((parameter) => String(parameter).includes(`"${at}"`)));
  }

  #die(): never {
    if (this.#dies?.really) Deno.kill(Deno.pid, "SIGKILL");
    this.#dead = true;
    throw new Killed("The process was killed.");
  }
}

/** Executes segment 0 of a run that is created if it is not there. */
export async function execute(
  database: Database,
  run: NewRun & { segment?: number; executorId?: string; signal?: AbortSignal },
): Promise<RunOutcome> {
  registerAgent(run.agent);
  await createRun(database, run);
  return await executeRun({
    database,
    runId: run.runId,
    segment: run.segment ?? 0,
    executorId: run.executorId ?? "test",
    ...(run.signal ? { signal: run.signal } : {}),
  });
}

/** Approves all that a run waits for, as a person would, and lets it go on in its next segment. */
export async function approve(database: Database, runId: string): Promise<void> {
  await database.query(
    `update timestep.interruptions set status = 'approved', decided_at = now()
     where run_id = $1 and status = 'pending'`,
    [runId],
  );
  await database.query(
    "update timestep.runs set status = 'queued', segment = segment + 1 where run_id = $1 and status = 'interrupted'",
    [runId],
  );
}

/**
 * Executes a run again and again, killing it at every write of its journal in turn, before and after, each time on a
 * run of its own; hands each outcome to `check`.
 *
 * @returns How many writes there were to die at. Steps that nothing waits for share one with what comes next, or have one
 * of their own, as it happens: at least there are those that are waited for, such as of models' answers with calls.
 */
export async function killEverywhere(
  database: Database,
  run: (runId: string) => NewRun,
  check: (outcome: RunOutcome, dies: { at: number; when: "before" | "after" }) => void | Promise<void>,
): Promise<number> {
  for (let at = 1;; at++) {
    for (const when of ["before", "after"] as const) {
      const runId = `killed-${when}-${at}`;
      const mortal = new MortalDatabase(database, { at, when });
      let outcome: RunOutcome | undefined;
      try {
        outcome = await execute(mortal, run(runId));
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
      if (mortal.writes < at) return at - 1;
      outcome = await execute(database, run(runId));
      await check(outcome, { at, when });
    }
  }
}
