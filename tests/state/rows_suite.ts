import { Agent, hostedMcpTool, MemorySession, Runner } from "@openai/agents";
import {
  assistantMessage,
  functionCall,
  ScriptedModel,
  type ScriptedModelInput,
} from "@openai/agents-core/testing";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type Database,
  runAgent,
  RunStateNotFoundError,
  RunStateStore,
  type RunStateStoreOptions,
} from "@timestep-ai/timestep";
import { z } from "zod";
import type { TestDatabase } from "../_databases.ts";
import { approveAll, asks, costs, pausedState, weatherAgent } from "./_runs.ts";

/** What a `RunStateStore` leaves in the tables, as tests of one engine. */
export function rowsSuite(target: TestDatabase): void {
  slots(target);
  interruptions(target);
  endings(target);
}

const done = [assistantMessage("Sunny.")];

function slots({ engine, create }: TestDatabase): void {
  Deno.test(`RunStateStore() keeps one run for each agent and session [${engine}]`, async () => {
    await using fresh = await create();
    const { database } = fresh;
    const { agent } = weatherAgent();
    const session = new MemorySession();
    const ids = ["a", "b", await session.getSessionId(), "conv_68fe", undefined];
    const stores = () => ids.map((sessionId) => new RunStateStore({ agent, sessionId, database }));
    await Promise.all(
      stores().map(async (store, index) => await store.save(await pausedState(`City ${index}`))),
    );
    const loaded = await Promise.all(stores().map((store) => store.load()));
    assertEquals(
      loaded.map((state) => state.getInterruptions()[0]?.arguments),
      ids.map((_, index) => JSON.stringify({ city: `City ${index}` })),
    );
    await new RunStateStore({ agent, database }).clear();
    await assertRejects(() => new RunStateStore({ agent, database }).load(), RunStateNotFoundError);
    await new RunStateStore({ agent, sessionId: "a", database }).load();
  });

  Deno.test(`RunStateStore() opens the database when it is used, and closes what it opened [${engine}]`, async () => {
    await using fresh = await create();
    const { agent } = weatherAgent(done);
    const { connectionString } = fresh;
    {
      await using store = new RunStateStore({ agent, connectionString });
      await store.save(await pausedState());
    }
    const store = new RunStateStore({ agent, connectionString });
    const state = await store.load();
    await store.close();
    // Its right to resume is taken and settled all the same.
    await runAgent(agent, approveAll(state));
    await assertRejects(() => store.load(), RunStateNotFoundError);
    await store.close();
    assertEquals(await fresh.database.query("select status from timestep.runs"), [{ status: "completed" }]);
  });

  Deno.test(`RunStateStore() refuses a session id or an agent's name that can't be stored [${engine}]`, () => {
    const { agent } = weatherAgent();
    for (const sessionId of ["", " ", "a\0b", "\ud800"]) {
      assertThrows(() => new RunStateStore({ agent, sessionId }), TypeError, "sessionId");
    }
    const odd = new Agent({ name: "Odd\0" });
    for (const beyond of [odd, new Agent({ name: "Assistant", handoffs: [odd] })]) {
      assertThrows(() => new RunStateStore({ agent: beyond }), TypeError, "agent name");
    }
  });

  Deno.test(`RunStateStore() refuses to be made without an agent [${engine}]`, () => {
    const { agent } = weatherAgent();
    // Where types are not checked: left out, its name, and the arguments the wrong way round.
    for (const wrong of [[], [{}], [{ agent: "Assistant" }], ["state.json"], [agent, "state.json"]]) {
      const args = wrong as unknown as [RunStateStoreOptions<Agent>];
      assertThrows(() => new RunStateStore(...args), TypeError, "new RunStateStore({ agent })");
    }
  });
}

