import { findPostgresPrograms, startPostgres } from "./_postgres.ts";

/**
 * Runs something with a throwaway Postgres, which is stopped afterwards, however that ends. Children find it in
 * `TIMESTEP_TEST_PG_URI`; where that is set already, that server is used. Without Postgres's programs it says
 * what is left out; with `CI` or `TIMESTEP_REQUIRE_POSTGRES` set, that is a failure.
 *
 * @param body Returns the exit code.
 * @returns The exit code.
 */
export async function withPostgres(body: () => Promise<number>): Promise<number> {
  if (Deno.env.get("TIMESTEP_TEST_PG_URI")) return await body();
  if (findPostgresPrograms() === null) {
    console.log(
      "Left out: everything on Postgres, because initdb and pg_ctl were not found here. PGlite only.\n",
    );
    if (!Deno.env.get("CI") && !Deno.env.get("TIMESTEP_REQUIRE_POSTGRES")) return await body();
    console.error("Postgres is required here (CI or TIMESTEP_REQUIRE_POSTGRES is set): install it first.");
    return 1;
  }
  const postgres = await startPostgres();
  try {
    Deno.env.set("TIMESTEP_TEST_PG_URI", postgres.uri);
    return await body();
  } finally {
    await postgres.stop();
  }
}
