import { Agent, type AgentInputItem, MemorySession, setTracingDisabled, tool } from "@openai/agents";
import {
  assistantMessage,
  functionCall,
  ScriptedModel,
  type ScriptedModelInput,
} from "@openai/agents-core/testing";
import { z } from "zod";

setTracingDisabled(true);

/** Both ways to run, for tests that hold in both. */
export const ways = [{ stream: false, how: "not streaming" }, { stream: true, how: "streaming" }];

/** An agent whose model answers these, one after the other. */
export function scriptedAgent(...answers: ScriptedModelInput[]): Agent {
  return new Agent({ name: "Assistant", model: new ScriptedModel(answers) });
}

/** An answer in words. */
export function says(text: string): ScriptedModelInput {
  return [assistantMessage(text)];
}

/** A call of a tool. */
export function calls(
  name: string,
  input: Record<string, unknown> = {},
  callId = "call_1",
): ScriptedModelInput {
  return [functionCall(name, input, { callId })];
}

/** An agent that has to be allowed to delete, and the files that it deleted. */
export function deletingAgent(...answers: ScriptedModelInput[]): { agent: Agent; deleted: string[] } {
  const deleted: string[] = [];
  const deleteFile = tool({
    name: "delete_file",
    description: "Deletes a file.",
    parameters: z.object({ path: z.string() }),
    needsApproval: true,
    execute: ({ path }) => {
      deleted.push(path);
      return `deleted ${path}`;
    },
  });
  const model = new ScriptedModel(answers);
  return { agent: new Agent({ name: "Deleter", model, tools: [deleteFile] }), deleted };
}

/** A session that takes its time to write. */
export class SlowSession extends MemorySession {
  override async addItems(items: AgentInputItem[]): Promise<void> {
    for (let tick = 0; tick < 20; tick++) await new Promise((resolve) => setTimeout(resolve));
    await super.addItems(items);
  }
}

/** Who said what in a session: `user: Hello`. */
export async function said(session: MemorySession): Promise<string[]> {
  return (await session.getItems()).map((item) => {
    if (item.type !== "message" && item.type !== undefined) return `${item.type}`;
    if (!("role" in item)) return "?";
    const text = typeof item.content === "string"
      ? item.content
      : item.content.map((part) => "text" in part ? part.text : "").join("");
    return `${item.role}: ${text}`;
  });
}
