/** The command line was wrong: `timestep` prints the message, points at `--help` and exits with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
