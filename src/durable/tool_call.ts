import type { Queryable } from "../database/database.ts";
import { currentFrame } from "./scope.ts";

/** The call of a tool in a durable run, as the tool sees it. */
export interface ToolCall {
  /** The run that calls. */
  readonly runId: string;
  /** The model's id of the call. */
  readonly callId: string;
  /**
   * The same for this call in every attempt and every process, and for no other call: give it to services that
   * accept an idempotency key.
   */
  readonly idempotencyKey: string;
}

/**
 * The tool call that the calling code is part of; nothing outside of a tool, and in a run that is not durable.
 *
 * @example
 * ```ts
 * import { tool } from "@openai/agents";
 * import { toolCall } from "@timestep-ai/timestep";
 * import { z } from "zod";
 *
 * const pay = tool({
 *   name: "pay",
 *   description: "Pays an invoice.",
 *   parameters: z.object({ invoice: z.string() }),
 *   execute: async ({ invoice }) => {
 *     const key = toolCall()?.idempotencyKey ?? crypto.randomUUID();
 *     const response = await fetch(`https://bank.example/pay/${invoice}`, {
 *       method: "POST",
 *       headers: { "Idempotency-Key": key },
 *     });
 *     return await response.text();
 *   },
 * });
 * ```
 */
export function toolCall(): ToolCall | undefined {
  return currentFrame()?.toolStep?.call;
}

/**
 * Makes a tool whose calls are never repeated. If the process dies during a call, the run stops with status
 * `unknown_outcome`, for a person to find out whether the call took effect, and to settle it with
 * `settleToolCall()`.
 *
 * @example
 * ```ts
 * import { tool } from "@openai/agents";
 * import { atMostOnce } from "@timestep-ai/timestep";
 * import { z } from "zod";
 *
 * const launch = tool({
 *   name: "launch",
 *   description: "Launches the rocket.",
 *   parameters: z.object({ rocket: z.string() }),
 *   execute: atMostOnce(async ({ rocket }) => {
 *     await fetch(`https://pad.example/${rocket}/launch`, { method: "POST" });
 *     return "Launched.";
 *   }),
 * });
 * ```
 *
 * @param execute What the tool does, as given to `tool()`.
 * @returns What to give to `tool()`. In a run that is not durable it does the same as `execute`.
 * @throws {TypeError} When it is given a tool, or anything else than a function.
 */
export function atMostOnce<TParameters extends unknown[], TOutput>(
  execute: (...parameters: TParameters) => TOutput | Promise<TOutput>,
): (...parameters: TParameters) => Promise<TOutput> {
  assertFunction("atMostOnce", execute);
  return async (...parameters) => {
    const frame = currentFrame();
    if (frame) await ownStep(frame.toolStep, "at most once").begin();
    return await execute(...parameters);
  };
}

/**
 * Makes a tool whose writes to the database that the run is recorded in are there exactly once, whatever is killed
 * when: they are committed together with the record of the call, or not at all. Durable runs only.
 *
 * On PGlite nothing else can use the database while the tool runs; use `transaction` for all statements.
 *
 * @example
 * ```ts
 * import { tool } from "@openai/agents";
 * import { transactional } from "@timestep-ai/timestep";
 * import { z } from "zod";
 *
 * const refund = tool({
 *   name: "refund",
 *   description: "Refunds an order.",
 *   parameters: z.object({ order: z.string() }),
 *   execute: transactional(async (transaction, { order }) => {
 *     await transaction.query("update orders set refunded = true where id = $1", [order]);
 *     return "Refunded.";
 *   }),
 * });
 * ```
 *
 * @param execute What the tool does, with the transaction before what `tool()` gives it. If it throws, what it
 * wrote is rolled back, and its error goes where a tool's error goes.
 * @returns What to give to `tool()`.
 * @throws {TypeError} When it is given a tool, or anything else than a function.
 */
export function transactional<TParameters extends unknown[], TOutput>(
  execute: (transaction: Queryable, ...parameters: TParameters) => TOutput | Promise<TOutput>,
): (...parameters: TParameters) => Promise<TOutput> {
  assertFunction("transactional", execute);
  return async (...parameters) => {
    const step = ownStep(currentFrame()?.toolStep, "in a transaction");
    return await step.inTransaction(async (transaction) => await execute(transaction, ...parameters));
  };
}

/** A tool call that is being recorded, as far as the tool's own code may take part in it. */
export interface ToolStep {
  readonly call: ToolCall;
  /** Records that the call has begun; resolves when that is committed. */
  begin(): Promise<void>;
  /** Runs `body` in a transaction, and records the call with the result in the same. */
  inTransaction<T>(body: (transaction: Queryable) => Promise<T>): Promise<T>;
}

/** A tool would be taken for what it does, and nothing be recorded ahead of its calls. */
function assertFunction(name: string, execute: unknown): void {
  if (typeof execute === "function") return;
  const given = (execute as { type?: unknown } | null | undefined)?.type === "function"
    ? "a tool"
    : String(execute);
  throw new TypeError(
    `Cannot make a tool with ${name}(): it was given ${given}, but takes what the tool does: ` +
      `tool({ ..., execute: ${name}(async (...) => ...) }).`,
  );
}

function ownStep(step: ToolStep | undefined, how: string): ToolStep {
  if (step) return step;
  throw new TypeError(
    `Cannot execute this tool ${how}: its call is not recorded by itself. It must be a tool of an agent in a ` +
      `durable run, not of a run that another tool started by its own code.`,
  );
}
