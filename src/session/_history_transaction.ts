import { createHash } from "node:crypto";
import type { SessionHistoryTransaction } from "@openai/agents";
import { canonicalJson } from "../core/canonical_json.ts";
import type { Queryable } from "../database/database.ts";
import { appendItems, readItems, takeItems } from "./_stored_items.ts";
import { SessionHistoryError } from "./session_history_error.ts";

/** Changes a locked session's history, unless the operation has been applied before. */
export async function applyTransaction(
  queryable: Queryable,
  sessionId: string,
  operationId: string,
  change: SessionHistoryTransaction,
): Promise<void> {
  if (change?.type !== "append_items" && change?.type !== "replace_suffix") {
    throw new TypeError(
      `Cannot change the history of session "${sessionId}": the change is none of append_items and replace_suffix`,
    );
  }
  if (!await isNewOperation(queryable, sessionId, operationId, change)) return;
  switch (change.type) {
    case "append_items":
      return await appendItems(queryable, sessionId, change.items);
    case "replace_suffix": {
      const { expectedSuffix, replacement } = change;
      const suffix = expectedSuffix.length === 0
        ? []
        : await readItems(queryable, sessionId, expectedSuffix.length);
      if (canonicalJson(suffix) !== canonicalJson(expectedSuffix)) {
        throw new SessionHistoryError(
          "session_suffix_changed",
          `Cannot replace the last ${expectedSuffix.length} items of session "${sessionId}": they are not the ` +
            "expected ones any more. Read the history again.",
        );
      }
      await takeItems(queryable, sessionId, suffix.length);
      await appendItems(queryable, sessionId, replacement);
    }
  }
}

/** Records the operation; false when it was recorded before. */
async function isNewOperation(
  queryable: Queryable,
  sessionId: string,
  operationId: string,
  change: SessionHistoryTransaction,
): Promise<boolean> {
  const fingerprint = createHash("sha256").update(canonicalJson(change)).digest("hex");
  const [known] = await queryable.query(
    "select fingerprint from timestep.session_operations where session_id = $1 and operation_id = $2",
    [sessionId, operationId],
  );
  if (!known) {
    await queryable.query(
      "insert into timestep.session_operations (session_id, operation_id, fingerprint) values ($1, $2, $3)",
      [sessionId, operationId, fingerprint],
    );
    return true;
  }
  if (known["fingerprint"] === fingerprint) return false;
  throw new SessionHistoryError(
    "session_operation_reused",
    `Cannot apply operation "${operationId}" to session "${sessionId}": it was applied before with other items. ` +
      "Use a new operationId for another change.",
  );
}
