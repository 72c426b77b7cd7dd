import { Agent, type InputGuardrail, type ModelRequest, tool } from "@openai/agents";
import { z } from "zod";
import { toolCall } from "../../mod.ts";
import { FunctionModel, say, tick, type ToolCallOf, toolResults } from "../durable/_durable.ts";

/** Something that happened outside of the database: a call of a model or of a tool. */
export interface Effect {
  runId: string;
  kind: "model" | "tool";
  /** The model's agent, or the id of the tool's call. */
  name: string;
  idempotencyKey?: string | undefined;
}

/** What the expert says, and then the last agent, bit by bit. */
export const TEXTS = [
  "Signed and looked up.",
  "Paid 200, as the expert says: signed and looked up. Have a nice day.",
] as const;

/**
 * An agent whose runs have everything in them: a guardrail, parallel tools, an agent as a tool with an approval
 * inside of it, a handoff, another approval, and answers that are streamed. It says and does the same in every
 * process. Its input is the run's id.
 *
 * @param note Is told of each call before it has a result.
 */
export function crashAgent(note: (effect: Effect) => void): Agent {
  const model = (name: string, last: string, turns: (runId: string) => ToolCallOf[][]) =>
    new FunctionModel((request) => {
      const runId = firstText(request);
      note({ runId, kind: "model", name });
      return answer(request, turns(runId), last);
    });
  const work = (name: string, parameters: z.ZodObject, needsApproval = false) =>
    tool({
      name,
      description: "",
      parameters,
      needsApproval,
      execute: async (input) => {
        const { runId = "", callId = "", idempotencyKey } = toolCall() ?? {};
        // The first call of a turn is the last to be done.
        if (callId.endsWith("1")) await tick();
        note({ runId, kind: "tool", name: callId, idempotencyKey });
        return `${name} ${JSON.stringify(input)}`;
      },
    });
  const lookUp = work("look_up", z.object({ what: z.string() }));
  const expert = new Agent({
    name: "Expert",
    model: model("Expert", TEXTS[0], () => [[["look_up", "e1", { what: "c" }], ["sign", "e2"]]]),
    tools: [lookUp, work("sign", z.object({}), true)],
  });
  const payments = new Agent({
    name: "Payments",
    model: model("Payments", TEXTS[1], () => [[["pay", "p1", { amount: 200 }]]]),
    tools: [work("pay", z.object({ amount: z.number() }), true)],
  });
  const passes: InputGuardrail = {
    name: "passes",
    execute: () => Promise.resolve({ tripwireTriggered: false, outputInfo: null }),
  };
  return new Agent({
    name: "Triage",
    model: model("Triage", "Nothing is left to do.", (runId) => [
      [
        ["look_up", "t1", { what: "a" }],
        ["look_up", "t2", { what: "b" }],
        ["ask_expert", "t3", { input: runId }],
      ],
      [["transfer_to_Payments", "t4"]],
    ]),
    inputGuardrails: [passes],
    tools: [
      lookUp,
      expert.asTool({ toolName: "ask_expert", toolDescription: "", onStream: () => Promise.resolve() }),
    ],
    handoffs: [payments],
  });
}

/** What the user has said. */
function firstText({ input }: ModelRequest): string {
  const [first] = typeof input === "string" ? [{ content: input }] : input;
  const content: unknown = first && "content" in first ? first.content : undefined;
  return typeof content === "string"
    ? content
    : z.array(z.object({ text: z.string() })).parse(content)[0]?.text ?? "";
}

/** The first of these turns whose calls have no results yet; after the last one, the last words. */
function answer(request: ModelRequest, turns: ToolCallOf[][], last: string) {
  const results = toolResults(request);
  const turn = turns.find((calls) => calls.some(([, callId]) => !(callId in results)));
  if (!turn) return [say(last)];
  return turn.map(([name, callId, input = {}]) => ({
    type: "function_call" as const,
    id: callId,
    callId,
    name,
    status: "completed" as const,
    arguments: JSON.stringify(input),
  }));
}
