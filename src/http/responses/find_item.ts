import { z } from "zod";
import type { Database } from "../../database/database.ts";
import { readAs } from "../_access.ts";
import { parseItemId } from "../_ids.ts";
import { ownerIdOf, type Principal } from "../principal.ts";
import { currentResponse } from "./read_response.ts";
import { readResponse } from "./response_record.ts";
import type { RunWatcher } from "./run_watcher.ts";

/** An item of a response, of a request or of a conversation by its id; `undefined` when the caller has none such. */
export async function findItem(
  database: Database,
  watcher: RunWatcher,
  principal: Principal,
  id: string,
): Promise<Record<string, unknown> | undefined> {
  const place = parseItemId(id);
  if (!place) return undefined;
  const response = await readAs(
    database,
    principal,
    (queryable) => readResponse(queryable, `resp_${place.hex}`, principal),
  );
  if (response && place.kind === "in") return response.input[place.place];
  if (response) {
    const { output } = await currentResponse(database, watcher, response);
    return output.find((item) => item.id === id);
  }
  return await conversationItem(database, principal, `conv_${place.hex}`, place.place);
}

async function conversationItem(
  database: Database,
  principal: Principal,
  sessionId: string,
  position: number,
): Promise<Record<string, unknown> | undefined> {
  const { toConversationItem } = await import("../conversations/conversation_item.ts");
  const [row] = await readAs(database, principal, (queryable) =>
    queryable.query(
      `select i.item from timestep.session_items i join timestep.sessions s using (session_id)
       where s.session_id = $1 and ($2::text is null or s.owner_id = $2) and i.position = $3::bigint`,
      [sessionId, ownerIdOf(principal), position],
    ));
  return row && toConversationItem(z.unknown().parse(row["item"]), sessionId, position);
}
