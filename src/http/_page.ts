import { invalid } from "./api_error.ts";

/** Which part of a list is asked for, as it came in the query. */
export interface Page {
  after: string | null;
  limit: string | null;
  order: string | null;
}

/** Which part of a list is asked for: OpenAI's defaults are 20 items, newest first. */
export interface PageOptions {
  after: string | null;
  limit: number;
  order: "asc" | "desc";
}

/** @throws {ApiError} 400 when the limit or the order is none. */
export function parsePage({ after, limit, order }: Page): PageOptions {
  const count = limit === null ? 20 : Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > 100) {
    throw invalid("limit", "'limit' has to be an integer from 1 to 100.");
  }
  if (order !== null && order !== "asc" && order !== "desc") {
    throw invalid("order", "'order' has to be 'asc' or 'desc'.");
  }
  return { after, limit: count, order: order ?? "desc" };
}

/** A page in OpenAI's shape. */
export function pageBody<T extends { id: string }>(data: T[], hasMore: boolean) {
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

/** The page of a list that is in memory, oldest first. */
export function listPage<T extends { id: string }>(items: readonly T[], page: Page) {
  const { after, limit, order } = parsePage(page);
  const ordered = order === "asc" ? items : items.toReversed();
  const start = after === null ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  if (after !== null && start === 0) throw invalid("after", `No item found with id '${after}'.`);
  return pageBody(ordered.slice(start, start + limit), ordered.length > start + limit);
}