function interruptions({ engine, create }: TestDatabase): void {
  Deno.test(`save() records what a run waits for [${engine}]`, async () => {
    await using fresh = await create();
    const { agent } = weatherAgent();
    await new RunStateStore({ agent, database: fresh.database }).save(await pausedState());
    assertEquals(await recorded(fresh.database), [{
      interruption_id: "call_Oakland",
      kind: "function_call",
      agent_name: "Assistant",
      tool_name: "get_weather",
      call_id: "call_Oakland",
      arguments: '{"city":"Oakland"}',
      status: "pending",
      always: false,
      message: null,
    }]);
  });

  Deno.test(`save() records what the agents were [${engine}]`, async () => {
    await using fresh = await create();
    const { agent } = weatherAgent();
    const odd = agent.clone({ instructions: "Be\0 brief \ud800." });
    await new RunStateStore({ agent: odd, database: fresh.database }).save(await pausedState());
    const [row] = await fresh.database.query(
      "select agent_name, definition from timestep.agents join timestep.runs r using (agent_name) where fingerprint = r.agent_fingerprint",
    );
    assertEquals(row?.agent_name, "Assistant");
    const definition = JSON.stringify(row?.definition);
    for (const part of ["brief", "get_weather", "ScriptedModel"]) assert(definition.includes(part), part);
  });

  Deno.test(`save() records once what the agents were, and again when they change [${engine}]`, async () => {
    await using fresh = await create();
    const { agent } = weatherAgent();
    const told = ["Be brief.", "Be brief.", "Be polite.", "Be brief."];
    for (const instructions of told) {
      const store = new RunStateStore({ agent: agent.clone({ instructions }), database: fresh.database });
      await store.clear();
      await store.save(await pausedState());
    }
    const rows = await fresh.database.query(
      `select a.definition -> 'Assistant' ->> 'instructions' as told
       from timestep.runs r
       join timestep.agents a on a.agent_name = r.agent_name and a.fingerprint = r.agent_fingerprint
       order by r.created_at`,
    );
    assertEquals(rows.map((row) => row.told), told);
    assertEquals((await fresh.database.query("select agent_name from timestep.agents")).length, 2);
  });

  for (const how of ["runAgent()", "the SDK's own Runner"]) {
    Deno.test(`save() records the decisions with which a run went on by ${how} [${engine}]`, async () => {
      await using fresh = await create();
      const { database } = fresh;
      const cities = ["A", "B", "C"];
      const made = weatherAgent(
        cities.flatMap((city) => asks(city) as []),
        asks("D"),
      );
      const { state } = await runAgent(made.agent, "Weather?");
      const store = new RunStateStore({ agent: made.agent, database });
      await store.save(state);
      const [a, b, c] = state.getInterruptions();
      assert(a && b && c);
      state.approve(a);
      state.reject(b, { message: "Not\0 there." });
      state.reject(c);
      if (how === "runAgent()") await runAgent(made.agent, state);
      else await new Runner().run(made.agent, state);
      await store.save(state);
      const rows = (await recorded(database)).map((row) => [row.interruption_id, row.status, row.message]);
      assertEquals(rows, [
        ["call_A", "approved", null],
        ["call_B", "rejected", "Not\\u0000 there."],
        ["call_C", "rejected", null],
        ["call_D", "pending", null],
      ]);
    });
  }

  Deno.test(`runAgent() records when a call was decided, and nothing of the others [${engine}]`, async () => {
    await using fresh = await create();
    const { database } = fresh;
    const made = weatherAgent(["A", "B"].flatMap((city) => asks(city) as []));
    const { state } = await runAgent(made.agent, "Weather?");
    await new RunStateStore({ agent: made.agent, database }).save(state);
    const [first] = state.getInterruptions();
    assert(first);
    state.approve(first);
    await runAgent(made.agent, state);
    const rows = await database.query(
      `select call_id, status, decided_at is not null as decided, decided_by is not null as by
       from timestep.interruptions order by call_id`,
    );
    assertEquals(rows, [
      { call_id: "call_A", status: "approved", decided: true, by: true },
      { call_id: "call_B", status: "pending", decided: false, by: false },
    ]);
  });

  Deno.test(`save() records a decision that goes for all calls of a tool [${engine}]`, async () => {
    await using fresh = await create();
    const state = await pausedState();
    for (const item of state.getInterruptions()) state.approve(item, { alwaysApprove: true });
    await new RunStateStore({ agent: weatherAgent().agent, database: fresh.database }).save(state);
    assertEquals((await recorded(fresh.database)).map(({ status, always }) => [status, always]), [[
      "approved",
      true,
    ]]);
  });

  Deno.test(`save() tells calls of the same id by different agents apart [${engine}]`, async () => {
    await using fresh = await create();
    const { database } = fresh;
    const helpers = ["North", "South"].map((name) => {
      const { agent } = weatherAgent(asks(name, "same"), done);
      return agent.clone({ name }).asTool({ toolName: `ask_${name}`, toolDescription: "" });
    });
    const calls = ["North", "South"].map((name) =>
      functionCall(`ask_${name}`, { input: "?" }, { callId: name })
    );
    const agent = new Agent({ name: "Assistant", model: new ScriptedModel([calls]), tools: helpers });
    const { state } = await runAgent(agent, "Weather?");
    const north = state.getInterruptions().find((item) => item.agent.name === "North");
    assert(north);
    state.approve(north);
    const store = new RunStateStore({ agent, database });
    await store.save(state);
    const expected = [["North:same", "same", "approved"], ["South:same", "same", "pending"]];
    const rows = async () =>
      (await recorded(database)).map((row) => [row.interruption_id, row.call_id, row.status]);
    assertEquals(await rows(), expected);
    // Alone now, the other's call keeps its name.
    const resumed = await runAgent(agent, state);
    assertEquals(resumed.interruptions.map((item) => item.agent.name), ["South"]);
    await store.save(resumed.state);
    assertEquals(await rows(), expected);
  });

  Deno.test(`save() records a call once when the run has been handed over since [${engine}]`, async () => {
    await using fresh = await create();
    const { database } = fresh;
    const { agent: specialist } = weatherAgent(asks("Berkeley"));
    const { tools } = specialist;
    const handsOver = [functionCall("transfer_to_Specialist", {}, { callId: "over" })];
    const model = new ScriptedModel([asks("Oakland"), handsOver]);
    const agent = new Agent({
      name: "Assistant",
      model,
      tools,
      handoffs: [specialist.clone({ name: "Specialist" })],
    });
    const store = new RunStateStore({ agent, database });
    await store.save((await runAgent(agent, "Weather?")).state);
    const { state } = await runAgent(agent, approveAll(await store.load()));
    await store.save(state);
    assertEquals(
      (await recorded(database)).map((row) => [row.interruption_id, row.agent_name, row.status]),
      [["call_Berkeley", "Specialist", "pending"], ["call_Oakland", "Assistant", "approved"]],
    );
  });

  Deno.test(`save() records decisions about tools of hosted MCP servers [${engine}]`, async () => {
    await using fresh = await create();
    const { agent, state } = await pausedAtHostedTool();
    const store = new RunStateStore({ agent, database: fresh.database });
    await store.save(state);
    const facts = ["mcpr_1", "hosted_tool_call", "delete_file"];
    assertEquals((await recorded(fresh.database)).map(picked), [[...facts, "pending"]]);
    for (const item of state.getInterruptions()) state.reject(item);
    await store.save(state);
    assertEquals((await recorded(fresh.database)).map(picked), [[...facts, "rejected"]]);
  });
}

