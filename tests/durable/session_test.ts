import { assert, assertEquals } from "@std/assert";
import {
  Agent,
  type AgentInputItem,
  type OpenAIResponsesCompactionOwnershipAwareSession,
  type RunContext,
  type RunContextAwareSession,
  tool,
} from "@openai/agents";
import { z } from "zod";
import { createRun, executeRun, registerAgent } from "../../mod.ts";
import { type Death, Killed, modelOfTurns, MortalDatabase, testOnEach } from "./_durable.ts";

type Receiver = RunContextAwareSession & OpenAIResponsesCompactionOwnershipAwareSession;

/** A session that can do all that the SDK looks for, and tells what it was asked for. */
class AbleSession implements Receiver {
  readonly acceptsRunContext = true;
  readonly calls: string[] = [];
  readonly contexts: unknown[] = [];
  readonly #receipts = new WeakSet<object>();
  #items: AgentInputItem[] = [];

  getSessionId(): Promise<string> {
    return Promise.resolve("able");
  }

  getItems(_limit?: number, context?: RunContext<unknown>): Promise<AgentInputItem[]> {
    this.#note("read", context);
    return Promise.resolve([...this.#items]);
  }

  addItems(items: AgentInputItem[], context?: RunContext<unknown>): Promise<void> {
    this.#note("add", context);
    this.#items.push(...items);
    return Promise.resolve();
  }

  popItem(): Promise<AgentInputItem | undefined> {
    return Promise.resolve(this.#items.pop());
  }

  clearSession(context?: RunContext<unknown>): Promise<void> {
    this.#note("clear", context);
    this.#items = [];
    return Promise.resolve();
  }

  async getItemsWithCompactionOwnership(context?: RunContext<unknown>) {
    const ownership = {};
    this.#receipts.add(ownership);
    return { items: await this.getItems(undefined, context), ownership };
  }

  addItemsWithCompactionOwnership(items: AgentInputItem[], _ownership: object | null, context?: RunContext) {
    return this.addItems(items, context);
  }

  runCompaction(_args: unknown, context?: RunContext<unknown>, ownership?: object | null) {
    this.#note(
      ownership && this.#receipts.has(ownership) ? "compact" : "compact what others may own",
      context,
    );
    return { usage: { inputTokens: 7, outputTokens: 1, totalTokens: 8 } as never };
  }

  #note(call: string, context: RunContext<unknown> | undefined): void {
    this.calls.push(call);
    this.contexts.push(context?.context);
  }
}

testOnEach(
  "executeRun() gives a session the run's context, and has it compact its history",
  async ({ database }) => {
    const count = tool({ name: "count", description: "", parameters: z.object({}), execute: () => 1 });
    const agent = new Agent({ name: "A", model: modelOfTurns([[["count", "c1"]]]), tools: [count] });
    registerAgent(agent);
    const executeWith = async (session: AbleSession, runId: string, dies?: Death) => {
      await createRun(database, { runId, agent, input: "x", context: { user: "u" } });
      const mortal = new MortalDatabase(database, dies);
      return await executeRun({ database: mortal, runId, segment: 0, executorId: "test", session });
    };
    const session = new AbleSession();
    assertEquals((await executeWith(session, "whole")).finalOutput, "done");
    assertEquals(session.calls, ["read", "add", "compact"]);
    assertEquals(session.contexts, [{ user: "u" }, { user: "u" }, { user: "u" }]);

    const survivor = new AbleSession();
    const dies = { at: "model:0.1", when: "after" } as const;
    await executeWith(survivor, "killed", dies).catch((error) => assert(error instanceof Killed));
    assertEquals((await executeWith(survivor, "killed")).finalOutput, "done");
    assertEquals(survivor.calls, ["read", "add", "compact what others may own"]);
  },
);
