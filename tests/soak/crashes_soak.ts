import { testDatabases } from "../_databases.ts";
import { surviveRandomCrashes } from "../workflows/_random_crashes.ts";
import type { SoakOptions } from "./main.ts";

const CRASHES = 20;

/** Processes that are killed at random times while they execute runs with everything in them, one after the other. */
export async function soak({ seed, endsAt }: SoakOptions): Promise<void> {
  for (let round = 0; Date.now() < endsAt; round++) {
    for (const target of testDatabases()) {
      const cutOff = await surviveRandomCrashes(target, CRASHES, seed + round);
      console.log(
        `${CRASHES} processes were killed on ${target.engine}, seed ${
          seed + round
        }: ${cutOff} runs were cut off and are as if they had not been`,
      );
    }
  }
}