function endings({ engine, create }: TestDatabase): void {
  Deno.test(`runAgent() records the answer and everything used when a saved run ends [${engine}]`, async () => {
    await using fresh = await create();
    const { database } = fresh;
    const answer = { city: "Oakland", sunny: true, text: "\0\ud800" };
    const made = weatherAgent(
      costs(asks("Oakland"), 100),
      costs([assistantMessage(JSON.stringify(answer))], 200),
    );
    const { model, tools } = made.agent;
    const outputType = z.object({ city: z.string(), sunny: z.boolean(), text: z.string() });
    const agent = new Agent({ name: "Assistant", model, tools, outputType });
    const { state } = await runAgent(agent, "Weather?");
    await new RunStateStore({ agent, database }).save(state);
    const usage = "select model, requests, input_tokens, total_tokens from timestep.usage";
    assertEquals(await database.query(usage), [
      { model: "ScriptedModel", requests: 1, input_tokens: 100, total_tokens: 101 },
    ]);
    const loaded = await new RunStateStore({ agent, database }).load();
    for (const interruption of loaded.getInterruptions()) loaded.approve(interruption);
    await runAgent(agent, loaded);
    assertEquals(await database.query(usage), [
      { model: "ScriptedModel", requests: 2, input_tokens: 300, total_tokens: 302 },
    ]);
    assertEquals(
      await database.query(
        "select status, final_output, finished_at is not null as ended from timestep.runs",
      ),
      [{ status: "completed", final_output: answer, ended: true }],
    );
  });

  Deno.test(`save() gives a paused run up when its store saves another [${engine}]`, async () => {
    await using fresh = await create();
    const { database } = fresh;
    const store = new RunStateStore({ agent: weatherAgent().agent, database });
    await store.save(await pausedState("Oakland"));
    await store.save(await pausedState("Berkeley"));
    assertEquals((await store.load()).getInterruptions()[0]?.arguments, '{"city":"Berkeley"}');
    const runs = await database.query("select status from timestep.runs order by created_at");
    assertEquals(runs, [{ status: "cancelled" }, { status: "interrupted" }]);
    assertEquals((await recorded(database)).length, 2);
  });

  Deno.test(`save() writes nothing at all when one part fails [${engine}]`, async () => {
    await using fresh = await create();
    const { database } = fresh;
    await database.script(
      "alter table timestep.usage add constraint no_usage check (requests < 0)",
    );
    const store = new RunStateStore({ agent: weatherAgent().agent, database });
    await assertRejects(async () => await store.save(await pausedState()));
    for (const table of ["runs", "run_states", "interruptions", "usage"]) {
      assertEquals(await database.query(`select * from timestep.${table}`), [], table);
    }
  });
}

async function recorded(database: Database) {
  return await database.query(
    `select interruption_id, kind, agent_name, tool_name, call_id, arguments, status, always, message
     from timestep.interruptions order by interruption_id`,
  );
}

function picked(row: Record<string, unknown>) {
  return [row.interruption_id, row.kind, row.tool_name, row.status];
}

async function pausedAtHostedTool() {
  const request: ScriptedModelInput = [{
    type: "hosted_tool_call",
    id: "mcpr_1",
    name: "delete_file",
    status: "in_progress",
    providerData: {
      type: "mcp_approval_request",
      id: "mcpr_1",
      server_label: "files",
      name: "delete_file",
      arguments: '{"path":"/a"}',
    },
  }];
  const files = hostedMcpTool({
    serverLabel: "files",
    serverUrl: "https://example.com/mcp",
    requireApproval: "always",
  });
  const agent = new Agent({ name: "Clerk", model: new ScriptedModel([request]), tools: [files] });
  const { state } = await runAgent(agent, "Delete /a");
  return { agent, state };
}
