import { z } from "zod";
import { RESUME_THERE, StateTranslationError } from "./translation_error.ts";

/**
 * The versions of the Python SDK's snapshots that are translated, of its releases 0.23 and 0.24: those that were
 * tested.
 */
const PYTHON_SCHEMA_VERSIONS: readonly string[] = ["1.18", "1.21"];

const count = z.int().nonnegative();
const json = z.record(z.string(), z.unknown());
const raw = z.looseObject({ type: z.string().optional() });
const agentReference = z.strictObject({ name: z.string(), identity: z.string().nullish() });
const lookupKey = z.strictObject({
  kind: z.string(),
  name: z.string(),
  namespace: z.string().nullish(),
});

const details = z.record(z.string(), count.nullish());
const requestUsage = z.strictObject({
  input_tokens: count,
  output_tokens: count,
  total_tokens: count,
  input_tokens_details: details.nullish(),
  output_tokens_details: details.nullish(),
});
const usage = requestUsage.extend({
  requests: count,
  input_tokens_details: z.union([details, z.array(details)]).nullish(),
  output_tokens_details: z.union([details, z.array(details)]).nullish(),
  request_usage_entries: z.array(requestUsage).nullish(),
});

const runItem = z.strictObject({
  type: z.string(),
  raw_item: raw,
  agent: agentReference,
  source_agent: agentReference.optional(),
  target_agent: agentReference.optional(),
  tool_name: z.string().nullish(),
  tool_namespace: z.string().nullish(),
  tool_lookup_key: lookupKey.nullish(),
  allow_bare_name_alias: z.boolean().optional(),
  description: z.string().nullish(),
  title: z.string().nullish(),
  tool_origin: json.nullish(),
  custom_data: json.nullish(),
  output: z.unknown().optional(),
  input_id: z.string().optional(),
});

const decided = z.union([z.boolean(), z.array(z.string())]);
const decision = z.strictObject({
  approved: decided,
  rejected: decided,
  rejection_messages: z.record(z.string(), z.string()).nullish(),
  sticky_rejection_message: z.string().nullish(),
  sticky_scope: z.string().nullish(),
});

const context = z.strictObject({
  usage,
  approvals: z.record(z.string(), decision),
  function_tool_approvals: z.array(
    z.strictObject({ agent: agentReference, tool_key: z.string(), decision }),
  ).optional(),
  hosted_mcp_approvals: z.array(z.strictObject({
    identity: z.strictObject({
      type: z.enum(["server_tool", "query"]),
      tool_name: z.string(),
      server_label: z.string().nullish(),
      request_id: z.string().nullish(),
    }),
    decision,
  })).optional(),
  tool_invocations: z.record(
    z.string(),
    z.looseObject({ executed: z.boolean(), completed: z.boolean() }),
  ).optional(),
  context: json.nullish(),
  context_meta: z.strictObject({
    original_type: z.string(),
    serialized_via: z.string(),
    requires_deserializer: z.boolean(),
    omitted: z.boolean(),
    class_path: z.string().nullish(),
  }).nullish(),
  tool_input: z.unknown().optional(),
});

const modelResponse = z.strictObject({
  usage,
  output: z.array(raw),
  response_id: z.string().nullish(),
  request_id: z.string().nullish(),
});

const guardrailResult = z.looseObject({ output: z.looseObject({ tripwireTriggered: z.boolean() }) });
const toolGuardrailResult = z.strictObject({
  guardrail: json,
  output: z.strictObject({
    outputInfo: z.unknown().optional(),
    behavior: z.looseObject({ type: z.enum(["allow", "reject_content", "raise_exception"]) }),
  }),
});

