import { Agent, type AgentInputItem, RunState, tool } from "@openai/agents";
import { assistantMessage, functionCall } from "@openai/agents-core/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  runAgent,
  RunStateGraphError,
  RunStateMalformedError,
  StateTranslationError,
  TimestepError,
} from "@timestep-ai/timestep";
import { z } from "zod";
import { randomItems, seededRandom } from "../_items.ts";
import { approveAll, asks, pausedState, weatherAgent } from "./_runs.ts";
import type { StoreTarget } from "./store_target.ts";

/** What a `RunStateStore` does with odd and with damaged snapshots, as tests of one kind of place. */
export function damageSuite(target: StoreTarget): void {
  otherAgents(target);
  damaged(target);
  foreign(target);
  fuzzed(target);
  odd(target);
}

function otherAgents({ name, create }: StoreTarget): void {
  const model = weatherAgent().agent.model;
  const [getWeather] = weatherAgent().agent.tools;
  const tools = getWeather ? [getWeather] : [];
  const other = tool({ name: "other", description: "", parameters: z.object({}), execute: () => "" });
  const helper = new Agent({ name: "Helper" });
  const cases: [what: string, agent: Agent, named: string][] = [
    ["starts with another agent", new Agent({ name: "Clerk", model, tools }), "Assistant"],
    ["has lost a tool", new Agent({ name: "Assistant", model, tools: [other] }), "get_weather"],
  ];
  for (const [what, agent, named] of cases) {
    Deno.test(`load() rejects with RunStateGraphError when the agent ${what} [${name}]`, async () => {
      await using place = await create();
      await place.store(weatherAgent().agent).save(await pausedState());
      // A database keeps runs by their agent's name: a run of another agent is not found but made to be.
      const graph = {
        root: "Assistant",
        agents: [{ name: "Assistant", tools: ["get_weather"], handoffs: [] }],
      };
      if (agent.name !== "Assistant" && name !== "file") {
        const state = await place.state();
        await place.store(agent).save(
          (await runAgent(new Agent({ name: "Clerk", model: ends() }), "")).state,
        );
        await place.tamper({ agent_graph: JSON.stringify(graph), state });
      }
      const before = await place.stored();
      await assertRejects(() => place.store(agent).load(), RunStateGraphError, named);
      assertEquals(await place.stored(), before);
    });
  }

  Deno.test(`load() gives a run when its agent has got more tools and handoffs [${name}]`, async () => {
    await using place = await create();
    await place.store(weatherAgent().agent).save(await pausedState());
    const agent = new Agent({ name: "Assistant", model, tools: [other, ...tools], handoffs: [helper] });
    assertEquals((await place.store(agent).load()).getInterruptions().length, 1);
  });

  Deno.test(`load() gives a run of agents that are called the same [${name}]`, async () => {
    await using place = await create();
    const nested = weatherAgent(asks("Oakland")).agent;
    const ask = functionCall("ask", { input: "Weather?" }, { callId: "1" });
    const agent = new Agent({
      name: nested.name,
      model: weatherAgent([ask]).agent.model,
      tools: [nested.asTool({ toolName: "ask", toolDescription: "" })],
    });
    await place.store(agent).save((await runAgent(agent, "Weather?")).state);
    assertEquals((await place.store(agent).load()).getInterruptions().length, 1);
  });

  Deno.test(`save() rejects with TypeError when the run is another agent's [${name}]`, async () => {
    await using place = await create();
    const state = await pausedState();
    await assertRejects(() => place.store(helper).save(state), TypeError, "Assistant");
  });

  Deno.test(`save() rejects with TypeError when it gets no state [${name}]`, async () => {
    await using place = await create();
    const result: unknown = { state: await pausedState(), interruptions: [] };
    for (const wrong of [result, null, {}, "state"]) {
      const state = wrong as RunState<unknown, Agent>;
      await assertRejects(() => place.store(weatherAgent().agent).save(state), TypeError, "result.state");
    }
  });
}

function ends() {
  return weatherAgent([assistantMessage("Done.")]).agent.model;
}

function damaged({ name, create }: StoreTarget): void {
  const cases: Record<string, { change: (state: string) => Record<string, string>; says: string }> = {
    "the SDK's version of it is newer": {
      change: (state) => ({ state: state.replace('"$schemaVersion":"1.22"', '"$schemaVersion":"1.99"') }),
      says: "is 1.99, and @openai/agents 0.20.0 knows up to 1.22",
    },
    "its version is nonsense": {
      change: (state) => ({ state: state.replace('"$schemaVersion":"1.22"', '"$schemaVersion":"one"') }),
      says: "has no $schemaVersion",
    },
    "it has no version": { change: () => ({ state: "{}" }), says: "has no $schemaVersion" },
    "it has a version and nothing else": {
      change: () => ({ state: '{"$schemaVersion":"1.22"}' }),
      says: "damaged",
    },
    "a call in it was lost": {
      change: (state) => {
        const parsed = JSON.parse(state);
        parsed.generatedItems = [];
        return { state: JSON.stringify(parsed) };
      },
      says: "Cannot load the saved run",
    },
  };
  for (const [what, { change, says }] of Object.entries(cases)) {
    Deno.test(`load() rejects with RunStateMalformedError when ${what} [${name}]`, async () => {
      await using place = await create();
      const { agent } = weatherAgent();
      await place.store(agent).save(await pausedState());
      await place.tamper(change(await place.state()));
      const before = await place.stored();
      await assertRejects(() => place.store(agent).load(), RunStateMalformedError, says);
      assertEquals(await place.stored(), before);
    });
  }
}

