import { assert, assertEquals } from "@std/assert";
import {
  Agent,
  type AgentInputItem,
  handoff,
  MemorySession,
  Runner,
  type RunToolCallItem,
  type Session,
  tool,
} from "@openai/agents";
import { z } from "zod";
import { createRun, type Database, DatabaseSession, executeRun, registerAgent } from "../../mod.ts";
import type { Execution } from "../../src/durable/execution.ts";
import { Scope } from "../../src/durable/scope.ts";
import { accelerateSdk } from "../../src/durable/sdk/accelerate.ts";
import { type InputOptions, runWithInput } from "../../src/durable/sdk/run_input.ts";
import { forgetAgents } from "../../src/durable/registry.ts";
import { FunctionModel, say, testOnEach } from "./_durable.ts";

// Durable runs give the SDK their input in other forms, and keep the copies that it makes of items. What comes of
// a run must be what comes of a plain one. If an update of the SDK breaks one of these, src/durable/sdk has to follow.

type ToolCall = RunToolCallItem["rawItem"];

/** What a run has sent to its model, and what it has left. */
interface Traces {
  /** The items of each request, as JSON. */
  sent: string[];
  /** The snapshot of its pause. */
  snapshot: Record<string, unknown>;
  /** What its session has. */
  stored: AgentInputItem[];
}

interface Case {
  input: string | AgentInputItem[];
  /** What its session has before; without, there is no session. */
  history?: AgentInputItem[];
  /** Whether the session is in the database that the run is in. */
  inDatabase?: boolean;
  stream?: boolean;
  /** Makes an agent that is paused in the end. */
  agent: (sent: string[]) => Agent;
}

const options = { description: "", parameters: z.object({}) };

const pay = tool({ ...options, name: "pay", needsApproval: true, execute: () => 1 });

/** What the model asks for, turn by turn: the name of a tool, and the ids of calls. */
const TURNS = [["count", "a", "b", "c"], ["count", "d"], ["count", "e", "f"], ["pay", "p"]];

/** An agent whose model and tools change all that they get hold of, with calls side by side. */
function meddlingAgent(sent: string[]): Agent {
  const calls: ToolCall[] = [];
  const count = tool({
    ...options,
    name: "count",
    execute: (_input, _context, details) => {
      const call = details?.toolCall;
      if (call) calls.push(call);
      for (const [index, call] of calls.entries()) call.providerData = { seen: calls.length - index % 2 };
      return `${calls.length}`;
    },
  });
  return new Agent({
    name: "Meddler",
    tools: [count, pay],
    model: new FunctionModel((request) => {
      const [name = "", ...callIds] = TURNS[sent.length] ?? [];
      sent.push(JSON.stringify(request.input));
      for (const [index, item] of [...request.input].entries()) {
        if (typeof item === "string") continue;
        if (index % 3 === 0) item.providerData = { changedBy: "model", call: sent.length };
        if (index % 3 === 1) Reflect.deleteProperty(item, "status");
        if (item.type === "function_call_result") Object.assign(item.output, { text: "changed" });
      }
      return callIds.map((callId) => toCall(name, callId));
    }),
  });
}

/** An agent that hands over to another one, which gets copies of what was said. */
function handingAgent(sent: string[]): Agent {
  const note = (answer: ConstructorParameters<typeof FunctionModel>[0]) =>
    new FunctionModel((request) => {
      sent.push(JSON.stringify(request.input));
      return answer(request);
    });
  const payer = new Agent({
    name: "Payer",
    model: note(() => [toCall("pay", "p")]),
    tools: [pay],
  });
  const toPayer = handoff(payer, {
    inputFilter: ({ inputHistory, ...rest }) => ({ ...rest, inputHistory: structuredClone(inputHistory) }),
  });
  return new Agent({
    name: "Greeter",
    model: note(() => [say("Hello"), toCall("transfer_to_Payer", "h")]),
    handoffs: [toPayer],
  });
}

function toCall(name: string, callId: string) {
  return { type: "function_call" as const, callId, name, status: "completed" as const, arguments: "{}" };
}

const user = (content: string) => ({ role: "user" as const, content });

const HISTORY: AgentInputItem[] = [
  user("Hi"),
  say("Hello"),
  toCall("count", "h1"),
  {
    type: "function_call_result",
    callId: "h1",
    name: "count",
    status: "completed",
    output: { type: "text", text: "0" },
  },
  toCall("count", "lost"),
  user("Hi"),
];

