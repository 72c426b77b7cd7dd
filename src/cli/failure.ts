import { ExitCode } from "./exit_code.ts";

/**
 * Says what kept a command from serving, where the person who called it can do something about it.
 *
 * @param port The port that was asked for.
 * @returns The exit code.
 * @throws What it was given, when it is anything else.
 */
export async function reportFailure(error: unknown, port: number): Promise<number> {
  // Imported here: most commands that fail have loaded it already, and no other needs it.
  const { DatabaseError } = await import("../database/database_error.ts");
  if (error instanceof Deno.errors.AddrInUse) {
    console.error(`Cannot listen on port ${port}: another program does. Choose one with --port.`);
  } else if (error instanceof Deno.errors.PermissionDenied) {
    console.error(`Cannot listen on port ${port}: that is not permitted. Choose one above 1023 with --port.`);
  } else if (error instanceof DatabaseError) console.error(error.message);
  else throw error;
  return ExitCode.failed;
}
