import { openDatabase } from "../../mod.ts";
import { readRunEvents } from "../../src/durable/read_run_events.ts";

// Reads the events of the runs that it is told on standard input, and tells how old the first token of each was.
const database = await openDatabase({ connectionString: Deno.args[0] });
console.log("ready");
for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const runId = line.trim(); // The other side sends one line, and waits for the answer.
  for await (const event of readRunEvents(database, runId)) {
    if (event.type !== "model_delta") continue;
    const { delta } = event.event as { delta: string };
    console.log(Date.now() - Number(delta));
  }
}
await database.close();
