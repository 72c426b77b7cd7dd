import { Agent, type GuardrailFunctionOutput } from "@openai/agents";
import { assistantMessage, modelResponder } from "@openai/agents-core/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { runAgent, RunStateConflictError, RunStateNotFoundError } from "@timestep-ai/timestep";
import { approveAll, asks, costs, pausedState, weatherAgent } from "./_runs.ts";
import type { Place, StoreTarget } from "./store_target.ts";

/** What a `RunStateStore` has to do wherever it keeps the run, as tests of one kind of place. */
export function storeSuite(target: StoreTarget): void {
  savingAndLoading(target);
  ending(target);
  conflicts(target);
  resumingOnce(target);
}

const done = [assistantMessage("Sunny.")];

function savingAndLoading({ name, create }: StoreTarget): void {
  Deno.test(`load() gives a run that finishes as if it had not been saved [${name}]`, async () => {
    await using place = await create();
    const state = await pausedState();
    await place.store(weatherAgent().agent).save(state);
    const { agent, told } = weatherAgent(done);
    const loaded = await place.store(agent).load();
    assertEquals(loaded.getInterruptions().map((item) => item.arguments), ['{"city":"Oakland"}']);
    assertEquals(await place.state(), state.toString());
    const result = await runAgent(agent, approveAll(loaded));
    assertEquals([result.finalOutput, told], ["Sunny.", ["Oakland"]]);
  });

  Deno.test(`load() gives a run of whose input a guardrail said nothing [${name}]`, async () => {
    await using place = await create();
    const { agent } = weatherAgent(asks("Oakland"));
    const verdicts = [{ tripwireTriggered: false, outputInfo: undefined }, { tripwireTriggered: false }];
    agent.inputGuardrails = verdicts.map((verdict) => ({
      name: "Taciturn",
      // The types demand it, and nothing else does.
      execute: () => Promise.resolve(verdict as GuardrailFunctionOutput),
    }));
    const { state } = await runAgent(agent, "Weather?");
    await place.store(agent).save(state);
    assertEquals((await place.store(agent).load()).getInterruptions().length, 1);
  });

  Deno.test(`load() gives the decisions that were taken before saving [${name}]`, async () => {
    await using place = await create();
    const state = await pausedState();
    for (const interruption of state.getInterruptions()) {
      state.reject(interruption, { message: "Not there." });
    }
    await place.store(weatherAgent().agent).save(state);
    const { agent, told } = weatherAgent(done);
    const result = await runAgent(agent, await place.store(agent).load());
    assertEquals(told, []);
    assert(JSON.stringify(result.history).includes("Not there."));
  });

  Deno.test(`load() rejects with RunStateNotFoundError when nothing is saved [${name}]`, async () => {
    await using place = await create();
    const { agent } = weatherAgent();
    const store = place.store(agent);
    await assertRejects(() => store.load(), RunStateNotFoundError);
    await store.clear();
    await assertRejects(() => store.load({ takeOver: true }), RunStateNotFoundError);
  });

  Deno.test(`save() replaces what the same store saved or loaded before [${name}]`, async () => {
    await using place = await create();
    const { agent } = weatherAgent();
    const store = place.store(agent);
    const state = await pausedState();
    await store.save(state);
    await store.save(approveAll(state));
    const other = place.store(agent);
    const loaded = await other.load();
    await other.save(loaded);
    assertEquals((await place.store(agent).load()).getInterruptions(), loaded.getInterruptions());
  });

  Deno.test(`save() keeps counting what was used when the run was loaded [${name}]`, async () => {
    await using place = await create();
    const first = weatherAgent(costs(asks("Oakland"), 100)).agent;
    const { state } = await runAgent(first, "Weather?");
    await place.store(first).save(state);
    const second = weatherAgent(costs(asks("Berkeley"), 200)).agent;
    const resumed = await runAgent(second, approveAll(await place.store(second).load()));
    await place.store(second).save(resumed.state);
    const third = weatherAgent(costs(done, 400)).agent;
    const { state: { usage } } = await runAgent(third, approveAll(await place.store(third).load()));
    assertEquals([usage.requests, usage.inputTokens, usage.totalTokens], [3, 700, 703]);
  });

  Deno.test(`close() lets go, and may be called twice [${name}]`, async () => {
    await using place = await create();
    const { agent } = weatherAgent();
    {
      await using store = place.store(agent);
      await store.save(await pausedState());
      await store.close();
    }
    assertEquals((await place.store(agent).load()).getInterruptions().length, 1);
  });
}

