import type { AgentDefinition } from "../agents/agent_definition.ts";
import type { Envelope } from "./envelope.ts";
import type { ModelUsage } from "../agents/model_usage.ts";
import type { InterruptionFacts } from "./run_facts.ts";

/** What is saved of a paused run. */
export interface Snapshot {
  /** What the agents are that the run was begun with. */
  agents: AgentDefinition;
  envelope: Envelope;
  /** Whether the run has ended. One that has can be kept, too, and is in nobody's way. */
  isEnded: boolean;
  interruptions: InterruptionFacts[];
  /** Cumulative: since the run's beginning. */
  usage: ModelUsage[];
}

/** What is noted of a run that has ended. */
export interface RunEnd {
  /** What the last agent answered. */
  finalOutput: unknown;
  /** Cumulative: since the run's beginning. */
  usage: ModelUsage[];
}

/** A saved run, as far as somebody has seen it. */
export interface SavedRun {
  readonly runId: string;
  readonly version: number;
  /** Who has begun to resume it. */
  readonly claim: string | null;
}

/** Where one paused run is kept, and who may resume it. Every change names what its maker has seen. */
export interface Snapshots {
  /** Where that is, for messages: `of agent "A" in session "s"`. */
  readonly place: string;

  /** The paused run, or `null`. */
  read(): Promise<{ run: SavedRun; envelope: Envelope } | null>;

  /**
   * Saves a snapshot of the run `held`: in its place, if it is as seen.
   *
   * @returns `null` when it is not.
   */
  replace(snapshot: Snapshot, held: SavedRun): Promise<SavedRun | null>;

  /**
   * Saves a snapshot as a new run. The run `held`, if it is still paused, is given up.
   *
   * @returns `null` when another run is paused there.
   */
  add(snapshot: Snapshot, held: SavedRun | null): Promise<SavedRun | null>;

  /** Takes the right to resume a run from who has it, and notes the decisions; false when `run` is not as seen. */
  claim(run: SavedRun, claim: string, decisions: InterruptionFacts[]): Promise<boolean>;

  /** Notes that a run which was claimed has ended; false when somebody else has taken it over. */
  settle(run: SavedRun, end: RunEnd): Promise<boolean>;

  /** Gives the paused run up. Its record stays. */
  clear(): Promise<void>;

  /** Lets go of what was opened. */
  close(): Promise<void>;
}