const CASES: Record<string, Case> = {
  "a text": { input: "Hi", agent: meddlingAgent },
  "a list": { input: [...HISTORY.slice(0, 4), user("Go on")], agent: meddlingAgent },
  "a list with one item twice": { input: [user("Hi"), user("Hi"), say("Hello")], agent: meddlingAgent },
  "a text, streamed": { input: "Hi", agent: meddlingAgent, stream: true },
  "a list, streamed": { input: [user("Hi"), user("Hi")], agent: meddlingAgent, stream: true },
  "a text into a session": { input: "Hi", history: HISTORY, agent: meddlingAgent },
  "a list into a session of the database": {
    input: [user("Hi"), user("Go on")],
    history: HISTORY,
    inDatabase: true,
    agent: meddlingAgent,
  },
  "a text into an empty session": { input: "Hi", history: [], agent: meddlingAgent },
  "a list into a session": { input: [user("Hi"), user("Go on")], history: HISTORY, agent: meddlingAgent },
  "a text into a session of the database, streamed": {
    input: "Hi",
    history: HISTORY,
    inDatabase: true,
    agent: meddlingAgent,
    stream: true,
  },
  "a list and a handoff": { input: [user("Hi"), user("Pay")], agent: handingAgent },
  "a text into a session and a handoff": { input: "Pay", history: HISTORY, agent: handingAgent },
};

async function runPlainly(
  { input, history, stream = false, agent }: Case,
  session?: Session,
): Promise<Traces> {
  const sent: string[] = [];
  if (history) await session?.addItems(history);
  const runner = new Runner({ tracingDisabled: true });
  const given = history && session ? { session } : {};
  const start = agent(sent);
  const result = stream
    ? await runner.run(start, input, { ...given, stream: true })
    : await runner.run(start, input, given);
  if ("completed" in result) await result.completed;
  assert(result.interruptions.length > 0, "it is paused");
  return { sent, snapshot: JSON.parse(result.state.toString()), stored: await session?.getItems() ?? [] };
}

async function runDurably(
  database: Database,
  runId: string,
  { input, history, stream = false, agent }: Case,
  session: Session,
): Promise<Traces> {
  const sent: string[] = [];
  if (history) await session.addItems(history);
  const start = agent(sent);
  registerAgent(start);
  const isOfDatabase = session instanceof DatabaseSession;
  const sessionId = history && isOfDatabase ? { sessionId: await session.getSessionId() } : {};
  await createRun(database, { runId, agent: start, input, stream, ...sessionId });
  const given = history && !isOfDatabase ? { session } : {};
  const { status } = await executeRun({ database, runId, segment: 0, executorId: "test", ...given });
  assertEquals(status, "interrupted");
  const [row] = await database.query(
    "select state::text as state from timestep.run_states where run_id = $1",
    [runId],
  );
  return { sent, snapshot: JSON.parse(String(row?.state)), stored: await session.getItems() };
}

function assertSame(durable: Traces, plain: Traces, message: string): void {
  assertEquals(durable.sent.length, plain.sent.length, message);
  for (const [index, sent] of plain.sent.entries()) assertEquals(durable.sent[index], sent, message);
  assertEquals(durable.stored, plain.stored, message);
  for (const traced of ["trace", "currentAgentSpan"]) {
    delete durable.snapshot[traced];
    delete plain.snapshot[traced];
  }
  assertEquals(durable.snapshot, plain.snapshot, message);
}

testOnEach(
  "a durable run sends and leaves what a plain one does, whoever changes items",
  async ({ database }) => {
    for (const [name, given] of Object.entries(CASES)) {
      const session = (sessionId: string): Session =>
        given.inDatabase ? new DatabaseSession({ database, sessionId }) : new MemorySession();
      const plain = await runPlainly(given, session(`plain, ${name}`));
      const durable = await runDurably(database, name, given, session(name));
      assertSame(durable, plain, name);
      forgetAgents();
    }
  },
);

Deno.test("runWithInput() leaves a run's input alone when others decide what the model or the session gets", async () => {
  const items = [user("Hi")];
  const session = new MemorySession();
  const began = async (input: unknown, options: InputOptions, runner = new Runner()) => {
    const begun = await runWithInput(
      runner,
      new Scope({} as Execution, "0."),
      input,
      options,
      (input, options) => Promise.resolve({ input, options }),
    );
    return begun.input === input && begun.options === options ? "as it is" : begun;
  };
  assertEquals(await began("Hi", {}), "as it is", "nothing is accelerated");
  const release = accelerateSdk();
  try {
    const alone: [input: unknown, options: InputOptions, runner?: Runner][] = [
      ["Hi", { conversationId: "c" }],
      ["Hi", { previousResponseId: "r" }],
      ["Hi", { sandbox: {} }],
      ["Hi", { callModelInputFilter: () => {} }],
      ["Hi", {}, new Runner({ callModelInputFilter: ({ modelData }) => modelData })],
      ["Hi", { session, sessionInputCallback: () => [] }],
      ["Hi", { session }, new Runner({ sessionInputCallback: () => [] })],
      [[{ role: "user", content: () => {} }], {}],
      [undefined, {}],
    ];
    for (const [index, [input, options, runner]] of alone.entries()) {
      assertEquals(await began(input, options, runner), "as it is", `case ${index}`);
    }
    for (const [input, options] of [["Hi", {}], [items, {}], ["Hi", { session }]] as const) {
      assert(await began(input, options) !== "as it is");
    }
  } finally {
    release();
  }
});
