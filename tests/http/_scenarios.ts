import { Agent, tool, ToolGuardrailFunctionOutputFactory } from "@openai/agents";
import { z } from "zod";
import { atMostOnce, transactional } from "../../mod.ts";
import { FunctionModel, modelOfTurns, say, type ToolCallOf } from "../durable/_durable.ts";

/** A run, and whether who waits for its end is told it without asking the database. */
export interface Scenario {
  name: string;
  agent: Agent;
  isTold: boolean;
}

/** Until the scenario gives its agent a name that no other test has. */
const UNNAMED = "?";
/** Text that a column of type text does not take, in keys and values. */
const ODD = { "\u0000": "half of a \ud83c", again: ["\u0000", { "\udf0d": -0.1e-7 }] };

/** Runs that end in all ways that there are. */
export function makeScenarios(): Scenario[] {
  const sum = z.object({ sum: z.number(), of: z.array(z.number()) });
  const told = {
    "a text": new Agent({ name: UNNAMED, model: saying(say("Hello, \u{1f30d}.")) }),
    "calls that succeed and fail": calling([["odd", "1"], ["fail", "2"], ["once", "3"]], [["add", "4"]]),
    "a call of no tool": calling([["unknown", "1"]]),
    "calls with one id": calling([["add", "1"]], [["add", "1"]]),
    "calls that guardrails refuse": calling([["add", "1", { of: [13] }], ["add", "2", { of: [6, 7] }]]),
    "what a tool gives": calling([["odd", "1"]]).clone({ toolUseBehavior: "stop_on_first_tool" }),
    "an agent as a tool": calling([["ask", "1", { input: "Well?" }]]),
    "a handoff": new Agent({
      name: UNNAMED,
      model: modelOfTurns([[["transfer_to_Expert", "1"]]]),
      handoffs: [expert()],
    }),
    "data": new Agent({ name: UNNAMED, model: saying(say('{"sum":4,"of":[2,2]}')), outputType: sum }),
    "what was thought and looked up": new Agent({
      name: UNNAMED,
      model: saying(THOUGHT, SEARCH, say("It's 4.")),
    }),
    "a refusal": new Agent({ name: UNNAMED, model: saying(REFUSAL) }),
    "two messages": new Agent({ name: UNNAMED, model: saying(say("One, "), say("two.")) }),
    "too many turns": calling(...Array.from({ length: 11 }, (_, turn): ToolCallOf[] => [["add", `${turn}`]])),
    "a model that fails": new Agent({ name: UNNAMED, model: failing("The model\u0000 is on \ud83d fire") }),
    "input that is blocked": new Agent({
      name: UNNAMED,
      model: saying(say("Hi.")),
      inputGuardrails: [{ name: "In", execute: () => Promise.resolve(TRIPPED) }],
    }),
    "output that is blocked": new Agent({
      name: UNNAMED,
      model: saying(say("Hi.")),
      outputGuardrails: [{ name: "Out", execute: () => Promise.resolve(TRIPPED) }],
    }),
  };
  const read = {
    "an approval": calling([["add", "1"]], [["pay", "2"]]),
    "a call with a transaction of its own": calling([["write", "1"]]),
  };
  const suffix = crypto.randomUUID().slice(0, 8);
  return [told, read].flatMap((agents) =>
    Object.entries(agents).map(([name, agent]) => ({
      name,
      agent: Object.assign(agent, { name: `${name} ${suffix}` }) as Agent,
      isTold: agents === told,
    }))
  );
}

const TRIPPED = { tripwireTriggered: true, outputInfo: ODD };
const THOUGHT = {
  type: "reasoning" as const,
  content: [{ type: "input_text" as const, text: "First I **add**." }],
};
const SEARCH = {
  type: "hosted_tool_call" as const,
  name: "web_search_call",
  status: "completed",
  providerData: { type: "web_search_call", action: { type: "search", query: "2+2" } },
};
const REFUSAL = { ...say(""), content: [{ type: "refusal" as const, refusal: "I won't." }] };

function saying(...output: Awaited<ReturnType<FunctionModel["getResponse"]>>["output"]): FunctionModel {
  return new FunctionModel(() => output);
}

function failing(message: string): FunctionModel {
  return new FunctionModel(() => {
    throw new Error(message);
  });
}

function expert(): Agent {
  return new Agent({ name: "Expert", model: saying(say("I know.")) });
}

/** An agent that makes these calls, turn by turn, and then says "done". */
function calling(...turns: ToolCallOf[][]): Agent {
  const { allow, rejectContent } = ToolGuardrailFunctionOutputFactory;
  const refusing = (name: string, what: string) => ({
    name,
    run: ({ toolCall }: { toolCall: { arguments: string } }) =>
      Promise.resolve(toolCall.arguments.includes(what) ? rejectContent(`No ${what}.`) : allow()),
  });
  const anything = { description: "", parameters: z.object({ of: z.array(z.number()).default([]) }) };
  const add = tool({
    ...anything,
    name: "add",
    inputGuardrails: [{ type: "tool_input", ...refusing("Lucky: numbers", "13") }],
    outputGuardrails: [{ type: "tool_output", ...refusing("Short", "6,7") }],
    execute: ({ of }) => `${of.reduce((sum, number) => sum + number, 0)}`,
  });
  const fail = tool({
    ...anything,
    name: "fail",
    execute: () => {
      throw new Error("It broke\u0000");
    },
  });
  const odd = tool({ ...anything, name: "odd", execute: () => ODD });
  const once = tool({ ...anything, name: "once", execute: atMostOnce(() => ODD) });
  const pay = tool({ ...anything, name: "pay", needsApproval: true, execute: () => "Paid." });
  const write = tool({ ...anything, name: "write", execute: transactional(() => "Written.") });
  const ask = expert().asTool({ toolName: "ask", toolDescription: "" });
  return new Agent({
    name: UNNAMED,
    model: modelOfTurns(turns),
    tools: [add, fail, odd, once, pay, write, ask],
  });
}
