/** Runs a scenario with the TypeScript SDK, against a model that is scripted where HTTP would begin. */

import {
  Agent,
  type AgentInputItem,
  type AgentOutputType,
  handoff,
  hostedMcpTool,
  MemorySession,
  OpenAIResponsesModel,
  Runner,
  type RunResult,
  type RunState,
  type RunToolApprovalItem,
  tool,
} from "@openai/agents";
import OpenAI from "openai";
import {
  type Decisions,
  type Request,
  RESPONSE_USAGE,
  type Scenario,
  type ScenarioAgent,
  type ScenarioTool,
  type Trail,
  type Usage,
  type WireItem,
} from "./scenario.ts";

type AnyAgent = Agent<Record<string, unknown>, AgentOutputType>;
export type StageState = RunState<Record<string, unknown>, AnyAgent>;
export type StageResult = RunResult<Record<string, unknown>, AnyAgent>;

const passInput = {
  name: "pass",
  execute: () => Promise.resolve({ tripwireTriggered: false, outputInfo: { checked: true } }),
};
const passOutput = { ...passInput };
const allow = { behavior: { type: "allow" as const }, outputInfo: { checked: true } };

/** The model's and the tools' side of a scenario, kept across its pauses. */
export class Stage {
  readonly trail: Trail = { requests: [], executed: [] };
  readonly agent: AnyAgent;
  readonly #runner = new Runner({ tracingDisabled: true });
  readonly #model: OpenAIResponsesModel;

  /**
   * @param scenario What to run.
   * @param modelCalls How many model calls of the script were already made, elsewhere.
   */
  constructor(readonly scenario: Scenario, public modelCalls = 0) {
    const client = new OpenAI({
      apiKey: "none",
      fetch: (_url, init) => this.#answer(init?.body),
      maxRetries: 0,
    });
    this.#model = new OpenAIResponsesModel(client, "scripted");
    const built = new Map<string, AnyAgent>();
    const first = scenario.agents[0];
    if (!first) throw new Error(`Scenario ${scenario.name} has no agent`);
    this.agent = this.#agent(first, built);
  }

  /** A session that holds these items, in the SDK's own form. */
  session(items: unknown[]): MemorySession {
    return new MemorySession({ sessionId: "session", initialItems: items as AgentInputItem[] });
  }