function ending({ name, create }: StoreTarget): void {
  Deno.test(`load() rejects with RunStateNotFoundError when the run was finished or cleared [${name}]`, async () => {
    await using place = await create();
    const { agent } = weatherAgent(done, done);
    const store = place.store(agent);
    await store.save(await pausedState());
    await runAgent(agent, approveAll(await store.load()));
    await assertRejects(() => store.load(), RunStateNotFoundError);
    await store.save(await pausedState());
    await store.clear();
    await assertRejects(() => store.load(), RunStateNotFoundError);
    assert((await place.stored()).includes("cancelled"), "what was cleared is still stored");
    await store.save(await pausedState("Berkeley"));
    assertEquals((await store.load()).getInterruptions()[0]?.arguments, '{"city":"Berkeley"}');
  });

  for (const processor of ["default", "none"]) {
    Deno.test(`load() finds nothing when a streaming run was finished (processor: ${processor}) [${name}]`, async () => {
      await using place = await create();
      const { agent } = weatherAgent(done);
      const store = place.store(agent);
      await store.save(await pausedState());
      const state = approveAll(await store.load());
      if (processor === "default") {
        await runAgent(agent, state, undefined, true);
      } else {
        const result = await runAgent(agent, state, undefined, true, null);
        for await (const _event of result) {
          // Read to its end.
        }
        await result.completed;
      }
      await assertRejects(() => store.load(), RunStateNotFoundError);
    });
  }

  Deno.test(`save() of a finished run can be loaded, and is in nobody's way [${name}]`, async () => {
    await using place = await create();
    const agent = new Agent({ name: "Assistant", model: weatherAgent(done, done).agent.model });
    for (const _ of ["one process", "another"]) {
      const result = await runAgent(agent, "Hello");
      await place.store(agent).save(result.state);
    }
    const loaded = await place.store(agent).load();
    assertEquals(loaded.getInterruptions(), []);
    assertEquals((await runAgent(agent, loaded)).finalOutput, "Sunny.");
  });
}

function conflicts({ name, create }: StoreTarget): void {
  Deno.test(`save() rejects with RunStateConflictError when another run is paused there [${name}]`, async () => {
    await using place = await create();
    const { agent } = weatherAgent();
    await place.store(agent).save(await pausedState("Oakland"));
    const before = await place.stored();
    const other = place.store(agent);
    await assertRejects(async () => await other.save(await pausedState("Berkeley")), RunStateConflictError);
    assertEquals(await place.stored(), before);
    await other.clear();
    await other.save(await pausedState("Berkeley"));
    assertEquals((await other.load()).getInterruptions()[0]?.arguments, '{"city":"Berkeley"}');
  });

  Deno.test(`save() rejects with RunStateConflictError when the run was saved since it was loaded [${name}]`, async () => {
    await using place = await create();
    const { agent } = weatherAgent();
    await place.store(agent).save(await pausedState());
    const [one, two] = [place.store(agent), place.store(agent)];
    const [first, second] = [await one.load(), await two.load()];
    await one.save(approveAll(first));
    await assertRejects(() => two.save(second), RunStateConflictError);
    // Not by trying again, either.
    await assertRejects(() => two.save(second), RunStateConflictError);
    assertEquals(await place.state(), first.toString());
  });

  Deno.test(`save() lets one win when many save at once [${name}]`, async () => {
    await using place = await create();
    const { agent } = weatherAgent();
    const cities = ["A", "B", "C", "D", "E", "F"];
    const states = await Promise.all(cities.map(pausedState));
    const outcomes = await Promise.allSettled(states.map((state) => place.store(agent).save(state)));
    const winners = cities.filter((_, index) => outcomes[index]?.status === "fulfilled");
    assertEquals(winners.length, 1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") {
        assert(outcome.reason instanceof RunStateConflictError, outcome.reason);
      }
    }
    const [{ arguments: args } = {}] = (await place.store(agent).load()).getInterruptions();
    assertEquals(args, JSON.stringify({ city: winners[0] }));
  });
}

