/**
 * A worker that executes runs of a scenario's agent, which any language may have queued:
 * `deno run -A tests/vectors/worker.ts <scenario> <connection string> [model calls made elsewhere]`. Says `ready` when
 * it is, and which tools ran when its input ends, which ends it.
 *
 * @module
 */

import { configureDBOS, ensureDBOSLaunched, registerAgent, shutdownDBOS } from "../../mod.ts";
import type { Scenario } from "./scenario.ts";
import scenarios from "./scenarios.json" with { type: "json" };
import { Stage } from "./stage.ts";

const [name, connectionString, modelCalls = "0"] = Deno.args;
const scenario = (scenarios as Scenario[]).find((candidate) => candidate.name === name);
if (!scenario || connectionString === undefined) throw new Error("Give a scenario and a connection string");

const stage = new Stage(scenario, Number(modelCalls));
configureDBOS({ connectionString });
registerAgent(stage.agent);
await ensureDBOSLaunched();
console.log("ready");
await Deno.stdin.readable.pipeTo(new WritableStream());
await shutdownDBOS();
console.log(JSON.stringify(stage.trail));