  /** Runs to the next pause or the end. */
  run(input: string | AgentInputItem[] | StageState, session?: MemorySession): Promise<StageResult> {
    const { conversationId, previousResponseId, maxTurns, context } = this.scenario;
    return this.#runner.run(this.agent, input, {
      ...(session ? { session } : {}),
      ...(conversationId ? { conversationId } : {}),
      ...(previousResponseId ? { previousResponseId } : {}),
      ...(maxTurns === undefined ? {} : { maxTurns }),
      ...(context ? { context: structuredClone(context) } : {}),
    });
  }

  #answer(body: unknown): Promise<Response> {
    const request = JSON.parse(String(body)) as Record<string, unknown>;
    this.trail.requests.push(normalRequest(request));
    const output = this.scenario.script[this.modelCalls];
    this.modelCalls += 1;
    if (!output) {
      throw new Error(`Scenario ${this.scenario.name} has no answer to model call ${this.modelCalls}`);
    }
    return Promise.resolve(Response.json({
      id: `resp_${this.modelCalls}`,
      object: "response",
      created_at: 0,
      status: "completed",
      model: "scripted",
      output,
      usage: RESPONSE_USAGE,
    }));
  }

  #agent(definition: ScenarioAgent, built: Map<string, AnyAgent>): AnyAgent {
    const known = built.get(definition.name);
    if (known) return known;
    const agent: AnyAgent = new Agent<Record<string, unknown>, AgentOutputType>({
      name: definition.name,
      instructions: definition.instructions,
      model: this.#model,
      inputGuardrails: definition.guardrails?.includes("input") ? [passInput] : [],
      outputGuardrails: definition.guardrails?.includes("output") ? [passOutput] : [],
    });
    built.set(definition.name, agent);
    const byName = (name: string) => {
      const other = this.scenario.agents.find((candidate) => candidate.name === name);
      if (!other) throw new Error(`Scenario ${this.scenario.name} has no agent ${name}`);
      return this.#agent(other, built);
    };
    agent.tools = [
      ...(definition.tools ?? []).map((name) => this.#tool(name, byName)),
      ...(definition.mcpServers ?? []).map((serverLabel) =>
        hostedMcpTool({ serverLabel, serverUrl: "https://mcp.example", requireApproval: "always" })
      ),
    ];
    agent.handoffs = (definition.handoffs ?? []).map((target) =>
      handoff(byName(target.agent), { toolNameOverride: target.toolName })
    );
    return agent;
  }

  #tool(name: string, byName: (name: string) => AnyAgent) {
    const definition = this.scenario.tools.find((candidate) => candidate.name === name);
    if (!definition) throw new Error(`Scenario ${this.scenario.name} has no tool ${name}`);
    if (definition.agent) {
      return byName(definition.agent).asTool({
        toolName: name,
        toolDescription: name,
        needsApproval: definition.needsApproval ?? false,
        runConfig: { tracingDisabled: true },
      });
    }
    return this.#functionTool(definition);
  }

  #functionTool(definition: ScenarioTool) {
    const { name, output } = definition;
    return tool({
      name,
      description: name,
      strict: false,
      parameters: {
        type: "object",
        properties: definition.parameters as Record<string, never>,
        required: [],
        additionalProperties: true,
      },
      needsApproval: definition.needsApproval ?? false,
      inputGuardrails: definition.guardrails?.includes("input")
        ? [{ type: "tool_input", name: "pass", run: () => Promise.resolve(allow) }]
        : [],
      outputGuardrails: definition.guardrails?.includes("output")
        ? [{ type: "tool_output", name: "pass", run: () => Promise.resolve(allow) }]
        : [],
      execute: (input) => {
        this.trail.executed.push([name, input]);
        return typeof output === "string" ? output : output.typescript;
      },
    });
  }
}

/** Takes these decisions on what is pending. */
export function decide(state: StageState, decisions: Decisions = {}): void {
  for (const item of state.getInterruptions()) {
    const made = decisions[interruptionId(item)];
    if (made?.decision === "approve") state.approve(item, { alwaysApprove: made.always ?? false });
    if (made?.decision === "reject") {
      state.reject(item, {
        alwaysReject: made.always ?? false,
        ...(made.message ? { message: made.message } : {}),
      });
    }
  }
}

/** The id of the call that an interruption asks about. */
export function interruptionId(item: RunToolApprovalItem): string {
  const raw = item.rawItem;
  return "callId" in raw ? raw.callId : String(raw.providerData?.["id"] ?? raw.id);
}

/** A request without what is the same in all of them. */
function normalRequest(body: Record<string, unknown>): Request {
  const input = body["input"];
  return {
    input: (typeof input === "string" ? [{ role: "user", content: input }] : input) as WireItem[],
    ...(body["previous_response_id"] ? { previousResponseId: String(body["previous_response_id"]) } : {}),
    ...(body["conversation"] ? { conversation: String(body["conversation"]) } : {}),
  };
}

/** Usage in the form of the vectors. */
export function usageOf(state: StageState): Usage {
  const usage = state.usage;
  const sum = (details: Record<string, number>[], key: string) =>
    details.reduce((total, detail) => total + (detail[key] ?? 0), 0);
  return {
    requests: usage.requests,
    inputTokens: usage.inputTokens,
    cachedInputTokens: sum(usage.inputTokensDetails, "cached_tokens"),
    outputTokens: usage.outputTokens,
    reasoningTokens: sum(usage.outputTokensDetails, "reasoning_tokens"),
    totalTokens: usage.totalTokens,
  };
}
