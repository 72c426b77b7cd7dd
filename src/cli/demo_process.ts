/**
 * One process of the demo: `begin` holds the conversation and saves the run that needs an approval, `finish`
 * loads that run, has it decided and brings it to its end.
 *
 * @module
 */
import process from "node:process";
import {
  type Agent,
  type AgentInputItem,
  type RunItem,
  type RunState,
  type RunToolApprovalItem,
  type RunToolCallItem,
  setTracingDisabled,
} from "@openai/agents";
import { openDatabase } from "../database/open_database.ts";
import { runAgent } from "../run/run_agent.ts";
import { DatabaseSession } from "../session/database_session.ts";
import { RunStateConflictError, RunStateNotFoundError } from "../state/errors.ts";
import { RunStateStore } from "../state/run_state_store.ts";
import { ask } from "./ask.ts";
import { demoAgents } from "./demo_agents.ts";
import { type DemoOptions, parseDemoOptions } from "./demo_options.ts";
import { ExitCode } from "./exit_code.ts";
import { ScriptedModel } from "./scripted_model.ts";
import { tell, tellItems } from "./tell.ts";

const QUESTIONS = ["What's 2+2?", "What's the weather in Oakland?", "What's the weather in Berkeley?"];

/** What both processes build for themselves; nothing but the database is common to them. */
interface Scene {
  assistant: Agent;
  session: DatabaseSession;
  store: RunStateStore;
}

async function begin({ assistant, session, store }: Scene): Promise<number> {
  if (await isRunWaiting(store)) {
    console.log("A run that was saved here earlier still waits.");
    return ExitCode.waiting;
  }
  await session.clearSession();
  for (const question of QUESTIONS) {
    tell("You", question);
    const input: AgentInputItem[] = [{ role: "user", content: question }];
    const result = await runAgent(assistant, input, session);
    tellItems(result.newItems);
    if (result.interruptions.length > 0) {
      await store.save(result.state);
      console.log("\nThis call needs an approval: the run is saved.");
      return ExitCode.waiting;
    }
    console.log();
  }
  console.log("The model did not call the tool that needs an approval, so nothing is left to resume.");
  return ExitCode.ok;
}

async function finish(
  { assistant, session, store }: Scene,
  decision: DemoOptions["decision"],
): Promise<number> {
  let state: RunState<unknown, Agent> = await store.load();
  while (true) {
    const waiting = state.getInterruptions();
    for (const interruption of waiting) {
      const answer = decision ?? await askForDecision(interruption);
      if (answer === null) return ExitCode.waiting;
      if (answer === "approve") state.approve(interruption);
      else state.reject(interruption);
      tell("You", `${answer} ${describe(interruption)}`);
    }
    const result = await runAgent(assistant, state, session);
    tellItems(itemsSince(waiting, result.newItems));
    if (result.interruptions.length === 0) return ExitCode.ok;
    // The model has not given up: it wants another call that needs an approval.
    await store.save(result.state);
    state = result.state;
  }
}

/** A resumed run lists its items from the beginning; those up to the calls that it waited for have been told. */
function itemsSince(waiting: readonly RunToolApprovalItem[], items: readonly RunItem[]): readonly RunItem[] {
  const calls = new Set(waiting.map(({ rawItem }) => callIdOf(rawItem)));
  return items.slice(
    items.findLastIndex((item) => item.type === "tool_call_item" && calls.has(callIdOf(item.rawItem))) + 1,
  );
}

function callIdOf(call: RunToolApprovalItem["rawItem"] | RunToolCallItem["rawItem"]): string | undefined {
  return "callId" in call ? call.callId : call.id;
}

/** Whether a run is there to be taken up. One that another process took up and never finished is given up. */
async function isRunWaiting(store: RunStateStore): Promise<boolean> {
  try {
    await store.load();
    return true;
  } catch (error) {
    if (error instanceof RunStateNotFoundError) return false;
    if (!(error instanceof RunStateConflictError)) throw error;
    await store.clear();
    return false;
  }
}

async function askForDecision(interruption: RunToolApprovalItem): Promise<DemoOptions["decision"]> {
  const answer = await ask(`Approve ${describe(interruption)}? [y/n] `);
  if (answer === null) return null;
  if (/^y(es)?$/i.test(answer)) return "approve";
  if (/^no?$/i.test(answer)) return "reject";
  console.log("Please answer y or n.");
  return await askForDecision(interruption);
}

function describe({ name, arguments: args }: RunToolApprovalItem): string {
  return `${name}(${args})`;
}

/** The scripted model unless a real one is named or there is a key for one. */
function chooseModel(name: string | null): string | ScriptedModel {
  const chosen = name ?? (Deno.env.get("OPENAI_API_KEY") ? "gpt-4.1" : "scripted");
  return chosen === "scripted" ? new ScriptedModel() : chosen;
}

async function main([part, ...args]: readonly string[]): Promise<number> {
  const { database: connectionString, decision, model: modelName } = parseDemoOptions(args);
  const model = chooseModel(modelName);
  // The Agents SDK would end the process as if all were done, when it sees nobody else who listens.
  process.on("SIGTERM", () => Deno.exit(ExitCode.terminated));
  // Traces would go to OpenAI, whichever model it is.
  setTracingDisabled(true);
  const database = await openDatabase(connectionString === null ? {} : { connectionString });
  try {
    if (part === "begin") {
      const why = modelName === null ? " (no OPENAI_API_KEY, no --model)" : "";
      console.log(`Model: ${model instanceof ScriptedModel ? `scripted${why}` : model}`);
      console.log(`Database: ${database.engine}\n`);
    }
    const assistant = demoAgents(model);
    const session = new DatabaseSession({ sessionId: "demo", database });
    const store = new RunStateStore({ agent: assistant, sessionId: "demo", database });
    const scene = { assistant, session, store };
    return part === "begin" ? await begin(scene) : await finish(scene, decision);
  } finally {
    await database.close();
  }
}

/** Uncaught, the Agents SDK would report it without its text. */
function tellError(error: unknown): number {
  console.error(error instanceof Error ? `\n${messageOf(error)}` : error);
  return ExitCode.failed;
}

/** With the reason where another error is, as in "Connection error." of OpenAI's client. */
function messageOf({ message, cause }: Error): string {
  return cause instanceof Error && !message.includes(cause.message)
    ? `${message.replace(/\.$/, "")}: ${messageOf(cause)}`
    : message;
}

if (import.meta.main) Deno.exit(await main(Deno.args).catch(tellError));
