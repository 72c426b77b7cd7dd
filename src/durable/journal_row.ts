/** What a row of the journal records. */
export type StepKind = "model" | "tool" | "guardrail" | "session" | "handoff" | "approval";

/** A step to be recorded. `output`, `contextPatch` and `items` are JSON text. */
export interface JournalRow {
  /** Names the step within its run. */
  key: string;
  kind: StepKind;
  /** `started` is written ahead of a call that must not be repeated. */
  status: "started" | "completed" | "failed";
  /** The agent of a model call, the tool, the guardrail, ... */
  name?: string | undefined;
  /** Tells whether a step that is executed again is the same. */
  fingerprint?: string | undefined;
  /** Which try this was; only model calls that stream count them. */
  attempt: number;
  output?: string | undefined;
  contextPatch?: string | undefined;
  /** What it adds to the run's session, together with the record that it did: an array. */
  items?: string | undefined;
}

/** A step that was recorded before: by this process or by the one that executed the run until now. */
export interface RecordedStep {
  key: string;
  kind: StepKind;
  status: "started" | "completed" | "failed";
  name: string | null;
  fingerprint: string | null;
  attempt: number;
  position: number | null;
  output: unknown;
  contextPatch: unknown;
  recordedAt: Date;
}
