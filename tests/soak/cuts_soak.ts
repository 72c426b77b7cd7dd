import { testDatabases } from "../_databases.ts";
import { surviveRandomCuts } from "../workflows/_random_cuts.ts";
import type { SoakOptions } from "./main.ts";

/** Runs whose connections to Postgres are cut at random. */
export async function soak({ seed, endsAt }: SoakOptions): Promise<void> {
  for (let round = 0; Date.now() < endsAt; round++) {
    for (const target of testDatabases().filter(({ engine }) => engine === "postgres")) {
      await using fresh = await target.create();
      await surviveRandomCuts(fresh, seed + round);
      console.log(`All runs finished although connections were cut, seed ${seed + round}`);
    }
  }
}
