import {
  GuardrailExecutionError,
  InputGuardrailTripwireTriggered,
  MaxTurnsExceededError,
  OutputGuardrailTripwireTriggered,
  ToolCallError,
  ToolInputGuardrailTripwireTriggered,
  ToolOutputGuardrailTripwireTriggered,
} from "@openai/agents";
import { TimestepError } from "../core/errors.ts";
import type { JsonValue } from "../core/json_value.ts";
import type { RunError } from "./run_outcome.ts";
import { withoutSecrets } from "./without_secrets.ts";

/** How a run ended by an error, as data. */
export interface RunFailure {
  status: "blocked" | "failed";
  error: RunError;
}

/** Longer messages are cut: they tend to contain whole responses. */
const LONGEST_MESSAGE = 2000;

/**
 * Makes data of the error that ended a run: nothing of the run's state, no stack and nothing that looks like a key.
 *
 * @param error What the SDK threw.
 */
export function toRunFailure(error: unknown): RunFailure {
  const cause = error instanceof ToolCallError || error instanceof GuardrailExecutionError
    ? error.error
    : error;
  const tripwire = [error, cause].find(isTripwire);
  if (tripwire) {
    const { guardrail, output } = tripwire.result;
    const outputInfo = plain(output.outputInfo);
    const shown = { ...describe(tripwire), guardrail: guardrail.name };
    return { status: "blocked", error: outputInfo === undefined ? shown : { ...shown, outputInfo } };
  }
  return { status: "failed", error: describe(cause instanceof TimestepError ? cause : error) };
}

type Tripwire =
  | InputGuardrailTripwireTriggered
  // deno-lint-ignore no-explicit-any -- guardrails of any output
  | OutputGuardrailTripwireTriggered<any, any>
  | ToolInputGuardrailTripwireTriggered
  | ToolOutputGuardrailTripwireTriggered;

function isTripwire(error: unknown): error is Tripwire {
  return error instanceof InputGuardrailTripwireTriggered ||
    error instanceof OutputGuardrailTripwireTriggered ||
    error instanceof ToolInputGuardrailTripwireTriggered ||
    error instanceof ToolOutputGuardrailTripwireTriggered;
}

function describe(error: unknown): RunError {
  const name = error instanceof Error ? error.name : "Error";
  const message = withoutSecrets(error instanceof Error ? error.message : String(error)).slice(
    0,
    LONGEST_MESSAGE,
  );
  const code = codeOf(error);
  return { name, message, ...(code === undefined ? {} : { code }) };
}

/** Names of classes differ between the languages, and are lost in bundles; codes are not. */
function codeOf(error: unknown): string | undefined {
  if (error instanceof MaxTurnsExceededError) return "max_turns_exceeded";
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** What JSON can hold of it. */
function plain(value: unknown): JsonValue | undefined {
  try {
    const text = JSON.stringify(value);
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return String(value);
  }
}

/**
 * How long a provider that limits requests said to wait, in milliseconds; nothing when `error` is something else,
 * or when it did not say: then waiting may not help, for example with a used-up quota.
 *
 * @param now Milliseconds since the epoch: providers may name a date.
 */
export function retryAfterMs(error: unknown, now: number): number | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if (!("status" in cause) || cause.status !== 429 || !("headers" in cause)) continue;
    const headers = cause.headers instanceof Headers
      ? cause.headers
      : new Headers(cause.headers as HeadersInit);
    const milliseconds = Number(headers.get("retry-after-ms") ?? NaN);
    if (!Number.isNaN(milliseconds)) return withinDay(milliseconds);
    const after = headers.get("retry-after");
    if (after === null) continue;
    const wait = /^\d+(\.\d+)?$/.test(after) ? Number(after) * 1000 : Date.parse(after) - now;
    if (!Number.isNaN(wait)) return withinDay(wait);
  }
  return undefined;
}

/** Whoever is asked to wait for longer asks again after a day: what was said may be wrong. */
function withinDay(milliseconds: number): number {
  return Math.min(Math.max(0, milliseconds), 86_400_000);
}
