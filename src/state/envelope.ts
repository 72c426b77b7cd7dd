import { RunContext, RunState } from "@openai/agents";
import { z } from "zod";
import { agentGraph, missingFrom } from "../agents/agent_graph.ts";
import type { AnyAgent } from "../agents/any_agent.ts";
import { completeVerdict } from "../agents/complete_verdict.ts";
import { RunStateGraphError, RunStateMalformedError } from "./errors.ts";
import type { TranslationLoss } from "./python/losses.ts";
import { RESUME_THERE, StateTranslationError } from "./python/translation_error.ts";

/** What is looked at of a run's state, whatever its context and agent. */
export interface AnyRunState extends
  Pick<
    RunState<unknown, AnyAgent>,
    | "getInterruptions"
    | "toString"
    | "usage"
    | "_modelResponses"
    | "_initialInputGuardrailsCompleted"
    | "_inputGuardrailResults"
    | "_outputGuardrailResults"
    | "_pendingSessionHistoryTransaction"
    | "_pendingSessionWrite"
    | "_currentTurnDeferredSessionItemIndexes"
    | "_currentTurnBlockedSessionStartIndex"
    | "_currentTurnSessionHistoryTransactionSessionId"
  > {
  readonly _context: Pick<RunContext, "isToolApproved" | "getRejectionMessage" | "toJSON">;
  readonly _currentAgent: Pick<AnyAgent, "name" | "processFinalOutput">;
  readonly _currentStep: { type: string; output?: string } | undefined;
}

/** A snapshot of a paused run and what it says about itself. The names are the columns' and those of files. */
export const envelopeSchema = z.object({
  /** Which SDK wrote the state. */
  language: z.enum(["typescript", "python"]),
  sdk_name: z.string(),
  sdk_version: z.string(),
  schema_version: z.string(),
  agent_graph: z.object({
    root: z.string(),
    agents: z.array(
      z.object({ name: z.string(), tools: z.array(z.string()), handoffs: z.array(z.string()) }),
    ),
  }),
  /** Whether the guardrails of the run's first input had finished, and its input waits for no other ones. */
  guardrails_settled: z.boolean(),
  /** The SDK's own JSON text, untouched. */
  state: z.string(),
});

/** A snapshot of a paused run and what it says about itself. */
export type Envelope = z.output<typeof envelopeSchema>;

/** The version of `@openai/agents` that this module is made for and that deno.json pins. */
export const SDK_VERSION = "0.20.0";

/** Takes a snapshot. The SDK serializes the whole run here: its cost grows with the square of the run's turns. */
export function seal(agent: AnyAgent, state: AnyRunState): Envelope {
  for (const result of [...state._inputGuardrailResults, ...state._outputGuardrailResults]) {
    result.output = completeVerdict(result.output);
  }
  return {
    language: "typescript",
    sdk_name: "@openai/agents",
    sdk_version: SDK_VERSION,
    schema_version: currentSchemaVersion(agent),
    agent_graph: agentGraph(agent),
    guardrails_settled: state._initialInputGuardrailsCompleted,
    state: state.toString(),
  };
}

/** Makes a snapshot a state again: as {@linkcode open}, when nobody asks what was left out. */
export async function unseal<TAgent extends AnyAgent>(
  agent: TAgent,
  envelope: Envelope,
): Promise<RunState<unknown, TAgent>> {
  return (await open(agent, envelope)).state;
}

/**
 * Makes a snapshot a state again. One that Python saved is translated.
 *
 * @returns The state, and what its translation left out without harm.
 * @throws {RunStateGraphError} When it needs what the agent does not have.
 * @throws {RunStateMalformedError} When it is damaged, or of a version that this SDK does not know.
 * @throws {StateTranslationError} When it cannot be carried over from Python.
 */
export async function open<TAgent extends AnyAgent>(
  agent: TAgent,
  envelope: Envelope,
): Promise<{ state: RunState<unknown, TAgent>; losses: readonly TranslationLoss[] }> {
  const missing = missingFrom(agentGraph(agent), envelope.agent_graph);
  if (missing !== null) {
    throw new RunStateGraphError(
      `Cannot load the saved run: ${missing}. Load it with the agents that it was saved with.`,
    );
  }
  if (envelope.language === "typescript") return { state: await fromText(agent, envelope.state), losses: [] };
  return await fromPython(agent, envelope);
}

async function fromPython<TAgent extends AnyAgent>(agent: TAgent, envelope: Envelope) {
  // Few programs ever load a run of the other language.
  const { translatePythonState } = await import("./python/translate.ts");
  const { state: text, losses } = translatePythonState(
    envelope.state,
    agentGraph(agent),
    envelope.guardrails_settled,
  );
  try {
    return { state: await RunState.fromString<unknown, TAgent>(agent, text), losses };
  } catch (cause) {
    throw new StateTranslationError(
      "load_incomplete",
      "",
      `the Agents SDK refuses its translation. ${firstLine(cause)} ${RESUME_THERE}`,
      { cause },
    );
  }
}

async function fromText<TAgent extends AnyAgent>(
  agent: TAgent,
  text: string,
): Promise<RunState<unknown, TAgent>> {
  assertKnownVersion(agent, text);
  try {
    return await RunState.fromString<unknown, TAgent>(agent, text);
  } catch (cause) {
    throw new RunStateMalformedError(
      `Cannot load the saved run: the Agents SDK refuses it. ${firstLine(cause)}`,
      { cause },
    );
  }
}

const versioned = z.object({ $schemaVersion: z.string().regex(/^\d+\.\d+$/) });

function assertKnownVersion(agent: AnyAgent, text: string): void {
  const current = currentSchemaVersion(agent);
  if (text.startsWith(`{"$schemaVersion":"${current}",`)) return; // As the SDK writes it: not parsed twice.
  const found = versioned.safeParse(parseJson(text));
  if (!found.success) {
    throw new RunStateMalformedError(
      "Cannot load the saved run: its state has no $schemaVersion. It is damaged.",
    );
  }
  const version = found.data.$schemaVersion;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [knownMajor = 0, knownMinor = 0] = current.split(".").map(Number);
  if (major === knownMajor && minor <= knownMinor) return;
  throw new RunStateMalformedError(
    `Cannot load the saved run: its $schemaVersion is ${version}, and @openai/agents ${SDK_VERSION} knows up to ` +
      `${current}. Load it with the version of the SDK that saved it, or a newer one.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RunStateMalformedError("Cannot load the saved run: its state is not JSON. It is damaged.", {
      cause,
    });
  }
}

let schemaVersion: string | undefined;

/** The version of snapshots that this SDK writes: only a snapshot tells. */
function currentSchemaVersion(agent: AnyAgent): string {
  schemaVersion ??= new RunState(new RunContext(), "", agent, 1).toJSON().$schemaVersion;
  return schemaVersion;
}

/** What a damaged state makes zod and the SDK say can be long, and quotes what was saved. */
function firstLine(error: unknown): string {
  return error instanceof Error && error.name !== "ZodError"
    ? error.message.split("\n")[0] ?? ""
    : "It is damaged.";
}
