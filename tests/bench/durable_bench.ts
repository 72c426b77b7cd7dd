import { type Agent, Runner, setTracingDisabled } from "@openai/agents";
import { createRun, type Database, executeRun, type NewRun, registerAgent } from "../../mod.ts";
import { type FreshDatabase, testDatabases } from "../_databases.ts";
import { withDbosSteps } from "./_dbos_steps.ts";
import { scriptedAgent } from "./_durable_agent.ts";
import { measureFirstToken } from "./_first_token.ts";
import { printOwnPart, turnTimes } from "./_own_part.ts";
import { compare, type Contender, quantile } from "./_ratio.ts";

/** Durable runs beside bare ones: time, transactions, bytes, growth, throughput, and how soon a reader sees a token. */
export async function bench(): Promise<void> {
  // As in the bare runs beside them; without a key it would only say that there is none.
  setTracingDisabled(true);
  for (const target of testDatabases()) {
    await using fresh = await target.create();
    console.log(`\n--- ${target.engine} ---`);
    await withDbosSteps(fresh.connectionString, async (runOnSteps) => {
      const onSteps = { name: "the same on DBOS steps", run: () => runOnSteps(20) };
      await compareRuns(fresh.database, 20, { durable: 2, rounds: 15 }, [onSteps]);
    });
    await compareRuns(fresh.database, 100, { durable: 1.3, rounds: 5 });
    await printCost(fresh.database);
    await printGrowth(fresh.database);
    await printOwnPart(fresh.database, durable);
    await printThroughput(fresh.database);
    if (target.engine === "postgres") await measureFirstToken(fresh satisfies FreshDatabase);
  }
}

const runner = new Runner({ tracingDisabled: true });

async function bare(agent: Agent): Promise<void> {
  await runner.run(agent, "Add numbers.", { maxTurns: null });
}

async function durable(database: Database, agent: Agent, more: Partial<NewRun> = {}): Promise<string> {
  const runId = crypto.randomUUID();
  registerAgent(agent);
  await createRun(database, { runId, agent, input: "Add numbers.", maxTurns: null, ...more });
  const { status } = await executeRun({ database, runId, segment: 0, executorId: "bench" });
  if (status !== "completed") throw new Error(`The run is ${status}`);
  return runId;
}

async function compareRuns(
  database: Database,
  turns: number,
  targets: { durable: number; rounds: number },
  others: Contender[] = [],
) {
  const { agent } = scriptedAgent(turns);
  await database.script("create table if not exists floor (key text primary key, value json)");
  const value = JSON.stringify({ text: "x".repeat(250) });
  const insert = () =>
    database.query("insert into floor values ($1, $2::text::json)", [crypto.randomUUID(), value]);
  await compare(`${turns} turns x 2 tools`, [
    { name: "bare Runner.run", run: () => bare(agent) },
    {
      name: `${2 * turns + 1} plain INSERTs`,
      run: async () => {
        for (let inserted = 0; inserted < 2 * turns + 1; inserted++) await insert();
      },
    },
    { name: "durable run", target: targets.durable, run: () => durable(database, agent) },
    ...others,
  ], { rounds: targets.rounds, warmUps: 2 });
}

/** Transactions that write are those that Postgres gives a number; PGlite is Postgres, too. */
async function printCost(database: Database): Promise<void> {
  const { agent } = scriptedAgent(20);
  await durable(database, agent);
  const runs = 20;
  const [before, sizeBefore] = [await nextTransaction(database), await storedBytes(database)];
  for (let run = 0; run < runs; run++) await durable(database, agent);
  const transactions = (await nextTransaction(database) - before) / runs;
  const bytes = (await storedBytes(database) - sizeBefore) / runs;
  console.log(
    `\n20 turns x 2 tools: ${transactions.toFixed(1)} write transactions (target <= 41), ` +
      `${(bytes / 1024).toFixed(1)} KB stored (target <= 34)`,
  );
}

async function nextTransaction(database: Database): Promise<number> {
  const [row] = await database.query("select pg_snapshot_xmax(pg_current_snapshot())::text as next");
  return Number(row?.["next"]);
}

/** Of all tables of the module, with their indexes. */
async function storedBytes(database: Database): Promise<number> {
  const [row] = await database.query(
    `select sum(pg_total_relation_size(format('timestep.%I', tablename)::regclass))::bigint as bytes
     from pg_tables where schemaname = 'timestep'`,
  );
  return Number(row?.["bytes"]);
}

/** Whether a late turn costs more than an early one; the SDK's part beside it. */
async function printGrowth(database: Database): Promise<void> {
  const { agent, model } = scriptedAgent(300);
  const runId = await durable(database, agent);
  const durableTurns = turnTimes(model.calledAt);
  model.calledAt.length = 0;
  await bare(agent);
  const bareTurns = turnTimes(model.calledAt);
  const rows = await database.query(
    `select split_part(key, '.', 2)::int as turn, pg_column_size(journal.*) as bytes
     from timestep.journal where run_id = $1 and kind = 'model' order by position`,
    [runId],
  );
  const bytes = rows.map((row) => Number(row["bytes"]));
  console.log(
    `\nGrowth, turns 91 to 100 against turns 11 to 20: ${ratio(bytes)} bytes (target <= 1.2), ` +
      `${ratio(durableTurns)} time of a durable turn, ${ratio(bareTurns)} of a bare one`,
  );
  const list = { input: [{ role: "user" as const, content: "Add numbers." }] };
  await compareLengths("a text as input", (agent) => durable(database, agent), { rounds: 9, target: 2 });
  await compareLengths("a list as input", (agent) => durable(database, agent, list), { rounds: 5 });
  await compareLengths(
    "a session",
    (agent) => durable(database, agent, { sessionId: crypto.randomUUID() }),
    { rounds: 5 },
  );
  await compareLengths("bare, a text as input", bare, { rounds: 1 });
}

/** How much more a long run takes than as many turns in short ones. */
async function compareLengths(
  title: string,
  run: (agent: Agent) => Promise<unknown>,
  { rounds, target }: { rounds: number; target?: number },
): Promise<void> {
  const [short, long] = [scriptedAgent(20).agent, scriptedAgent(300).agent];
  await compare(`300 turns, ${title}`, [
    {
      name: "15 runs of 20 turns",
      run: async () => {
        for (let runs = 0; runs < 15; runs++) await run(short);
      },
    },
    { name: "a run of 300 turns", run: () => run(long), ...(target === undefined ? {} : { target }) },
  ], { rounds, warmUps: 1 });
}

function ratio(values: readonly number[]): string {
  return `${(quantile(values.slice(90, 100), 0.5) / quantile(values.slice(10, 20), 0.5)).toFixed(2)}x`;
}

async function timed(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await body();
  return performance.now() - start;
}

async function printThroughput(database: Database): Promise<void> {
  const { agent } = scriptedAgent(20);
  const sixteen = (run: () => Promise<unknown>) => Promise.all(Array.from({ length: 16 }, run));
  const bareTimes: number[] = [];
  const durableTimes: number[] = [];
  for (let round = 0; round < 5; round++) {
    bareTimes.push(await timed(() => sixteen(() => bare(agent))));
    durableTimes.push(await timed(() => sixteen(() => durable(database, agent))));
  }
  const share = quantile(bareTimes, 0.5) / quantile(durableTimes, 0.5);
  console.log(`16 runs at once: ${share.toFixed(2)}x of the bare runner's throughput (target >= 0.6)`);
}
