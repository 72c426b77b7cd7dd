/** Something that an interrupted run waits for: one approval of one tool call. */
export interface RunInterruption {
  /**
   * Names the interruption within its run; decisions refer to it. The call's id, after the agent's name when the
   * agent is used as a tool.
   */
  interruptionId: string;
  /** `function_call`, or the kind of the SDK's item: `shell_call`, `hosted_tool_call`, ... */
  kind: string;
  /** The agent that wants to call the tool. */
  agentName: string;
  /** The tool that it wants to call. */
  toolName: string;
  /** The model's id of the call, or its hash where that is long or has odd characters; null where it gave none. */
  callId: string | null;
  /** The arguments as the model wrote them, usually JSON. */
  arguments: string | null;
}