function resumingOnce({ name, create }: StoreTarget): void {
  Deno.test(`runAgent() resumes a saved run once when many have loaded it [${name}]`, async () => {
    await using place = await create();
    await place.store(weatherAgent().agent).save(await pausedState());
    const processes = await Promise.all(Array.from({ length: 6 }, () => load(place)));
    const outcomes = await Promise.allSettled(
      processes.map(({ agent, state }) => runAgent(agent, approveAll(state))),
    );
    assertEquals(processes.flatMap(({ told }) => told), ["Oakland"]);
    assertEquals(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") {
        assert(outcome.reason instanceof RunStateConflictError, outcome.reason);
      }
    }
  });

  Deno.test(`runAgent() resumes a state once when it is called twice at once [${name}]`, async () => {
    await using place = await create();
    await place.store(weatherAgent().agent).save(await pausedState());
    const { agent, state, told } = await load(place);
    approveAll(state);
    const outcomes = await Promise.allSettled([runAgent(agent, state), runAgent(agent, state)]);
    assertEquals(told, ["Oakland"]);
    assertEquals(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  });

  Deno.test(`runAgent() refuses a state that is being resumed [${name}]`, async () => {
    await using place = await create();
    await place.store(weatherAgent().agent).save(await pausedState());
    const again: Promise<unknown>[] = [];
    const { agent, state, told } = await load(
      place,
      modelResponder(async () => {
        again.push(runAgent(agent, state).catch((error) => error));
        await again[0];
        return done;
      }),
    );
    assertEquals((await runAgent(agent, approveAll(state))).finalOutput, "Sunny.");
    assert(await again[0] instanceof RunStateConflictError);
    assertEquals(told, ["Oakland"]);
  });

  Deno.test(`load() rejects with RunStateConflictError when the run was resumed and did not end [${name}]`, async () => {
    await using place = await create();
    await place.store(weatherAgent().agent).save(await pausedState());
    const dead = await load(place, { type: "error", error: new Error("The model is down") });
    await assertRejects(() => runAgent(dead.agent, approveAll(dead.state)), Error, "The model is down");
    const { agent } = weatherAgent();
    await assertRejects(() => place.store(agent).load(), RunStateConflictError, "takeOver");
    await assertRejects(
      async () => await place.store(agent).save(await pausedState()),
      RunStateConflictError,
    );
  });

  Deno.test(`load() gives a run that is taken over to one of those who take it over [${name}]`, async () => {
    await using place = await create();
    await place.store(weatherAgent().agent).save(await pausedState());
    const dead = await load(place, { type: "error", error: new Error("The model is down") }, done);
    await assertRejects(() => runAgent(dead.agent, approveAll(dead.state)));
    const takers = await Promise.all([1, 2, 3].map(() => load(place, done)));
    const outcomes = await Promise.allSettled(
      takers.map(({ agent, state }) => runAgent(agent, approveAll(state))),
    );
    assertEquals(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    assertEquals(takers.flatMap(({ told }) => told), ["Oakland"]);
    // Who was taken for dead may not write any more.
    await assertRejects(() => dead.store.save(dead.state), RunStateConflictError);
    await assertRejects(() => place.store(dead.agent).load({ takeOver: true }), RunStateNotFoundError);
  });

  Deno.test(`runAgent() goes on with the same state after a failure [${name}]`, async () => {
    await using place = await create();
    await place.store(weatherAgent().agent).save(await pausedState());
    const { agent, state, told, store } = await load(
      place,
      { type: "error", error: new Error("The model is down") },
      done,
    );
    approveAll(state);
    await assertRejects(() => runAgent(agent, state), Error, "The model is down");
    assertEquals((await runAgent(agent, state)).finalOutput, "Sunny.");
    assertEquals(told, ["Oakland"]);
    await assertRejects(() => store.load(), RunStateNotFoundError);
  });

  Deno.test(`save() gives a run that paused again back to everybody [${name}]`, async () => {
    await using place = await create();
    await place.store(weatherAgent().agent).save(await pausedState("Oakland"));
    const first = await load(place, asks("Berkeley"));
    const { state } = await runAgent(first.agent, approveAll(first.state));
    await assertRejects(() => place.store(first.agent).load(), RunStateConflictError);
    await first.store.save(state);
    const second = await load(place, done);
    assertEquals((await runAgent(second.agent, approveAll(second.state))).finalOutput, "Sunny.");
    assertEquals([first.told, second.told], [["Oakland"], ["Berkeley"]]);
  });
}

/** What another process has when it has loaded the run: an agent of its own, whose model answers these. */
async function load(place: Place, ...answers: Parameters<typeof weatherAgent>) {
  const made = weatherAgent(...(answers.length > 0 ? answers : [done]));
  const store = place.store(made.agent);
  return { ...made, store, state: await store.load({ takeOver: true }) };
}
