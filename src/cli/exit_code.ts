/** What `timestep` tells the shell. */
export const ExitCode = {
  /** Done. */
  ok: 0,
  /** Something went wrong while doing it. */
  failed: 1,
  /** The command line was wrong; nothing was done. */
  usage: 2,
  /** A run is saved and waits for a decision. */
  waiting: 3,
  /** Stopped with Ctrl-C. */
  interrupted: 130,
  /** Ended by somebody else (SIGTERM). */
  terminated: 143,
} as const;
