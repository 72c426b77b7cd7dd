import { tool } from "@openai/agents";
import type { AnyFunctionTool } from "../agents/any_agent.ts";
import type { CallerTool } from "./caller_tool.ts";

/** What the model is told when somebody approves such a call without making it. */
const NOT_MADE = "This function was not called: only whoever asked can call it.";

/**
 * Makes a tool of it for the Agents SDK. Each call interrupts the run; it goes on with what the caller says that the
 * call gave, which is recorded as the result, so that nothing is called here.
 */
export function toFunctionTool(callerTool: CallerTool): AnyFunctionTool {
  const { name, description, strict } = callerTool;
  // A schema from outside, which is handed to the model as it is.
  const parameters = callerTool.parameters as AnyFunctionTool["parameters"];
  const made = tool({
    name,
    description,
    parameters: { type: "object", properties: {}, required: [], additionalProperties: true },
    strict: false,
    needsApproval: true,
    execute: () => NOT_MADE,
  });
  return Object.assign(made, { parameters, strict });
}
