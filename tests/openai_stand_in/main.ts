/**
 * Runs the stand-in for OpenAI's API until it is interrupted: `deno run -A tests/openai_stand_in/main.ts --port 0`.
 * Its first line of output is the base URL for clients. Its model is the weather assistant of the examples.
 *
 * From another process, `GET /stand-in/requests` gives every request so far and `POST /stand-in/failures` lets the
 * next call of the model fail, like `{"status": 429, "retryAfterSeconds": 1}`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { OpenAIStandIn } from "./server.ts";

const { values } = parseArgs({ options: { port: { type: "string", default: "0" } } });
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error(`Could not start: --port is "${values.port}", expected a number from 0 to 65535.`);
  Deno.exit(2);
}
const standIn = new OpenAIStandIn({ port });
console.log(standIn.url);
await standIn.finished;
