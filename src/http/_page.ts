import { invalid } from "./api_error.ts";

/** Which part of a list is asked for: OpenAI's defaults are 20 items, newest first. */
export interface PageOptions {
  /** The id of the item that the page follows. */
  after: string | null;
  /** The id of the item that the page ends before. */
  before: string | null;
  limit: number;
  order: "asc" | "desc";
}

/** @throws {ApiError} 400 when the limit or the order is none. */
export function parsePage(query: URLSearchParams): PageOptions {
  const count = Number(query.get("limit") ?? 20);
  if (!Number.isInteger(count) || count < 1 || count > 100) {
    throw invalid("limit", "'limit' has to be an integer from 1 to 100.");
  }
  const order = query.get("order") ?? "desc";
  if (order !== "asc" && order !== "desc") throw invalid("order", "'order' has to be 'asc' or 'desc'.");
  return { after: query.get("after"), before: query.get("before"), limit: count, order };
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
export function listPage<T extends { id: string }>(items: readonly T[], page: PageOptions) {
  const { after, before, limit, order } = page;
  const ordered = order === "asc" ? items : items.toReversed();
  const placeOf = (param: string, id: string) => {
    const place = ordered.findIndex((item) => item.id === id);
    if (place < 0) throw invalid(param, `No item found with id '${id}'.`);
    return place;
  };
  const start = after === null ? 0 : placeOf("after", after) + 1;
  const end = before === null ? ordered.length : placeOf("before", before);
  // With nothing else asked for, the page before an item is the one that ends with its neighbour.
  const first = after === null && before !== null ? Math.max(start, end - limit) : start;
  return pageBody(ordered.slice(first, Math.min(end, first + limit)), end - start > limit);
}
