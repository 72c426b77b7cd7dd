import type { Queryable } from "../database/database.ts";
import { agentDefinition } from "../agents/agent_definition.ts";
import type { AnyAgent } from "../agents/any_agent.ts";

/**
 * Where the code of an agent first differs from what a run was begun with.
 *
 * @param fingerprint The definition that the run was begun with.
 * @returns A place such as `Assistant.tools[0].description`; nothing when it is the same, or not known any more.
 */
export async function agentChange(
  queryable: Queryable,
  agent: AnyAgent,
  fingerprint: string | null,
): Promise<string | undefined> {
  const now = agentDefinition(agent);
  if (fingerprint === null || now.fingerprint === fingerprint) return undefined;
  const [row] = await queryable.query(
    "select definition from timestep.agents where agent_name = $1 and fingerprint = $2",
    [agent.name, fingerprint],
  );
  return row && firstDifference(row["definition"], now.definition, "");
}

function firstDifference(before: unknown, after: unknown, place: string): string | undefined {
  if (!isObject(before) || !isObject(after)) return before === after ? undefined : place;
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const inner = Array.isArray(after) ? `${place}[${key}]` : place === "" ? key : `${place}.${key}`;
    const found = firstDifference(before[key], after[key], inner);
    if (found) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
