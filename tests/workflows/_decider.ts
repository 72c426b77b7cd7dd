/**
 * Decides in a process of its own, without the agent's code: arguments are the connection string, the run, the
 * interruption and the message of a rejection, or nothing to approve. Prints `won` or the error's code.
 *
 * @module
 */
import { configureDBOS, decide, shutdownDBOS, TimestepError } from "../../mod.ts";

if (import.meta.main) {
  const [connectionString, runId = "", interruptionId = "", message] = Deno.args;
  configureDBOS({ connectionString });
  try {
    const decision = message
      ? { interruptionId, approve: false, message }
      : { interruptionId, approve: true };
    await decide({ runId, decisions: [decision] });
    console.log("won");
  } catch (error) {
    if (!(error instanceof TimestepError)) throw error;
    console.log(error.code);
  } finally {
    await shutdownDBOS();
  }
}
