import { z } from "zod";
import { isCallersSession, readAs, sessionParameters } from "../_access.ts";
import { parseItemId } from "../_ids.ts";
import { currentResponse, type Reader } from "./read_response.ts";
import { readResponse } from "./response_record.ts";

/** An item of a response, of a request or of a conversation by its id; `undefined` when the caller has none such. */
export async function findItem(
  reader: Reader,
  id: string,
): Promise<Record<string, unknown> | undefined> {
  const place = parseItemId(id);
  if (!place) return undefined;
  const response = await readResponse(reader.database, `resp_${place.hex}`, reader.principal);
  if (response && place.kind === "in") return response.input[place.place];
  if (response) {
    const { output } = await currentResponse(reader, response);
    return output.find((item) => item.id === id);
  }
  return await conversationItem(reader, `conv_${place.hex}`, place.place);
}

async function conversationItem(
  { database, principal }: Reader,
  sessionId: string,
  position: number,
): Promise<Record<string, unknown> | undefined> {
  const { toConversationItem } = await import("../conversations/conversation_item.ts");
  const [row] = await readAs(database, principal, (queryable) =>
    queryable.query(
      `select i.item from timestep.session_items i join timestep.sessions s using (session_id)
       where s.session_id = $1 and ${isCallersSession(2)} and i.position = $4::bigint`,
      [sessionId, ...sessionParameters(principal), position],
    ));
  return row && toConversationItem(z.unknown().parse(row["item"]), sessionId, position);
}