const processedResponse = z.strictObject({
  new_items: z.array(runItem),
  tools_used: z.array(z.string()),
  functions: z.array(z.strictObject({
    tool_call: raw,
    tool: z.looseObject({ name: z.string(), lookupKey: lookupKey.nullish() }),
    agent_run_state: z.unknown().optional(),
  })),
  computer_actions: z.array(z.unknown()),
  custom_tool_actions: z.array(z.unknown()),
  local_shell_actions: z.array(z.unknown()),
  shell_actions: z.array(z.unknown()),
  apply_patch_actions: z.array(z.unknown()),
  handoffs: z.array(z.unknown()),
  mcp_approval_requests: z.array(z.strictObject({
    request_item: z.looseObject({ raw_item: raw }),
    mcp_tool: z.looseObject({}),
  })),
  interruptions: z.array(runItem),
  mcp_tool_bindings: json.nullish(),
});

const pythonState = z.strictObject({
  $schemaVersion: z.string(),
  current_turn: count,
  current_agent: agentReference,
  original_input: z.union([z.string(), z.array(raw)]),
  pending_input: z.array(raw).nullish(),
  model_responses: z.array(modelResponse),
  context,
  tool_use_tracker: z.record(z.string(), z.array(z.string())),
  max_turns: count.nullable(),
  no_active_agent_run: z.boolean(),
  input_guardrail_results: z.array(guardrailResult),
  output_guardrail_results: z.array(guardrailResult),
  tool_input_guardrail_results: z.array(toolGuardrailResult),
  tool_output_guardrail_results: z.array(toolGuardrailResult),
  conversation_id: z.string().nullish(),
  previous_response_id: z.string().nullish(),
  auto_previous_response_id: z.boolean().optional(),
  generated_prompt_cache_key: z.string().nullish(),
  reasoning_item_id_policy: z.enum(["preserve", "omit"]).nullish(),
  nested_history_owned_session_item_refs: z.array(z.unknown()).optional(),
  generated_session_item_indexes: z.array(z.int().nullable()).optional(),
  current_response_generated_item_ownership: json.nullish(),
  generated_items: z.array(runItem),
  session_items: z.array(runItem).optional(),
  current_step: z.looseObject({
    type: z.string(),
    data: z.looseObject({ interruptions: z.array(runItem), response_accepted: z.boolean().optional() })
      .optional(),
  }).nullable(),
  last_model_response: z.unknown().optional(),
  last_processed_response: processedResponse.nullish(),
  current_turn_persisted_item_count: count,
  pending_session_write: z.unknown().optional(),
  terminal_unrecoverable: z.boolean().optional(),
  tool_output_guardrail_result_start: z.unknown().optional(),
  trace: json.nullish(),
  sandbox: z.unknown().optional(),
});

/** A snapshot of the Python SDK. */
export type PythonState = z.output<typeof pythonState>;
/** What an agent produced, in such a snapshot. */
export type PythonRunItem = z.output<typeof runItem>;
/** Tokens used, in such a snapshot. */
export type PythonUsage = z.output<typeof usage>;
/** The decisions about a tool, in such a snapshot. */
export type PythonDecision = z.output<typeof decision>;
/** The context of a run, in such a snapshot. */
export type PythonContext = z.output<typeof context>;

/**
 * Reads a snapshot.
 *
 * @throws {StateTranslationError} `unknown_schema_version` or `malformed_state`.
 */
export function parsePythonState(value: unknown, path: string): PythonState {
  const versioned = z.looseObject({ $schemaVersion: z.string() }).safeParse(value);
  const version = versioned.data?.$schemaVersion;
  if (version !== undefined && !PYTHON_SCHEMA_VERSIONS.includes(version)) {
    throw new StateTranslationError(
      "unknown_schema_version",
      at(path, "$schemaVersion"),
      `the Python SDK wrote schema version ${version}; known here: ${PYTHON_SCHEMA_VERSIONS.join(", ")}. ` +
        "Use versions of both SDKs that belong together.",
    );
  }
  const parsed = pythonState.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new StateTranslationError(
    "malformed_state",
    (issue?.path ?? []).reduce<string>((place, step) => at(place, step), path),
    `its state is not what the SDK writes: ${issue?.message ?? "malformed"}. ${RESUME_THERE}`,
  );
}

/** A place within a place. */
export function at(path: string, step: PropertyKey): string {
  if (typeof step === "number") return `${path}[${step}]`;
  return path === "" ? String(step) : `${path}.${String(step)}`;
}