function foreign({ name, create }: StoreTarget): void {
  Deno.test(`load() rejects with StateTranslationError when it is no run that Python saves [${name}]`, async () => {
    await using place = await create();
    const { agent } = weatherAgent();
    await place.store(agent).save(await pausedState());
    await place.tamper({ language: "python" });
    const before = await place.stored();
    await assertRejects(() => place.store(agent).load(), StateTranslationError, "unknown_schema_version");
    assertEquals(await place.stored(), before);
  });
}

function fuzzed({ name, create }: StoreTarget): void {
  Deno.test(`load() gives a run or a clear error when its snapshot was changed at random [${name}]`, async () => {
    await using place = await create();
    const { agent } = weatherAgent();
    await place.store(agent).save(approveAll(await pausedState()));
    const whole = await place.state();
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = seededRandom(seed);
    for (let round = 0; round < 60; round++) {
      const state = JSON.stringify(mutate(JSON.parse(whole), random));
      await place.tamper({ state });
      const before = await place.stored();
      try {
        await place.store(agent).load();
      } catch (error) {
        assert(error instanceof TimestepError, `seed ${seed}, round ${round}: ${error} for ${state}`);
      }
      assertEquals(await place.stored(), before);
    }
  });
}

/** Takes away, repeats, moves or replaces one part of a JSON value. */
function mutate(value: unknown, random: () => number): unknown {
  const pick = <T>(options: readonly T[]) => options[Math.floor(random() * options.length)] as T;
  if (typeof value !== "object" || value === null || random() < 0.05) {
    return pick([null, 0, -1, 1e9, "", "x", "\0", "\ud800", [], {}, true]);
  }
  if (Array.isArray(value)) {
    const changed = [...value];
    const index = Math.floor(random() * changed.length);
    pick([
      () => changed.splice(index, 1),
      () => changed.push(changed[index]),
      () => changed.reverse(),
      () => changed.splice(index, 1, mutate(changed[index], random)),
    ])();
    return changed;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return { x: 1 };
  const index = Math.floor(random() * entries.length);
  const [key, inner] = entries[index] ?? ["", null];
  return pick([
    () => Object.fromEntries(entries.toSpliced(index, 1)),
    () => Object.fromEntries(entries.toReversed()),
    () => ({ ...value, [key]: mutate(inner, random) }),
    () => ({ ...value, [key]: mutate(inner, random) }),
    () => ({ ...value, [key]: mutate(inner, random) }),
  ])();
}

function odd({ name, create }: StoreTarget): void {
  const texts: Record<string, string> = {
    "NULs": "a\0b\u0000",
    "lone surrogates": "\ud800 \udc00",
    "5 MB": "ä".repeat(5 * 2 ** 20 / 2),
  };
  for (const [what, text] of Object.entries(texts)) {
    Deno.test(`load() gives back ${what} as they were [${name}]`, async () => {
      await using place = await create();
      const city = text.slice(0, 1000); // The SDK keeps a call's arguments many times over.
      const made = weatherAgent([functionCall("get_weather", { city }, { callId: "call_1" })]);
      const { state } = await runAgent(made.agent, text);
      for (const interruption of state.getInterruptions()) {
        state.reject(interruption, { message: city });
      }
      await place.store(made.agent).save(state);
      // Compared before it is asserted: a difference in 5 MB is not worth printing.
      assert(await place.state() === state.toString());
      const { agent } = weatherAgent([assistantMessage("Done.")]);
      const loaded = await place.store(agent).load();
      assert(loaded.getInterruptions()[0]?.arguments === JSON.stringify({ city }));
      const result = await runAgent(agent, loaded);
      assertEquals(result.finalOutput, "Done.");
      assert(result.input === text);
    });
  }

  Deno.test(`save() takes arguments that are no JSON and have odd characters in them [${name}]`, async () => {
    await using place = await create();
    const state = await pausedState();
    const text = state.toString().replaceAll(
      String.raw`{\"city\":\"Oakland\"}`,
      String.raw`\u0000\ud800 no JSON`,
    );
    const { agent } = weatherAgent();
    const odd = await RunState.fromString(agent, text);
    await place.store(agent).save(odd);
    const [interruption] = (await place.store(agent).load()).getInterruptions();
    assertEquals(interruption?.arguments, "\0\ud800 no JSON");
  });

  Deno.test(`load() gives back a history of random items as it was [${name}]`, async () => {
    await using place = await create();
    const seed = Math.floor(Math.random() * 2 ** 32);
    const history = randomItems(seededRandom(seed), 50) as AgentInputItem[];
    const made = weatherAgent([functionCall("get_weather", { city: "Oakland" }, { callId: "last" })]);
    const { state } = await runAgent(made.agent, history);
    await place.store(made.agent).save(state);
    assertEquals(await place.state(), state.toString(), `seed ${seed}`);
    await place.store(weatherAgent().agent).load();
  });
}
