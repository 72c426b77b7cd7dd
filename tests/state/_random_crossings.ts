import { RunState } from "@openai/agents";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { agentGraph } from "../../src/agents/agent_graph.ts";
import { translatePythonState } from "../../src/state/python/translate.ts";
import type { Decisions, Request, Scenario, WireItem } from "../vectors/scenario.ts";
import { decide, Stage, type StageState, usageOf } from "../vectors/stage.ts";
import { inputOf } from "../vectors/typescript.ts";
import { type Conversation, conversations } from "./_conversations.ts";
import { asWire, fromSession, inSession, normalRequest, sessionItems } from "./_crossing.ts";
import { type Answer, PythonPeer, type Rest } from "./_python_peer.ts";

/** Why a random conversation may be refused: half of a character can't be sent from Python. */
const REFUSABLE = ["lone_surrogate"];

/** What became of random conversations. */
export interface Crossings {
  crossed: number;
  refused: number;
  /** Those that one language can't even begin. */
  unrunnable: number;
}

/**
 * Lets random conversations cross, from either language, and once more back: each goes on as it would have without
 * crossing, or is refused. A failure shows the seed, and the smallest conversation that fails.
 *
 * @param options The seed, how many conversations, and when to begin no further one, as `Date.now()` counts.
 */
export async function crossAtRandom(
  { seed, count, endsAt }: { seed: number; count: number; endsAt?: number },
): Promise<Crossings> {
  await using python = new PythonPeer();
  const crossings: Crossings = { crossed: 0, refused: 0, unrunnable: 0 };
  const property = fc.asyncProperty(conversations, fc.boolean(), async (conversation, beginsHere) => {
    const outcome = beginsHere
      ? await fromHere(python, conversation)
      : await fromPython(python, conversation);
    crossings[outcome] += 1;
  });
  await fc.assert(property, {
    seed,
    numRuns: count,
    endOnFailure: true,
    ...(endsAt === undefined ? {} : { interruptAfterTimeLimit: Math.max(1, endsAt - Date.now()) }),
  });
  return crossings;
}

/** TypeScript begins; Python goes on, or keeps it and TypeScript goes on. */
async function fromHere(python: PythonPeer, conversation: Conversation): Promise<keyof Crossings> {
  const { scenario, before, decisions } = conversation;
  const stage = new Stage(scenario);
  const session = scenario.session &&
    stage.session(scenario.session.map((content) => ({ type: "message", role: "user", content })));
  const result = await stage.run(inputOf(scenario), session);
  if (result.interruptions.length === 0) return "unrunnable";
  decide(result.state, before);
  const { modelCalls } = stage;
  const items = session && await session.getItems();
  const state = result.state.toString();
  const own = await finish(new Stage(scenario, modelCalls), state, decisions, items);
  const request = { scenario, decisions, modelCalls, state, ...(items ? { session: items } : {}) };
  const there = await python.ask("resume", request);
  if (isRefused(there)) return "refused";
  if (there.unrunnable !== undefined || holdsHalf(scenario)) return "unrunnable";
  assertSame(restOf(there), own);
  const kept = await python.ask("keep", request);
  const back = await resumeHere(conversation, stateOf(kept), modelCalls, items);
  assertSame(back, own);
  return "crossed";
}

/** Python begins; TypeScript goes on, or keeps it and Python goes on. */
async function fromPython(python: PythonPeer, conversation: Conversation): Promise<keyof Crossings> {
  const { scenario, before, decisions } = conversation;
  if (holdsHalf(scenario)) return "unrunnable";
  const began = await python.ask("begin", { scenario, before, decisions });
  if (began.unrunnable !== undefined) return "unrunnable";
  const { modelCalls = 0, session } = began;
  const own = restOf(began);
  const items = session ? sessionItems(session) : undefined;
  assertSame(await resumeHere(conversation, stateOf(began), modelCalls, items), own);
  const stage = new Stage(scenario, modelCalls);
  const kept = await RunState.fromString(stage.agent, translated(stage, stateOf(began)));
  const state = kept.toString();
  const back = await python.ask("resume", {
    scenario,
    decisions,
    modelCalls,
    state,
    ...(items ? { session: items } : {}),
  });
  if (isRefused(back)) return "refused";
  assertSame(restOf(back), own);
  return "crossed";
}

/** Goes on here with what Python saved. */
async function resumeHere(
  { scenario, decisions }: Conversation,
  state: string,
  modelCalls: number,
  items: unknown[] | undefined,
): Promise<Rest> {
  const stage = new Stage(scenario, modelCalls);
  return await finish(stage, translated(stage, state), decisions, items);
}

function translated(stage: Stage, state: string): string {
  return translatePythonState(state, agentGraph(stage.agent), true).state;
}

/** What happens from a pause on. */
async function finish(
  stage: Stage,
  text: string,
  decisions: Decisions,
  items: unknown[] | undefined,
): Promise<Rest> {
  const session = items && stage.session(structuredClone(items));
  let state: StageState = await RunState.fromString(stage.agent, text);
  for (let round = 0; round < 9; round++) {
    decide(state, decisions);
    const result = await stage.run(state, session);
    state = result.state;
    if (result.interruptions.length > 0) continue;
    return {
      finalOutput: result.finalOutput,
      executed: stage.trail.executed.map(([name]) => name),
      requests: stage.trail.requests.map((request) => ({ ...request })),
      usage: { ...usageOf(state) },
      session: session ? (await session.getItems()).map(fromSession) : null,
    };
  }
  throw new Error(
    `It waits on and on: ${state.getInterruptions().map(({ rawItem }) => JSON.stringify(rawItem))}`,
  );
}

/** Whether there is half of a character somewhere, which Python can't send: it goes on in its own way, or fails. */
function holdsHalf(scenario: Scenario): boolean {
  return /\\ud[89a-f]/.test(JSON.stringify(scenario));
}

function isRefused(answer: Answer): boolean {
  if (answer.refused === undefined) return false;
  assertEquals(REFUSABLE.includes(answer.refused), true, `Refused: ${answer.refused} at ${answer.path}`);
  return true;
}

function restOf(answer: Answer): Rest {
  if (answer.rest !== undefined) return answer.rest;
  throw new Error(`Python did not go on: ${JSON.stringify(answer)}`);
}

function stateOf(answer: Answer): string {
  if (answer.state !== undefined) return answer.state;
  throw new Error(`Python saved nothing: ${JSON.stringify(answer)}`);
}

function assertSame(crossed: Rest, own: Rest): void {
  assertEquals(comparable(crossed), comparable(own));
}

function comparable({ requests, session, ...rest }: Rest) {
  return {
    ...rest,
    requests: requests.map((request) => normalRequest(request as Request)),
    session: session?.map((item) => withoutId(inSession(asWire(item)))),
  };
}

function withoutId({ id: _, ...rest }: WireItem): WireItem {
  return rest;
}
