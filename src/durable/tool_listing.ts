import { UserError } from "@openai/agents";
import type { AnyAgent } from "../agents/any_agent.ts";
import { shownServerName } from "../agents/mcp_server_name.ts";
import { ToolsUnavailableError } from "./errors.ts";
import type { Scope } from "./scope.ts";
import { withoutSecrets } from "./without_secrets.ts";

/**
 * What comes of it that an agent's MCP servers could not tell their tools. The run has done something already, which
 * it would lose if it failed: it waits until they can. A run that has not begun fails, as it would without us.
 *
 * @param error What the SDK threw.
 */
export function listingFailed(scope: Scope, agent: AnyAgent, error: unknown): never {
  const { execution } = scope;
  const isTheirs = agent.mcpServers.length > 0 && !(error instanceof UserError);
  if (!isTheirs || !execution.hasAskedModel) throw error;
  const names = agent.mcpServers.map((server) => `"${shownServerName(server)}"`).join(", ");
  const why = withoutSecrets(error instanceof Error ? error.message : String(error));
  const unavailable = new ToolsUnavailableError(
    `Cannot go on with run "${execution.owner.runId}" now: the tools of agent "${agent.name}" cannot be listed by its ` +
      `MCP servers (${names}): ${why}. The run waits for them.`,
    { cause: error },
  );
  execution.fail(unavailable);
  throw unavailable;
}
