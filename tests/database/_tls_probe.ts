/**
 * Prints, for each connection string given, whether the connection is encrypted, or which error it met: run on several
 * versions of Deno.
 *
 * @module
 */
import { openPostgres } from "../../src/database/postgres.ts";

/** More than fits into one record of TLS, or into a socket's buffer. */
const LARGE = "x".repeat(3_000_000);

if (import.meta.main) {
  for (const uri of Deno.args) console.log(await probe(uri));
}

async function probe(uri: string): Promise<string> {
  const database = openPostgres(uri);
  try {
    const [row] = await database.query(
      "select ssl, $1::text as echo from pg_stat_ssl where pid = pg_backend_pid()",
      [LARGE],
    );
    if (row?.["echo"] !== LARGE) return "garbled";
    return row["ssl"] === true ? "encrypted" : "plain";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  } finally {
    await database.close();
  }
}
