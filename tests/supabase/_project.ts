import { assert, assertEquals } from "@std/assert";
import type { Database } from "../../mod.ts";
import type { ModelTurn, ScriptedItem } from "../openai_stand_in/mod.ts";
import { OpenAIStandIn, weatherScript } from "../openai_stand_in/mod.ts";
import { type Isolates, startIsolates } from "./_isolates.ts";

/** The key that wakes workers, and the one that may do anything. */
export const DISPATCH_KEY = "dispatch-key-of-the-project";
export const SECRET_KEY = "sb_secret_of_the_project";

/** The model behind the functions, which can be made to wait. */
export class HeldModel {
  /** What it was asked, call by call: `question` or `tool output`. */
  readonly calls: string[] = [];
  /** How many of the tokens of a message come before it waits; none: it waits before it answers. */
  #tokens = Infinity;
  #reached = Promise.withResolvers<void>();
  #released = Promise.withResolvers<void>();

  /** Lets it wait, once it has a message to give: after so many of its tokens. */
  hold(tokens: number): void {
    this.#tokens = tokens;
    this.#reached = Promise.withResolvers();
    this.#released = Promise.withResolvers();
  }

  /** Resolves when it waits. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /** Lets it go on, also with what it is asked from now on. */
  release(): void {
    this.#tokens = Infinity;
    this.#released.resolve();
  }

  /** What it answers. */
  readonly script = (turn: ModelTurn): ScriptedItem[] => {
    this.calls.push(turn.items.at(-1)?.type === "function_call_output" ? "tool output" : "question");
    return weatherScript(turn);
  };

  /** Waits before the token that is one too many. */
  readonly beforeEvent = async (event: string): Promise<void> => {
    if (!event.startsWith("event: response.output_text.delta") || this.#tokens-- > 0) return;
    this.#reached.resolve();
    await this.#released.promise;
  };
}

/** The functions of the repository, in processes of their own, over a model that can be made to wait. */
export interface Project extends AsyncDisposable {
  readonly isolates: Isolates;
  readonly model: HeldModel;
}

/**
 * Checks the calls of a run of two: what was recorded is not asked again; the one that was under way is, once for each
 * process that took the run over. Here that is one, unless the machine is so slow that the living look dead.
 */
export async function assertAtMostOneRepeated(
  database: Database,
  runId: string,
  calls: readonly string[],
): Promise<void> {
  const [run] = await database.query("select epoch from timestep.runs where run_id = $1", [runId]);
  const executions = Number(run?.["epoch"]);
  assert(executions >= 2, `${executions} executions`);
  assert(calls.length >= 3 && calls.length <= 1 + executions, `${calls} in ${executions} executions`);
  assertEquals([...calls].sort(), [...calls], "a question was asked again after its answer was used");
}

/** @param databaseUri Where the functions keep everything. */
export function startProject(databaseUri: string): Project {
  const model = new HeldModel();
  const openai = new OpenAIStandIn({ script: model.script, beforeEvent: model.beforeEvent });
  const isolates = startIsolates({
    agents: "functions/agents/index.ts",
    worker: "functions/worker/index.ts",
  }, {
    SUPABASE_DB_URL: databaseUri,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }),
    TIMESTEP_DISPATCH_KEY: DISPATCH_KEY,
    OPENAI_API_KEY: "test",
    OPENAI_BASE_URL: openai.url,
    OPENAI_AGENTS_DISABLE_TRACING: "1",
  });
  return {
    isolates,
    model,
    async [Symbol.asyncDispose]() {
      model.release();
      await isolates[Symbol.asyncDispose]();
      await openai[Symbol.asyncDispose]();
    },
  };
}
