import { z } from "zod";

/** A function that whoever began a run offers to its agent, and calls: the run waits for the result. */
export interface CallerTool {
  /** What the model calls it. */
  name: string;
  /** What it is good for, for the model. */
  description: string;
  /** The JSON schema of its arguments, an object. */
  parameters: { [key: string]: unknown };
  /** Whether the model has to keep to the schema. */
  strict: boolean;
}

/** What is recorded of a {@linkcode CallerTool}. */
export const callerToolSchema: z.ZodType<CallerTool> = z.object({
  name: z.string(),
  description: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  strict: z.boolean(),
});
