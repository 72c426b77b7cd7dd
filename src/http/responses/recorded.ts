import { z } from "zod";
import { storableId } from "../../core/storable_id.ts";
import { readableValue } from "../../durable/recorded_value.ts";
import type { UsageSum } from "./response_object.ts";
import type { WireItem } from "./wire.ts";

/** A call of one of the agent's tools that is not yet done. */
export interface KnownCall {
  callId: string;
  name: string;
  arguments: string;
  /** Whether it was the caller who made it. */
  isCallers: boolean;
  /** The approval request that it waited for. */
  approvalId: string | null;
  /** What the model is told because the approval was refused; empty for the usual words; `null`: it was not. */
  rejection: string | null;
}

/** The call of a hosted tool, without an id. */
type HostedCall = Omit<WireItem, "id"> & { type: string };

/** A model's answer, as far as a response tells of it. */
export interface ModelOutput {
  /** The text of its messages; refusals are text too. */
  text: string;
  /** What its text cites, as the provider says it. */
  annotations: Record<string, unknown>[];
  /** The summaries of what it thought, each in its parts. */
  reasoning: string[][];
  calls: KnownCall[];
  /** Calls of hosted tools that the provider has carried out before it said the text. */
  itemsBefore: HostedCall[];
  /** The same, after it. */
  items: HostedCall[];
  usage: UsageSum;
}

const partSchema = z.object({
  type: z.string(),
  text: z.string().optional(),
  refusal: z.string().optional(),
  providerData: z.looseObject({
    annotations: z.array(z.record(z.string(), z.unknown())).catch([]),
  }).optional().catch(undefined),
});
const itemSchema = z.looseObject({
  type: z.string().default("message"),
  content: z.union([z.string(), z.array(partSchema)]).nullish().catch(null),
  callId: z.string().optional(),
  name: z.string().optional(),
  arguments: z.string().optional(),
  status: z.string().optional(),
  output: z.unknown().optional(),
  providerData: z.record(z.string(), z.unknown()).optional(),
});
type Content = z.infer<typeof itemSchema>["content"];
const count = z.number().catch(0);
const details = z.array(z.record(z.string(), z.number())).catch([]);
const answerSchema = z.object({
  output: z.array(itemSchema),
  usage: z.object({
    inputTokens: count,
    outputTokens: count,
    totalTokens: count,
    inputTokensDetails: details,
    outputTokensDetails: details,
  }),
});

/** What the provider itself looked up or made, and shows as it is. */
const SHOWN_HOSTED_CALLS: readonly unknown[] = [
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "mcp_call",
];

const RESULTS: Readonly<Record<string, string>> = { "image_generation_call": "result", "mcp_call": "output" };

/** Reads what the journal keeps of a model's answer. Of its reasoning only summaries are told. */
export function parseModelOutput(recorded: unknown): ModelOutput {
  const { output, usage } = answerSchema.parse(recorded);
  const messages = output.filter(({ type }) => type === "message").map(({ content }) => content);
  const said = output.findIndex(({ type, content }) => type === "message" && textOf(content) !== "");
  return {
    text: messages.map(textOf).join(""),
    annotations: annotationsOf(messages),
    reasoning: output.filter(({ type }) => type === "reasoning").map(({ content }) => summaryOf(content))
      .filter((parts) => parts.length > 0),
    calls: output.filter(({ type }) => type === "function_call").map((call) => ({
      callId: storableId(call.callId ?? ""),
      name: call.name ?? "",
      arguments: call.arguments ?? "{}",
      isCallers: false,
      approvalId: null,
      rejection: null,
    })),
    itemsBefore: hostedCalls(output.slice(0, Math.max(said, 0))),
    items: hostedCalls(output.slice(Math.max(said, 0))),
    usage: {
      inputTokens: usage.inputTokens,
      cachedTokens: sum(usage.inputTokensDetails, "cached_tokens"),
      outputTokens: usage.outputTokens,
      reasoningTokens: sum(usage.outputTokensDetails, "reasoning_tokens"),
      totalTokens: usage.totalTokens,
    },
  };
}

function hostedCalls(output: z.infer<typeof itemSchema>[]): HostedCall[] {
  return output.flatMap(({ type, providerData, status, output }) => {
    const hosted = providerData?.["type"];
    if (type !== "hosted_tool_call" || !SHOWN_HOSTED_CALLS.includes(hosted)) return [];
    // What came of it, where the Agents SDK keeps it apart.
    const field = RESULTS[String(hosted)];
    const result = field === undefined ? {} : { [field]: output ?? null };
    return [{ ...providerData, ...result, type: String(hosted), status: status ?? "completed" }];
  });
}

const failureSchema = z.object({ message: z.string().optional(), timedOut: z.boolean().optional() });

/** What a tool gave, as the model is told. */
export function toolResult(status: "completed" | "failed", recorded: unknown) {
  if (status === "failed") {
    const { message, timedOut } = failureSchema.parse(recorded);
    return { output: null, error: message ?? (timedOut ? "The tool timed out." : "The tool failed.") };
  }
  return { output: toText(readableValue(recorded)), error: null };
}

const refusalSchema = z.object({
  behavior: z.object({ type: z.literal("rejectContent"), message: z.string() }),
});

/** What a tool's guardrail told the model in place of a result; `null` when it let the call be. */
export function parseRefusal(recorded: unknown): string | null {
  return refusalSchema.safeParse(recorded).data?.behavior.message ?? null;
}

/** A value as text: text as it is, all else as JSON. */
export function toText(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value) ?? "";
}

function partsOf(content: Content): z.infer<typeof partSchema>[] {
  return typeof content === "string" ? [{ type: "output_text", text: content }] : content ?? [];
}

function textOf(content: Content): string {
  return partsOf(content).map(({ text, refusal }) => text ?? refusal ?? "").join("");
}

/** Says where in the whole text a citation is, not where in its part. */
function annotationsOf(messages: readonly Content[]): Record<string, unknown>[] {
  let start = 0;
  return messages.flatMap(partsOf).flatMap((part) => {
    const offset = start;
    start += textOf([part]).length;
    return (part.providerData?.annotations ?? []).map((annotation) => moved(annotation, offset));
  });
}

function moved(annotation: Record<string, unknown>, offset: number): Record<string, unknown> {
  const places = ["start_index", "end_index"].flatMap((name) => {
    const place = annotation[name];
    return typeof place === "number" ? [[name, place + offset]] : [];
  });
  return { ...annotation, ...Object.fromEntries(places) };
}

function summaryOf(content: Content): string[] {
  return partsOf(content).flatMap(({ text }) => text ? [text] : []);
}

function sum(list: readonly Record<string, number>[], name: string): number {
  return list.reduce((total, entry) => total + (entry[name] ?? 0), 0);
}
