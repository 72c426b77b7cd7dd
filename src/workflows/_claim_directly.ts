import type { Queryable } from "../database/database.ts";
import { applicationVersion, DIRECT_QUEUE } from "./_dispatch.ts";
import type { Engine } from "./_engine.ts";

/**
 * Claims a workflow for `engine` that waits in the queue without limits, instead of waiting until somebody looks.
 *
 * @returns Whether it is claimed: dispatch it with `ownerToken` once the transaction is committed.
 */
export async function claimDirectly(
  transaction: Queryable,
  workflowId: string,
  { executorId, configuration }: Engine,
  ownerToken: string,
): Promise<boolean> {
  const version = applicationVersion(configuration.name);
  const claimed = await transaction.query(CLAIM, [workflowId, executorId, ownerToken, version]);
  return claimed.length > 0;
}

/** What DBOS does when it takes a workflow out of its queue. */
const CLAIM = `
update dbos.workflow_status
set status = 'PENDING', executor_id = $2, owner_xid = $3, application_version = $4,
  started_at_epoch_ms = (extract(epoch from now()) * 1000)::bigint, recovery_attempts = 1
where workflow_uuid = $1 and status = 'ENQUEUED' and queue_name = '${DIRECT_QUEUE}'
returning workflow_uuid`;
