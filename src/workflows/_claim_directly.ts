import type { Queryable } from "../database/database.ts";
import { applicationVersion } from "./_dispatch.ts";
import type { Engine } from "./_engine.ts";
import type { Claimant } from "./_start_run.ts";

/** Makes `engine` one that claims a workflow: once that is committed, dispatch it with the claimant's `ownerToken`. */
export function claimantOf({ executorId, configuration }: Engine): Claimant {
  const version = applicationVersion(configuration.name);
  return { executorId, ownerToken: crypto.randomUUID(), applicationVersion: version };
}

/**
 * Claims a workflow that waits in the queue without limits, instead of waiting until somebody looks.
 *
 * @returns Whether it is claimed.
 */
export async function claimDirectly(
  transaction: Queryable,
  workflowId: string,
  { executorId, ownerToken, applicationVersion }: Claimant,
): Promise<boolean> {
  const [row] = await transaction.query("select timestep.claim_directly($1, $2, $3, $4) as claimed", [
    workflowId,
    executorId,
    ownerToken,
    applicationVersion,
  ]);
  return row?.["claimed"] === true;
}
