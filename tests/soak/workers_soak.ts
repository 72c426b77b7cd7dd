import { testDatabases } from "../_databases.ts";
import { surviveRandomKills } from "../workflows/_random_kills.ts";
import type { SoakOptions } from "./main.ts";

const RUNS = 200;

/** 200 queued runs with two and with four workers that are killed all the time. */
export async function soak({ seed, endsAt }: SoakOptions): Promise<void> {
  for (let round = 0; Date.now() < endsAt; round++) {
    for (const target of testDatabases().filter(({ engine }) => engine === "postgres")) {
      const workers = round % 2 === 0 ? 2 : 4;
      await using fresh = await target.create();
      const began = Date.now();
      await surviveRandomKills({ ...fresh, runs: RUNS, workers, kills: 100, seed: seed + round });
      const seconds = Math.round((Date.now() - began) / 1000);
      console.log(
        `${RUNS} runs finished with ${workers} workers in ${seconds} s, none repeated a recorded call`,
      );
    }
  }
}
